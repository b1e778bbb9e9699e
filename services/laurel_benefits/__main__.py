"""`python -m laurel_benefits` serves; `python -m laurel_benefits migrate` migrates."""

from __future__ import annotations

from pathlib import Path

from laurel_kit.process import run

from laurel_benefits.config import BenefitsSettings
from laurel_benefits.service import build

MIGRATIONS = Path(__file__).parent / "storage" / "migrations"


def main() -> None:
    """Run the service as the environment says."""
    run(build, BenefitsSettings, migrations=MIGRATIONS)


if __name__ == "__main__":
    main()
