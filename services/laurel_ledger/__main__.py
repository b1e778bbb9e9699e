"""`python -m laurel_ledger`: the process of the ledger."""

from laurel_kit.process import run

from laurel_ledger.config import LedgerSettings
from laurel_ledger.service import MIGRATIONS, build

if __name__ == "__main__":
    run(build, LedgerSettings, migrations=MIGRATIONS)
