"""Standings may be those of a tier, and what a use gave may have an end."""

from laurel_kit.migrations import execute

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

DDL = """
-- A gate may ask for the tier, which invitations and overrides give beside the score: it is seen,
-- and kept, apart from the scores.
-- What a use gives may be redeemed for a while only, as a freight coupon is.
alter table seen_standing drop constraint ck_seen_standing_source;
alter table seen_standing add constraint ck_seen_standing_source
    check (source in ('LIVE', 'PUBLISHED', 'TIER'));
alter table benefit_use add column expire_time timestamptz;
"""


def upgrade() -> None:
    """Allow the source, and add the column."""
    execute(DDL)
