"""Rankings: settlements whose levels go by rank value everybody before they publish anybody."""

from laurel_kit.migrations import execute

revision = "0006"
down_revision = "0005"

RANKINGS = """
-- How far a ranking under way is. It is forgotten when the settlement is published.
create table ranking (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    last_member_id text collate "C" not null,
    is_gathered boolean not null,
    constraint pk_ranking primary key (program_id, model_id, month, run)
);

-- A score above zero was reached at some time, and only such a one has a place.
create table ranking_entry (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    member_id text collate "C" not null,
    value bigint not null,
    reached_time timestamptz,
    member_version bigint not null,
    place bigint,
    constraint pk_ranking_entry primary key (program_id, model_id, month, run, member_id),
    constraint ck_ranking_entry_reached check ((value = 0) = (reached_time is null)),
    constraint ck_ranking_entry_place check (place is null or value > 0)
);
"""


def upgrade() -> None:
    execute(RANKINGS)
