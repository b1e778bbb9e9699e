"""`python -m tests.histories`: run after run, each with its own seed, until the time is over."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from statistics import median

from rich.console import Console

from tests.histories.faults import FAULTS, KILLS
from tests.histories.run import Result, run
from tests.histories.stand import stand
from tests.support.suites import ROOT

KILLS_EACH, OTHERS_EACH = 20, 2
OPERATIONS = 50_000
EVIDENCE = ROOT / ".laurel" / "histories"
"""Where the ledger's log of a run that failed is kept."""


def usual_faults() -> list[str]:
    """What happens in a run: mostly kills."""
    return [name for name in FAULTS for _ in range(KILLS_EACH if name in KILLS else OTHERS_EACH)]


def main(arguments: Sequence[str]) -> int:
    """Answers 1 when a run was not exact, and says with which seed."""
    asked = read(arguments)
    console = Console()
    started, seed, failed = time.monotonic(), asked.seed, False
    while seed == asked.seed or time.monotonic() - started < 60 * asked.minutes:
        begun = time.monotonic()
        result = asyncio.run(one(seed, asked.operations))
        left = max(0.0, 60 * asked.minutes - (time.monotonic() - started))
        console.print(told(seed, result, time.monotonic() - begun, left))
        for line in result.anomalies:
            console.print(f"[red]{line}[/]")
        failed = failed or bool(result.anomalies)
        seed += 1
    return int(failed)


async def one(seed: int, operations: int) -> Result:
    """One run over books of its own."""
    async with stand() as whole:
        result = await run(whole, seed=seed, faults=usual_faults(), operations=operations)
        if result.anomalies:
            EVIDENCE.mkdir(parents=True, exist_ok=True)
            shutil.copy(whole.log, EVIDENCE / f"ledger-{seed}.log")
    return result


def told(seed: int, result: Result, seconds: float, left: float) -> str:
    """A line about a run."""
    return (
        f"seed {seed}: {result.operations:,} operations ({result.operations / seconds:,.0f}/s), "
        f"{result.posted:,} posted, {result.resolved_late:,} resolved afterwards, "
        f"{sum(result.faults.values())} faults, ready again after "
        f"{median(result.recoveries):.2f} s (at most {max(result.recoveries):.2f} s), "
        f"{len(result.anomalies)} anomalies; {left / 60:.0f} minutes left"
    )


def read(arguments: Sequence[str]) -> Namespace:
    """What was asked for."""
    parser = ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long to go on (30)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first run (1)")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="in each run (50000)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
