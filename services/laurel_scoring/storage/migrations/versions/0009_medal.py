"""Medals: the levels that members hold, moved by the daily run."""

from laurel_kit.migrations import execute

revision = "0009"
down_revision = "0008"

MEDALS = """
-- The level of a medal that a member holds; who holds none has no row.
create table member_medal (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    medal_id text collate "C" not null,
    level integer not null,
    since_time timestamptz not null,
    constraint pk_member_medal primary key (program_id, member_id, medal_id),
    constraint ck_member_medal_level check (level >= 1)
);

-- Every level earned and lost; 0 is none.
create table medal_change (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    medal_id text collate "C" not null,
    change_id uuid not null,
    change_time timestamptz not null,
    from_level integer not null,
    to_level integer not null,
    revision_id text collate "C" not null,
    constraint pk_medal_change primary key (program_id, member_id, medal_id, change_id),
    constraint ck_medal_change_levels
        check (from_level >= 0 and to_level >= 0 and from_level <> to_level)
);
"""


def upgrade() -> None:
    execute(MEDALS)
