"""Violations: that a member broke a rule is a fact of it."""

from laurel_kit.migrations import execute

revision = "0011"
down_revision = "0010"

VIOLATIONS = """
alter table activity
    drop constraint ck_activity_fact_kind,
    add constraint ck_activity_fact_kind check (fact_kind in (
        'purchase', 'purchase_return', 'engagement', 'profile_change', 'credit_report', 'approval',
        'violation'
    ));
"""


def upgrade() -> None:
    execute(VIOLATIONS)
