"""What members did, and the scores published of it."""

from laurel_kit.migrations import execute
from laurel_kit.schema import KIT_DDL_0001

revision = "0001"
down_revision = None

SCORING = """
-- Everybody of whom a fact is known. The version counts the transactions that recorded facts: who
-- has read the facts of a version knows whether there are newer ones.
create table member (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    version bigint not null,
    record_time timestamptz not null,
    constraint pk_member primary key (program_id, member_id),
    constraint ck_member_version check (version >= 1)
);

-- Facts as they were reported, never changed. Their order is (activity_time, activity_id), whatever
-- the order of arrival; member_version says with which version of the member they came.
create table activity (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    activity_id text collate "C" not null,
    fact_kind text collate "C" not null,
    activity_time timestamptz not null,
    order_id text collate "C",
    content jsonb not null,
    digest bytea not null,
    member_version bigint not null,
    record_time timestamptz not null,
    constraint pk_activity primary key (program_id, member_id, activity_id),
    constraint fk_activity_member foreign key (program_id, member_id) references member,
    constraint ck_activity_fact_kind check (fact_kind in (
        'purchase', 'purchase_return', 'engagement', 'profile_change', 'credit_report'
    )),
    constraint ck_activity_order check (
        fact_kind not in ('purchase', 'purchase_return') or order_id is not null
    ),
    constraint ck_activity_digest check (length(digest) = 16)
);
create index ix_activity_order on activity (program_id, member_id, order_id)
    where order_id is not null;

-- The publication of a month's scores of a model, and its corrections. The row is locked by whoever
-- settles the next members; last_member_id is where to go on.
create table settlement (
    program_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    state text collate "C" not null,
    due_time timestamptz not null,
    revision_id text collate "C" not null,
    revision_time timestamptz not null,
    start_time timestamptz not null,
    end_time timestamptz,
    last_member_id text collate "C" not null,
    members_done bigint not null,
    members_total bigint not null,
    scores_published bigint not null,
    correction_reason text not null,
    constraint pk_settlement primary key (program_id, model_id, month, run),
    constraint ck_settlement_month check (extract(day from month) = 1),
    constraint ck_settlement_run check (run >= 1 and (run > 1) = (correction_reason <> '')),
    constraint ck_settlement_state check (state in ('running', 'published')),
    constraint ck_settlement_ended check ((end_time is not null) = (state = 'published')),
    constraint ck_settlement_counts check (
        members_done between 0 and members_total and scores_published between 0 and members_done
    )
);

-- Scores that were published, never changed. A correction adds a row of a later run.
create table published_score (
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    model_id text collate "C" not null,
    month date not null,
    run integer not null,
    value bigint not null,
    level_id text collate "C" not null,
    due_time timestamptz not null,
    publish_time timestamptz not null,
    revision_id text collate "C" not null,
    revision_time timestamptz not null,
    member_version bigint not null,
    correction_reason text not null,
    constraint pk_published_score primary key (program_id, member_id, model_id, month, run),
    constraint ck_published_score_value check (value >= 0)
);
"""


def upgrade() -> None:
    execute(KIT_DDL_0001)
    execute(SCORING)
