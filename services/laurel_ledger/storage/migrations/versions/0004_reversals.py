"""Reversals: what a transaction gave back or took back of another.

Why a table of its own: a posting that reverses nothing must not pay for it. Each reversal says how
much was reversed before it, so that the sum of all is in the last one, no two can follow the same
one, and together they never exceed what they reverse (I10). A member may owe points, so a balance
may be below zero. A cohort counts what came back and what was taken back by itself: neither was
issued or spent anew.
"""

from laurel_kit.migrations import execute

revision = "0004"
down_revision = "0003"

REVERSALS = """
create table reversal (
    shard_id smallint not null,
    late_restore smallint not null,
    shortfall smallint not null,
    grace_days smallint not null,
    holder_no integer not null,
    position bigint not null,
    reversed_key uuid not null,
    reversed_before bigint not null,
    amount bigint not null,
    original_amount bigint not null,
    requested bigint not null,
    late bigint not null,
    reversed_request_id text collate "C",
    constraint pk_reversal primary key (shard_id, position),
    constraint uq_reversal_order unique (shard_id, holder_no, reversed_key, reversed_before),
    constraint ck_reversal_amount check (0 < amount and amount <= requested),
    constraint ck_reversal_remaining check (
        reversed_before >= 0 and reversed_before + requested <= original_amount
    ),
    constraint ck_reversal_late check (0 <= late and late <= amount)
);

alter table transaction
    drop constraint ck_transaction_type,
    drop constraint ck_transaction_posted_after,
    add constraint ck_transaction_type check (type between 1 and 5),
    add constraint ck_transaction_posted_after check (
        posted_after between -1000000000000000 and 1000000000000000
    );

alter table account
    drop constraint ck_account_member_balance,
    add constraint ck_account_member_balance check (
        kind <> 1 or posted between -1000000000000000 and 1000000000000000
    );

alter table cohort
    add column restored bigint not null default 0,
    add column reversed bigint not null default 0,
    drop constraint ck_cohort_counters,
    add constraint ck_cohort_counters check (
        issued >= 0 and spent >= 0 and expired >= 0 and restored >= 0 and reversed >= 0
    );
"""


def upgrade() -> None:
    execute(REVERSALS)
