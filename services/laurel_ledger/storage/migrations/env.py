"""What alembic runs: the ledger's migrations, in the kit's way."""

from laurel_kit.migrations import run_environment
from laurel_ledger.storage.schema import METADATA

run_environment(METADATA)
