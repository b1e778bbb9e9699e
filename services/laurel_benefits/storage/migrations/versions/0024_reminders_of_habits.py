"""What brings members back: who signed in the day before, and whose tree is ripe."""

from laurel_kit.migrations import execute

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

DDL = """
-- Who signed in on a day, of a whole program.
create index ix_check_in_day on check_in (program_id, day, member_id);

alter table tree add column ripe_time timestamptz;
create index ix_tree_ripe_time on tree (program_id, ripe_time) where ripe_time is not null;
"""


def upgrade() -> None:
    """Add the column and the indexes."""
    execute(DDL)
