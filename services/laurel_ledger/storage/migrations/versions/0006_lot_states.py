"""Lots whose points wait to be spent, or are frozen.

When points become active by themselves stands in their lot for good; whether a key has come, and
why a lot is frozen, changes. A lot that was thawed may look like another open one, so that lots are
no longer unique by what they hold. What was done to lots stands beside its transaction, as with
holds. An account says whether it has such lots, for those who read balances without lots.
"""

from laurel_kit.migrations import execute

revision = "0006"
down_revision = "0005"

LOT_STATES = """
alter table account add column withheld boolean not null default false;

alter table lot
    add column active_time timestamptz,
    add column activation_key text collate "C",
    add column activated boolean not null default false,
    add column freeze_key text collate "C",
    add constraint ck_lot_activation check (num_nulls(active_time, activation_key) > 0);
drop index ix_lot_open;
create index ix_lot_open on lot (shard_id, account_id) where not expired;

alter table transaction
    drop constraint ck_transaction_type,
    drop constraint ck_transaction_counter,
    add constraint ck_transaction_type check (type between 1 and 15),
    add constraint ck_transaction_counter check (
        (counter_account_id is null) = (refusal is not null or (type > 6 and type <> 14))
    );

create table lot_event (
    shard_id smallint not null,
    position bigint not null,
    content jsonb not null,
    constraint pk_lot_event primary key (shard_id, position)
);
"""


def upgrade() -> None:
    execute(LOT_STATES)
