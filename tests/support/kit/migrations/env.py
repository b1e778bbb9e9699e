"""How alembic runs the migrations of the service that the kit is tested with."""

from laurel_kit.migrations import run_environment

from tests.support.kit.tables import METADATA

run_environment(METADATA)
