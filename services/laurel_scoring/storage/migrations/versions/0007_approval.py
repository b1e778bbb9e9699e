"""Approvals: that other members approved of a review is a fact of its author."""

from laurel_kit.migrations import execute

revision = "0007"
down_revision = "0006"

APPROVALS = """
alter table activity
    drop constraint ck_activity_fact_kind,
    add constraint ck_activity_fact_kind check (fact_kind in (
        'purchase', 'purchase_return', 'engagement', 'profile_change', 'credit_report', 'approval'
    ));
"""


def upgrade() -> None:
    execute(APPROVALS)
