"""Parts of paid orders that are off before they are delivered."""

from laurel_kit.migrations import execute

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

DDL = """
-- What was called off of a paid order, in its order: never searched, so kept with the order. While
-- the state is REFUNDING, the last one's points are not known to be back.
alter table checkout add column cancellations jsonb not null default '[]'::jsonb;
alter table checkout add constraint ck_checkout_cancellations check (
    jsonb_typeof(cancellations) = 'array'
);
"""


def upgrade() -> None:
    """Add the column."""
    execute(DDL)
