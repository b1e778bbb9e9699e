"""`python -m laurel_scoring`: the process of the scoring service."""

from __future__ import annotations

from pathlib import Path

from laurel_kit.process import run

from laurel_scoring.config import ScoringSettings
from laurel_scoring.service import build


def main() -> None:
    """Run the service as its environment says."""
    run(build, ScoringSettings, migrations=Path(__file__).parent / "storage" / "migrations")


if __name__ == "__main__":
    main()
