"""Holds: points set aside in lots of their own choosing.

A hold is state, as an account is; what was done to it stands in its events, one beside each of its
transactions. Placing, releasing, extending and lapsing move no points to another account, so such a
transaction has an entry of nothing and no other side.
"""

from laurel_kit.migrations import execute

revision = "0005"
down_revision = "0004"

HOLDS = """
alter table account
    add column held bigint not null default 0,
    add constraint ck_account_held check (held >= 0);

alter table lot
    add column reserved bigint not null default 0,
    add constraint ck_lot_reserved check (0 <= reserved and consumed + reserved <= earned);

alter table transaction
    drop constraint ck_transaction_type,
    drop constraint ck_transaction_outcome,
    add constraint ck_transaction_type check (type between 1 and 10),
    add constraint ck_transaction_outcome check (
        num_nulls(version, posted_after, revision_no) = case when refusal is null then 0 else 3 end
    ),
    add constraint ck_transaction_counter check (
        (counter_account_id is null) = (refusal is not null or type > 6)
    );

create table hold (
    shard_id smallint not null,
    state smallint not null,
    account_id integer not null,
    holder_no integer not null,
    hold_key uuid not null,
    position bigint not null,
    amount bigint not null,
    captured bigint not null,
    released bigint not null,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    hold_id text collate "C",
    pins jsonb not null,
    constraint pk_hold primary key (shard_id, holder_no, hold_key),
    constraint ck_hold_amounts check (
        amount > 0 and captured >= 0 and released >= 0 and captured + released <= amount
    ),
    constraint ck_hold_state check (
        state between 1 and 4 and (state = 1) = (captured + released < amount)
    )
) with (fillfactor = 70);
create unique index ix_hold_account on hold (shard_id, account_id, position);
create index ix_hold_open on hold (shard_id, account_id) where state = 1;

create table hold_event (
    shard_id smallint not null,
    position bigint not null,
    content jsonb not null,
    constraint pk_hold_event primary key (shard_id, position)
);
"""


def upgrade() -> None:
    execute(HOLDS)
