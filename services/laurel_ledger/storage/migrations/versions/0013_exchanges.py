"""Points of one asset that members give for points of another one.

The two transactions stand against an account of a kind of its own, which says how much of an asset
was given for others: what is cleared between members still comes back to nothing.
"""

from laurel_kit.migrations import execute

revision = "0013"
down_revision = "0012"

EXCHANGES = """
alter table transaction
    drop constraint ck_transaction_counter,
    add constraint ck_transaction_counter check (
        (counter_account_id is null)
        = (refusal is not null or (type > 6 and type not in (14, 17, 18, 19, 20, 23, 24)))
    );
"""


def upgrade() -> None:
    execute(EXCHANGES)
