"""Checkpoints: signed statements of what the ledger had come to, and what proves things from them.

Why this shape: the batches of a shard are the leaves of a tree that only grows. Its leaves are the
hashes in the log; of its inner nodes those of every eighth level are kept, a 256th of the batches,
from which every other one is quickly made. The log also keeps the beginnings of its records'
digests: its root tells that something was changed, they tell what.
"""

from laurel_kit.migrations import execute

revision = "0003"
down_revision = "0002"

CHECKPOINTS = """
alter table log add column marks bytea not null default '';
alter table log alter column marks drop default;

-- What the ledger had come to, one element for each shard. Small, and the same on every node.
create table checkpoint (
    checkpoint_no bigint not null,
    create_time timestamptz not null,
    batch_counts bigint[] not null,
    record_counts bigint[] not null,
    chain_hashes bytea[] not null,
    roots bytea[] not null,
    public_key bytea not null,
    signature bytea not null,
    constraint pk_checkpoint primary key (checkpoint_no),
    constraint ck_checkpoint_no check (checkpoint_no > 0)
);

-- One row: who holds its lock makes the next checkpoint.
create table checkpoint_head (
    id smallint not null default 1,
    next_checkpoint_no bigint not null default 1,
    constraint pk_checkpoint_head primary key (id),
    constraint ck_checkpoint_head_one_row check (id = 1)
);
insert into checkpoint_head default values;

-- Inner nodes of the shards' trees that are complete, of levels 8, 16, 24.
create table tree_node (
    shard_id smallint not null,
    level smallint not null,
    index bigint not null,
    hash bytea not null,
    constraint pk_tree_node primary key (shard_id, level, index),
    constraint ck_tree_node_level check (level > 0 and level % 8 = 0)
);
"""


def upgrade() -> None:
    execute(CHECKPOINTS)
