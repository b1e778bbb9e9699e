"""Check-ins that somebody has to look at, and what refused rewards give back."""

from laurel_kit.migrations import execute

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DDL = """
-- The key for which the points of a check-in wait in the ledger; null when they do not.
alter table check_in add column review_case_id uuid;

-- What a reward took of limits and caps: it comes back when the ledger refuses the reward.
alter table activity add column counted jsonb not null default '[]';
"""


def upgrade() -> None:
    """Make the columns."""
    execute(DDL)
