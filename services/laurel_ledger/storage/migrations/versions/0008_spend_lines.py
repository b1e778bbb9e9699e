"""What a spending says beyond its amount: lines that can be given back by themselves, and what to
do when points are too few.

Why beside the transaction: most spendings say nothing of it, and pay for nothing of it. A reversal
of lines says how much of each was reversed before it, as it does of the whole.
"""

from laurel_kit.migrations import execute

revision = "0008"
down_revision = "0007"

SPEND_LINES = """
create table spend_event (
    shard_id smallint not null,
    position bigint not null,
    content jsonb not null,
    constraint pk_spend_event primary key (shard_id, position)
);
"""


def upgrade() -> None:
    execute(SPEND_LINES)
