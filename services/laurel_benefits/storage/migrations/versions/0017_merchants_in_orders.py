"""Campaigns of merchants give from what their merchants have bought."""

from laurel_kit.migrations import execute

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

DDL = """
-- An account is one merchant's, so that what a campaign gives from it is that merchant's.
-- `reserved_points` is what orders that are not delivered yet keep: nobody else is given it.
alter table merchant add constraint uq_merchant_account unique (program_id, funding_account_id);
alter table merchant add column reserved_points bigint not null default 0;
alter table merchant drop constraint ck_merchant_points;
alter table merchant add constraint ck_merchant_points check (
    granted_points >= 0 and reserved_points >= 0
    and granted_points + reserved_points <= funded_points and entries >= 0
);
"""


def upgrade() -> None:
    """Change the table."""
    execute(DDL)
