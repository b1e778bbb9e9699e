"""Changes of balances by hand.

What becomes of a proposal is state, like an account; that it was posted is a transaction as any
other, with an account of its own kind on the other side.
"""

from laurel_kit.migrations import execute

revision = "0010"
down_revision = "0009"

ADJUSTMENTS = """
create table adjustment (
    shard_id smallint not null,
    state smallint not null,
    program_id text collate "C" not null,
    member_id text collate "C" not null,
    adjustment_id text collate "C" not null,
    asset_id text collate "C" not null,
    amount bigint not null,
    funding_account_id text collate "C" not null,
    reason_id text collate "C" not null,
    comment text not null,
    expire_time timestamptz,
    maker_id text collate "C" not null,
    create_time timestamptz not null,
    program_revision text collate "C" not null,
    checker_id text collate "C" not null,
    decide_time timestamptz,
    decision_comment text not null,
    failure_reason text not null,
    transaction_id text collate "C" not null,
    constraint pk_adjustment primary key (shard_id, program_id, member_id, adjustment_id),
    constraint ck_adjustment_state check (
        state between 1 and 5 and (state = 1) = (decide_time is null)
    ),
    -- Whoever proposed it may take it back, and never approves it.
    constraint ck_adjustment_checker check (state in (1, 5) or checker_id <> maker_id),
    constraint ck_adjustment_failure check ((state = 4) = (failure_reason <> ''))
);
create index ix_adjustment_time
    on adjustment (shard_id, program_id, create_time desc, member_id, adjustment_id);
create index ix_adjustment_approved on adjustment (decide_time) where state = 2;
"""


def upgrade() -> None:
    execute(ADJUSTMENTS)
