"""The books: accounts, lots, transactions, the log, and a head for each shard.

Why this shape: a member and everything of the member lies in one shard, so posting never crosses
one. What a transaction costs is its one row and three index entries: its entry on the member's
account, its request id and its place in the log are columns of that row; its entry on the program's
account is the negative, folded per batch into that account's row. Every key begins with shard_id,
so the tables can be distributed unchanged; revision_name is small and would be on every node.
"""

from laurel_kit.migrations import execute
from laurel_kit.schema import KIT_DDL_0001

revision = "0001"
down_revision = None

BOOKS = """
-- One row for each shard: who holds its lock posts in it, one batch after the other.
create table shard_head (
    shard_id smallint not null,
    next_account_id integer not null default 1,
    next_position bigint not null default 1,
    next_batch bigint not null default 1,
    last_commit_time timestamptz not null default '1970-01-01 00:00:00+00',
    chain_hash bytea not null default decode(repeat('00', 32), 'hex'),
    constraint pk_shard_head primary key (shard_id)
) with (fillfactor = 50);
insert into shard_head (shard_id) select generate_series(0, 15);

-- The names of program revisions, which transactions name by number: 4 bytes instead of 72.
create table revision_name (
    revision_no integer generated always as identity,
    program_revision text collate "C" not null,
    constraint pk_revision_name primary key (revision_no),
    constraint uq_revision_name unique (program_revision)
);

-- A member's account of one asset, or a shard's stripe of one of the program's own. holder_no is
-- the first account of the same holder: request ids are unique under it. What changes stands last
-- and in no index but the one for what is due, so that updates stay in their page.
create table account (
    shard_id smallint not null,
    kind smallint not null,
    account_id integer not null,
    holder_no integer not null,
    lots_opened integer not null default 0,
    open_time timestamptz not null,
    program_id text collate "C" not null,
    holder_id text collate "C" not null,
    asset_id text collate "C" not null,
    posted bigint not null default 0,
    version bigint not null default 0,
    next_due_time timestamptz,
    constraint pk_account primary key (shard_id, account_id),
    constraint uq_account_name unique (shard_id, program_id, kind, holder_id, asset_id),
    constraint ck_account_kind check (kind between 1 and 4),
    constraint ck_account_member_balance check (kind <> 1 or posted between 0 and 1000000000000000),
    constraint ck_account_version check (version >= 0 and lots_opened >= 0)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index ix_account_due on account (shard_id, next_due_time) where next_due_time is not null;

-- A pocket of a member's points: one funder, one expiry. Both counters only grow.
create table lot (
    shard_id smallint not null,
    expired boolean not null default false,
    account_id integer not null,
    lot_no integer not null,
    funding_account_id integer not null,
    expire_time timestamptz,
    create_time timestamptz not null,
    earned bigint not null,
    consumed bigint not null,
    constraint pk_lot primary key (shard_id, account_id, lot_no),
    constraint ck_lot_remaining check (0 <= consumed and consumed <= earned),
    constraint ck_lot_expired check (not expired or consumed = earned)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create unique index ix_lot_open on lot (shard_id, account_id, funding_account_id, expire_time)
    nulls not distinct where not expired;

-- What became of a request id, for ever: a transaction with its entry on the member's account, or
-- a refusal. A transaction that touched one lot names it here, one that touched several has rows in
-- lot_movement.
create table transaction (
    shard_id smallint not null,
    type smallint not null,
    account_id integer not null,
    holder_no integer not null,
    counter_account_id integer,
    revision_no integer,
    given smallint not null,
    position bigint not null,
    version bigint,
    amount bigint not null,
    posted_after bigint,
    commit_time timestamptz not null,
    request_key uuid not null,
    lot_position bigint,
    lot_no integer,
    effective_time timestamptz,
    request_id text collate "C",
    reason text,
    labels jsonb,
    refusal jsonb,
    constraint pk_transaction primary key (shard_id, position),
    constraint uq_transaction_request unique (shard_id, holder_no, request_key),
    constraint uq_transaction_version unique (shard_id, account_id, version),
    constraint ck_transaction_type check (type between 1 and 3),
    constraint ck_transaction_amount check (amount between 1 and 1000000000000000),
    constraint ck_transaction_posted_after check (posted_after between 0 and 1000000000000000),
    constraint ck_transaction_outcome check (
        num_nulls(version, posted_after, counter_account_id, revision_no)
            = case when refusal is null then 0 else 4 end
    )
);

-- The lots of a transaction that touched several, in the order taken.
create table lot_movement (
    shard_id smallint not null,
    ordinal smallint not null,
    account_id integer not null,
    version bigint not null,
    lot_no integer not null,
    position bigint not null,
    amount bigint not null,
    constraint pk_lot_movement primary key (shard_id, account_id, version, ordinal),
    constraint ck_lot_movement_amount check (amount <> 0 and position >= 0)
);

-- The batches of a shard, chained: each hash covers the one before it and the records of its batch.
create table log (
    shard_id smallint not null,
    item_count integer not null,
    batch_no bigint not null,
    first_position bigint not null,
    commit_time timestamptz not null,
    root bytea not null,
    hash bytea not null,
    constraint pk_log primary key (shard_id, batch_no),
    constraint ck_log_item_count check (item_count > 0)
);
"""


def upgrade() -> None:
    execute(KIT_DDL_0001)
    execute(BOOKS)
