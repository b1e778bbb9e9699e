"""Accounts that are suspended, limited or closed.

How an account stands is its last change: changes are kept for ever, with who made them and why. The
head of a shard counts them, so that no batch is stored that was decided before one of them.
"""

from laurel_kit.migrations import execute

revision = "0011"
down_revision = "0010"

ACCOUNT_CHANGES = """
create table account_change (
    shard_id smallint not null,
    kind smallint not null,
    state smallint not null,
    account_id integer not null,
    change_no integer not null,
    change_time timestamptz not null,
    balance_max bigint,
    earn_max bigint,
    spend_max bigint,
    maker_id text collate "C" not null,
    reason text not null,
    constraint pk_account_change primary key (shard_id, account_id, change_no),
    constraint ck_account_change_kind check (kind between 1 and 4 and state between 1 and 3),
    constraint ck_account_change_limits check (
        balance_max >= 0 and earn_max >= 0 and spend_max >= 0
    )
);

alter table shard_head add column changes integer not null default 0;
"""


def upgrade() -> None:
    execute(ACCOUNT_CHANGES)
