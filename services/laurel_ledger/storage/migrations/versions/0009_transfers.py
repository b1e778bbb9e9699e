"""Points that go from one member to another, through an account of a kind of its own.

Kinds and types leave room for more.
"""

from laurel_kit.migrations import execute

revision = "0009"
down_revision = "0008"

TRANSFERS = """
alter table account
    drop constraint ck_account_kind,
    add constraint ck_account_kind check (kind between 1 and 8);

alter table transaction
    drop constraint ck_transaction_type,
    drop constraint ck_transaction_counter,
    add constraint ck_transaction_type check (type between 1 and 31),
    add constraint ck_transaction_counter check (
        (counter_account_id is null)
        = (refusal is not null or (type > 6 and type not in (14, 17, 18, 23, 24)))
    );
"""


def upgrade() -> None:
    execute(TRANSFERS)
