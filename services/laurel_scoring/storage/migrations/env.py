"""How alembic runs the migrations of the scoring service."""

from laurel_kit.migrations import run_environment
from laurel_scoring.storage.schema import METADATA

run_environment(METADATA)
