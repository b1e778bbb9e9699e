"""Indexes by which the memberships of a whole program that are about to end are found."""

from laurel_kit.migrations import execute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DDL = """
create index ix_membership_end on membership (program_id, expire_time);
create index ix_membership_release_end on membership (program_id, release_expire_time)
    where frozen_points > 0;
"""


def upgrade() -> None:
    """Make the indexes."""
    execute(DDL)
