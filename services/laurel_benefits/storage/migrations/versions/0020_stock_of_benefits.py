"""Uses of benefits know the order they were made in, and the stock they were taken from."""

from laurel_kit.migrations import execute

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

DDL = """
-- What was used in an order comes back with it; what was taken from a stock goes back to the period
-- it was taken from. The stock itself is a counter of the program.
alter table benefit_use add column order_id text collate "C";
alter table benefit_use add column stock_key text collate "C" not null default '';
create index ix_benefit_use_order on benefit_use (program_id, member_id, order_id)
    where order_id is not null;
"""


def upgrade() -> None:
    """Add the columns."""
    execute(DDL)
