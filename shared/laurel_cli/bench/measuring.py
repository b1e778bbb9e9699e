"""Calling for a while, and what it came to: rates, latencies and processor time as a table."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from laurel_cli.bench.processor import Window
from laurel_cli.bench.stand import Stand
from laurel_cli.output import new_table

WARM_UP, MEASURED = 1.0, 4.0
"""Seconds of each case."""

Call = Callable[[], Awaitable[int]]
"""Makes one call; how many items it was."""

Case = tuple[str, Call, int]
"""What is measured, the call, and how many callers make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row of the table."""

    name: str
    per_second: float
    p50_ms: float
    p99_ms: float
    client_us: float
    service_us: float
    postgres_us: float


async def measure(whole: Stand, cases: Sequence[Case]) -> list[Figures]:
    """Each case by itself, after some warming up."""
    rows = []
    for name, call, in_flight in cases:
        await call_for(WARM_UP, call, in_flight)
        before = whole.processor()
        window = await call_for(MEASURED, call, in_flight)
        after = whole.processor()
        window.processor = {part: after[part] - before[part] for part in after}
        rows.append(figures_of(name, window))
    return rows


async def call_for(seconds: float, call: Call, in_flight: int) -> Window:
    """So many callers, each calling again as soon as it is answered."""
    window = Window()
    began = time.perf_counter()

    async def keep_calling() -> None:
        while (start := time.perf_counter()) - began < seconds:
            # Not `+= await`: that would add to what the count was before the call.
            items = await call()
            window.items += items
            window.latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(keep_calling() for _ in range(in_flight)))
    window.seconds = time.perf_counter() - began
    return window


def figures_of(name: str, window: Window) -> Figures:
    """The row of what was measured."""
    return Figures(
        name=name,
        per_second=window.per_second,
        p50_ms=window.percentile(0.50),
        p99_ms=window.percentile(0.99),
        client_us=window.microseconds("client"),
        service_us=window.microseconds("service"),
        postgres_us=window.microseconds("postgres"),
    )


def row_named(rows: Sequence[Figures], name: str) -> Figures:
    """The row whose name begins so."""
    return next(row for row in rows if row.name.startswith(name))


def table_of(title: str, rows: Sequence[Figures]) -> Table:
    """Everything that was measured."""
    numbers = ("a second", "p50 ms", "p99 ms", "client µs", "service µs", "PostgreSQL µs")
    table = new_table("what", *numbers, title=title, numbers=numbers)
    for row in rows:
        spent = (row.p50_ms, row.p99_ms, row.client_us, row.service_us, row.postgres_us)
        shown = (f"{value:.1f}" if value else "" for value in spent)
        table.add_row(row.name, f"{row.per_second:,.0f}", *shown)
    return table


def write_figures(rows: Sequence[Figures], json_file: Path) -> None:
    """Keep the figures of each row by its name."""
    figures = {
        row.name: {
            name: round(getattr(row, name), 2) for name in Figures.__slots__ if name != "name"
        }
        for row in rows
    }
    json_file.write_text(json.dumps(figures, indent=2))
