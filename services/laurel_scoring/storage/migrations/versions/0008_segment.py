"""Groups of members: what each bought and kept, in short, brought up to date once a day."""

from laurel_kit.migrations import execute

revision = "0008"
down_revision = "0007"

SEGMENTS = """
-- How far the daily run of a program is. The row is locked by whoever takes the next members.
create table insight_day (
    program_id text collate "C" not null,
    day date not null,
    last_member_id text collate "C" not null,
    state text collate "C" not null,
    constraint pk_insight_day primary key (program_id),
    constraint ck_insight_day_state check (state in ('running', 'done'))
);

-- The groups of a member by the facts of a version of it and the rules of a revision; without a new
-- fact nothing changes before next_day. Worked out from the facts, so it may be lost at any time.
create table member_segment (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    member_version bigint not null,
    revision_id text collate "C" not null,
    next_day date,
    last_order_day date,
    orders integer not null,
    paid bigint not null,
    recency integer,
    frequency integer,
    monetary integer,
    group_id text collate "C" not null,
    dormancy_id text collate "C" not null,
    constraint pk_member_segment primary key (program_id, member_id),
    constraint ck_member_segment_counts check (orders >= 0 and paid >= 0),
    constraint ck_member_segment_scores check (
        (recency is null) = (group_id = '')
        and (frequency is null) = (group_id = '')
        and (monetary is null) = (group_id = '')
    )
);
create index ix_member_segment_group on member_segment (program_id, group_id, member_id);
create index ix_member_segment_dormancy on member_segment (program_id, dormancy_id, member_id);

-- What a member spent in a shop on a category, in the window of the groups, returns taken off.
create table member_taste (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    shop_id text collate "C" not null,
    category_id text collate "C" not null,
    paid bigint not null,
    constraint pk_member_taste primary key (program_id, member_id, shop_id, category_id),
    constraint ck_member_taste_paid check (paid >= 0)
);
create index ix_member_taste_shop on member_taste (program_id, shop_id, member_id);
"""


def upgrade() -> None:
    execute(SEGMENTS)
