"""`laurel bench ledger`: posting one by one and in batches, reading, beside an echo and pgbench.

Everything runs on this machine at once: callers, service and PostgreSQL, with durable commits.
Rates say what the machine does, processor time for each item what the code costs. The cases take
turns for several rounds, and the median of each figure counts: whatever else the machine does
comes over all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import grpc
from laurel_kit.process import loop_factory
from rich.table import Table

from laurel_cli.bench.load import Callers
from laurel_cli.bench.processor import Window
from laurel_cli.bench.stand import FUNDERS, Stand, stand
from laurel_cli.output import new_table, say, say_table

WARM_UP, MEASURED = 0.5, 2.0
"""Seconds of each case in each round."""
PGBENCH_SCALE, PGBENCH_CLIENTS, PGBENCH_SECONDS = 20, 8, 2
OPTIONS = [("grpc.max_receive_message_length", -1)]

Call = Callable[[], Awaitable[int]]
"""Makes one call; how many items it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is called, by how many at once."""

    name: str
    call: Call
    in_flight: int
    posts: bool = True
    """Whether each item is a transaction, so that it has a size in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row of the table."""

    per_second: float
    p50_ms: float
    p99_ms: float = 0.0
    client_us: float = 0.0
    service_us: float = 0.0
    postgres_us: float = 0.0
    wal_bytes: float = 0.0
    stored_bytes: float = 0.0


HOT, SPREAD = "1,000 a call, 4 in flight", f"the same, {len(FUNDERS)} funding accounts"
ONE_MEMBER = "the same, one member"
HUNDREDS = "100 a call, 8 in flight"
UNARY, ECHO = "one a call, {} in flight", "bare echo, {} in flight"
PGBENCH = f"pgbench TPC-B, {PGBENCH_CLIENTS} clients"
RATIOS = (
    ("unary posting of the bare echo, 64 in flight", UNARY.format(64), ECHO.format(64)),
    ("unary posting of the bare echo, 512 in flight", UNARY.format(512), ECHO.format(512)),
    ("one funding account of many", HOT, SPREAD),
    ("one member of all", ONE_MEMBER, HOT),
    ("GetBalance of the bare echo", "GetBalance, 64 in flight", ECHO.format(64)),
)
"""What is said below the table: the rate of one row divided by that of another."""


def run(json_file: Path | None = None, *, rounds: int = 5) -> dict[str, Figures]:
    """Measure everything, print it as a table, and keep the figures in `json_file` if given."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows = runner.run(_measure_all(rounds))
    say_table(_table(rows))
    ratios = {name: rows[one].per_second / rows[other].per_second for name, one, other in RATIOS}
    for name, ratio in ratios.items():
        say(f"{name}: {ratio:.2f}")
    if json_file:
        figures = {name: _by_name(row) for name, row in rows.items()}
        json_file.write_text(json.dumps({"figures": figures, "ratios": ratios}, indent=2))
    return rows


async def _measure_all(rounds: int) -> dict[str, Figures]:
    async with (
        stand() as whole,
        grpc.aio.insecure_channel(whole.ledger_address, options=OPTIONS) as channel,
        grpc.aio.insecure_channel(whole.echo_address) as echo,
    ):
        cases = _cases(Callers.over(channel, echo))
        whole.run_pgbench("--initialize", "--quiet", f"--scale={PGBENCH_SCALE}")
        measured: dict[str, list[Figures]] = {}
        for number in range(rounds):
            for case in cases:
                measured.setdefault(case.name, []).append(await _measure(case, whole))
            tpc = await asyncio.to_thread(_pgbench, whole)
            measured.setdefault(PGBENCH, []).append(tpc)
            say(f"round {number + 1} of {rounds}")
        return {name: _medians(figures) for name, figures in measured.items()}


def _cases(callers: Callers) -> list[Case]:
    """What each round measures, the compared beside each other."""
    return [
        Case(name=HOT, call=callers.post_thousand, in_flight=4),
        Case(name=SPREAD, call=callers.post_thousand_of_many, in_flight=4),
        Case(name=ONE_MEMBER, call=callers.post_thousand_of_one, in_flight=4),
        Case(name=HUNDREDS, call=callers.post_hundred, in_flight=8),
        *(
            case
            for in_flight in (64, 512)
            for case in (
                Case(name=UNARY.format(in_flight), call=callers.post_one, in_flight=in_flight),
                Case(
                    name=ECHO.format(in_flight),
                    call=callers.echo_one,
                    in_flight=in_flight,
                    posts=False,
                ),
            )
        ),
        Case(name=UNARY.format(1), call=callers.post_one, in_flight=1),
        Case(name="GetBalance, 64 in flight", call=callers.read_one, in_flight=64, posts=False),
    ]


async def _measure(case: Case, whole: Stand) -> Figures:
    """One round of one case."""
    await _call_for(WARM_UP, case)
    size, before = await whole.sizes(), whole.processor()
    window = await _call_for(MEASURED, case)
    after, grown = whole.processor(), await whole.sizes()
    window.processor = {part: after[part] - before[part] for part in after}
    items = window.items if case.posts else 0
    return Figures(
        per_second=window.per_second,
        p50_ms=window.percentile(0.50),
        p99_ms=window.percentile(0.99),
        client_us=window.microseconds("client"),
        service_us=window.microseconds("service"),
        postgres_us=window.microseconds("postgres"),
        wal_bytes=(grown.wal - size.wal) / items if items else 0.0,
        stored_bytes=(grown.stored - size.stored) / items if items else 0.0,
    )


async def _call_for(seconds: float, case: Case) -> Window:
    """So many callers, each calling again as soon as it is answered."""
    window = Window()
    began = time.perf_counter()

    async def keep_calling() -> None:
        while (start := time.perf_counter()) - began < seconds:
            # Not `+= await`: that would add to what the count was before the call.
            items = await case.call()
            window.items += items
            window.latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(keep_calling() for _ in range(case.in_flight)))
    window.seconds = time.perf_counter() - began
    return window


def _pgbench(whole: Stand) -> Figures:
    """PostgreSQL's own measure of transactions on the same server."""
    before = whole.processor()
    said = whole.run_pgbench(
        "--protocol=prepared",
        *(f"--client={PGBENCH_CLIENTS}", "--jobs=2", f"--time={PGBENCH_SECONDS}", "--no-vacuum"),
    )
    after = whole.processor()
    items = _number(r"actually processed: (\d+)", said)
    return Figures(
        per_second=_number(r"tps = ([\d.]+)", said),
        p50_ms=_number(r"latency average = ([\d.]+) ms", said),
        postgres_us=1e6 * (after["postgres"] - before["postgres"]) / items,
    )


def _number(shape: str, text: str) -> float:
    found = re.search(shape, text)
    assert found, text
    return float(found[1])


def _medians(rounds: Iterable[Figures]) -> Figures:
    """The median of each figure over the rounds."""
    every = list(rounds)
    return Figures(
        **{each.name: median(getattr(row, each.name) for row in every) for each in fields(Figures)}
    )


def _table(rows: dict[str, Figures]) -> Table:
    numbers = (
        *("a second", "p50 ms", "p99 ms", "client µs", "service µs", "PostgreSQL µs"),
        *("WAL B", "stored B"),
    )
    table = new_table("what", *numbers, title="ledger", numbers=numbers)
    for name, row in rows.items():
        rate, *others = (getattr(row, each.name) for each in fields(Figures))
        table.add_row(name, f"{rate:,.0f}", *(f"{each:.1f}" if each else "" for each in others))
    return table


def _by_name(row: Figures) -> dict[str, float]:
    """The figures of a row by name."""
    return {each.name: round(getattr(row, each.name), 2) for each in fields(Figures)}
