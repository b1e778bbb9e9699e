"""Courses of models with ranks say when each score was reached (K5)."""

from laurel_kit.migrations import execute

revision = "0012"
down_revision = "0011"

REACHED_TIMES = """
alter table score_course
    add column reached_times timestamptz[];
"""


def upgrade() -> None:
    execute(REACHED_TIMES)
