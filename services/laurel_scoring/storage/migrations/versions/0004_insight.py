"""What a settlement says about everybody together: the pyramid, percentiles, the best."""

from laurel_kit.migrations import execute

revision = "0004"
down_revision = "0003"

INSIGHT = """
-- How many members have a score of each level, counted in the transaction that ends a settlement.
create table level_count (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    level_id text collate "C" not null,
    members bigint not null,
    value_total bigint not null,
    members_holding bigint not null,
    constraint pk_level_count primary key (program_id, model_id, month, run, level_id),
    constraint fk_level_count_settlement
        foreign key (program_id, model_id, month, run) references settlement,
    constraint ck_level_count_counts
        check (members >= 0 and value_total >= 0 and members_holding >= 0)
);

-- The score at each whole percent from 0 to 100; none when nobody has a score.
create table percentiles (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    scores bigint[] not null,
    constraint pk_percentiles primary key (program_id, model_id, month, run),
    constraint fk_percentiles_settlement
        foreign key (program_id, model_id, month, run) references settlement,
    constraint ck_percentiles_scores check (cardinality(scores) in (0, 101))
);

-- The highest scores; no two members share a place.
create table leaderboard (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    place integer not null,
    member_id text collate "C" not null,
    value bigint not null,
    level_id text collate "C" not null,
    reach_month date not null,
    constraint pk_leaderboard primary key (program_id, model_id, month, run, place),
    constraint uq_leaderboard_member unique (program_id, model_id, month, run, member_id),
    constraint fk_leaderboard_settlement
        foreign key (program_id, model_id, month, run) references settlement,
    constraint ck_leaderboard_place check (place >= 1 and value > 0)
);
"""


def upgrade() -> None:
    execute(INSIGHT)
