"""Accounts that go on in another member's.

What leaves the one and comes into the other stands against what is cleared between members.
"""

from laurel_kit.migrations import execute

revision = "0014"
down_revision = "0013"

MERGES = """
alter table transaction
    drop constraint ck_transaction_counter,
    add constraint ck_transaction_counter check (
        (counter_account_id is null)
        = (refusal is not null or (type > 6 and type not in (14, 17, 18, 19, 20, 21, 22, 23, 24)))
    );
"""


def upgrade() -> None:
    execute(MERGES)
