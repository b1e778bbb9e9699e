"""The tables every service has."""

from laurel_kit.migrations import execute
from laurel_kit.schema import KIT_DDL_0001

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(KIT_DDL_0001)
