"""The tables of levels by invitation: who has the score, who is invited, how many may be."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, Table, Uuid, text

from laurel_scoring.storage.tables import METADATA, count, instant, name

INVITED_LEVEL = Table(
    "invited_level",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    name("level_id", key=True),
    count("members"),
)

INVITATION = Table(
    "invitation",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    Column("invitation_id", Uuid, primary_key=True),
    name("level_id"),
    name("state"),
    instant("create_time"),
    instant("answer_until_time", nullable=True),
    instant("accept_time", nullable=True),
    instant("until_time", nullable=True),
    Index(
        "uq_invitation_standing",
        "program_id",
        "model_id",
        "level_id",
        "member_id",
        unique=True,
        postgresql_where=text("state in ('waiting', 'offered', 'accepted')"),
    ),
)

CANDIDATE = Table(
    "candidate",
    METADATA,
    name("program_id", key=True),
    name("model_id", key=True),
    name("level_id", key=True),
    Column("place", Integer, primary_key=True),
    name("member_id"),
    count("value"),
    Column("reach_month", Date, nullable=False),
    Index("uq_candidate_member", "program_id", "model_id", "level_id", "member_id", unique=True),
)
