"""Contacts with members who stay away."""

from laurel_kit.migrations import execute

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DDL = """
-- A member who was written to. Contacts are numbered, so that two callers cannot both make the
-- next one, and are never changed.
create table win_back_contact (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    position bigint not null,
    contact_time timestamptz not null,
    segment_id text collate "C" not null,
    offers jsonb not null,
    channel text not null,
    program_revision text collate "C" not null,
    constraint pk_win_back_contact primary key (program_id, member_id, position),
    constraint ck_win_back_contact_position check (position > 0)
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(DDL)
