"""`python -m tests.simulation`: simulated runs of the ledger's decision, a seed each."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from rich.progress import Progress

from tests.simulation.world import Anomaly, World


@dataclass
class Run:
    """What came of a seed."""

    seed: int
    commands: int
    faults: int
    trace: str
    answers: Counter[str] = field(default_factory=Counter)
    anomaly: str = ""


def run(seed: int, commands: int) -> Run:
    """Run a seed to its end, or to the first thing that is wrong."""
    world = World(seed)
    anomaly = ""
    try:
        world.run(commands)
    except Anomaly as found:
        anomaly = str(found)
    trace = world.store.trace.hex()
    return Run(seed, world.commands, world.faults, trace, world.answers, anomaly)


def main(arguments: Sequence[str]) -> int:
    """Answers 1 when a seed went wrong, and says which."""
    asked = read(arguments)
    begun = time.monotonic()
    seeds = range(asked.seed, asked.seed + asked.seeds)
    runs = []
    with ProcessPoolExecutor(asked.processes) as pool, Progress() as progress:
        waiting = pool.map(run, seeds, [asked.commands] * len(seeds), chunksize=4)
        for each in progress.track(waiting, len(seeds), description="seeds"):
            runs.append(each)
            if each.anomaly:
                progress.console.print(f"[red]{each.anomaly}[/]")
    commands = sum(each.commands for each in runs)
    seconds = time.monotonic() - begun
    answers = sum((each.answers for each in runs), Counter())
    progress.console.print(
        f"{commands:,} commands over {len(runs):,} seeds in {seconds:.0f} s "
        f"({commands / seconds:,.0f}/s), {sum(each.faults for each in runs):,} faults, "
        f"{sum(bool(each.anomaly) for each in runs)} anomalies"
    )
    progress.console.print(", ".join(f"{name} {n:,}" for name, n in answers.most_common()))
    return int(any(each.anomaly for each in runs))


def read(arguments: Sequence[str]) -> Namespace:
    """What was asked for."""
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many runs (2000)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first run (0)")
    parser.add_argument("--commands", type=int, default=1500, help="in each run (1500)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once (all cores)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
