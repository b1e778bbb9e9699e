"""The tables of courses, on the same metadata as the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table
from sqlalchemy.dialects.postgresql import ARRAY

from laurel_scoring.storage.tables import METADATA, count, name

SCORE_COURSE = Table(
    "score_course",
    METADATA,
    name("program_id", key=True),
    name("member_id", key=True),
    name("model_id", key=True),
    count("member_version"),
    Column("plan", LargeBinary, nullable=False),
    Column("months", ARRAY(Integer), nullable=False),
    Column("scores", ARRAY(BigInteger), nullable=False),
    Column("reached_times", ARRAY(DateTime(timezone=True))),
)

COURSE_DAY = Table(
    "course_day",
    METADATA,
    name("program_id", key=True),
    Column("day", Date, nullable=False),
    Column("pending", Boolean, nullable=False),
)
