"""Calling for a while, and what it came to: rates, latencies and processor time as a table.

The cases take turns for several rounds, and the median of each figure counts: whatever else the
machine does comes over all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from rich.table import Table

from laurel_cli.bench.processor import Window
from laurel_cli.bench.stand import Sizes, Stand
from laurel_cli.output import new_table, say

WARM_UP, MEASURED = 0.5, 2.0
"""Seconds of each case in each round."""

PACE = 0.005
"""Seconds after which further calls are begun where so many a second are wanted."""

TABLE_WIDTH = 128
"""Letters that a row needs, however narrow the terminal is."""

Call = Callable[[], Coroutine[Any, Any, int]]
"""Makes one call; how many items it was."""


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


class Measured(Protocol):
    """What the figures are of: one service with its database, or several."""

    def processor(self) -> dict[str, float]:
        """Processor seconds used so far."""
        ...

    async def sizes(self) -> Sizes:
        """What the databases have written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is called, by how many at once."""

    name: str
    call: Call
    in_flight: int
    stores: bool = False
    """Whether each item has a size in the database."""

    async def measure(self, whole: Measured) -> Figures:
        """One round, after some warming up."""
        await self._call_for(WARM_UP)
        return await figures_of(self._call_for(MEASURED), whole, stores=self.stores)

    async def _call_for(self, seconds: float) -> Window:
        """So many callers, each calling again as soon as it is answered."""
        window = Window()
        began = time.perf_counter()

        async def keep_calling() -> None:
            while (start := time.perf_counter()) - began < seconds:
                # Not `+= await`: that would add to what the count was before the call.
                items = await self.call()
                window.items += items
                window.latencies.append(time.perf_counter() - start)

        await asyncio.gather(*(keep_calling() for _ in range(self.in_flight)))
        window.seconds = time.perf_counter() - began
        return window


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A case that is measured while another goes on at half of what it can do.

    Processor time of the service and of PostgreSQL is that of both.
    """

    name: str
    case: Case
    other: Case

    async def measure(self, whole: Measured) -> Figures:
        """The other alone to see what it can do, then the case beside half of that."""
        alone = await self.other.measure(whole)
        going_on = asyncio.create_task(keep_pace(self.other.call, alone.per_second / 2))
        try:
            return await self.case.measure(whole)
        finally:
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtShare:
    """A case at a share of what it can do, whether or not earlier calls were answered.

    At half of it, it shows how long a caller waits who does not queue; at twice it, whether what is
    too much is refused as such: a call that fails otherwise ends the measurement.
    """

    name: str
    case: Case
    share: float = 0.5

    async def measure(self, whole: Measured) -> Figures:
        """The case alone to see what it can do, then so much of that a second."""
        alone = await self.case.measure(whole)
        calling = call_paced(self.case.call, alone.per_second * self.share)
        return await figures_of(calling, whole, stores=self.case.stores)


async def figures_of(
    calling: Coroutine[Any, Any, Window], whole: Measured, *, stores: bool
) -> Figures:
    """What some calls came to, with the processor time and bytes that they took."""
    size, before = await whole.sizes(), whole.processor()
    window = await calling
    after, grown = whole.processor(), await whole.sizes()
    window.processor = {part: after[part] - before[part] for part in after}
    items = window.items if stores else 0
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


async def call_paced(call: Call, per_second: float) -> Window:
    """So many calls a second for as long as a case is measured."""
    window = Window()
    began = time.perf_counter()

    async def timed() -> int:
        start = time.perf_counter()
        items = await call()
        window.items += items
        window.latencies.append(time.perf_counter() - start)
        return items

    going_on = asyncio.create_task(keep_pace(timed, per_second))
    await asyncio.wait([going_on], timeout=MEASURED)
    going_on.cancel()
    (ended,) = await asyncio.gather(going_on, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended
    window.seconds = time.perf_counter() - began
    return window


async def keep_pace(call: Call, per_second: float) -> None:
    """Begin so many calls a second until cancelled, whether or not earlier ones were answered."""
    began = time.perf_counter()
    begun = 0
    async with asyncio.TaskGroup() as calls:
        while True:
            wanted = int((time.perf_counter() - began) * per_second)
            for _ in range(wanted - begun):
                calls.create_task(call())
            begun = wanted
            await asyncio.sleep(PACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Something else on the same server, which measures itself."""

    name: str
    prepare: Callable[[Stand], Awaitable[None]]
    measure: Callable[[Stand], Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The rate of one row divided by that of another."""

    name: str
    row: str
    of: str


async def measure_rounds(
    whole: Stand,
    cases: Sequence[Case | Beside | AtShare],
    *,
    peers: Sequence[Peer] = (),
    rounds: int,
) -> dict[str, Figures]:
    """The medians of each case and each peer over so many rounds."""
    measured: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for case in cases:
            measured.setdefault(case.name, []).append(await case.measure(whole))
        for peer in peers:
            figures = await asyncio.to_thread(peer.measure, whole)
            measured.setdefault(peer.name, []).append(figures)
        say(f"round {number + 1} of {rounds}")
    return {name: medians_of(figures) for name, figures in measured.items()}


def medians_of(rounds: Iterable[Figures]) -> Figures:
    """The median of each figure over the rounds."""
    every = list(rounds)
    return Figures(
        **{each.name: median(getattr(row, each.name) for row in every) for each in fields(Figures)}
    )


def ratios_of(rows: Mapping[str, Figures], ratios: Iterable[Ratio]) -> dict[str, float]:
    """The ratios of rows that were measured."""
    return {
        each.name: rows[each.row].per_second / rows[each.of].per_second
        for each in ratios
        if each.row in rows and each.of in rows
    }


def table_of(title: str, rows: Mapping[str, Figures]) -> Table:
    """Everything that was measured."""
    numbers = (
        *("a second", "p50 ms", "p99 ms", "client µs", "service µs", "PostgreSQL µs"),
        *("WAL B", "stored B"),
    )
    table = new_table("what", *numbers, title=title, numbers=numbers)
    table.width = TABLE_WIDTH
    for name, row in rows.items():
        rate, *others = (getattr(row, each.name) for each in fields(Figures))
        table.add_row(name, f"{rate:,.0f}", *(f"{each:.1f}" if each else "" for each in others))
    return table


def write_figures(
    rows: Mapping[str, Figures],
    ratios: Mapping[str, float],
    json_file: Path,
    **further: Mapping[str, Any],
) -> None:
    """Keep the figures of each row by their names, the ratios, and what else was measured."""
    figures = {
        name: {each.name: round(getattr(row, each.name), 2) for each in fields(Figures)}
        for name, row in rows.items()
    }
    json_file.write_text(
        json.dumps({"figures": figures, "ratios": dict(ratios), **further}, indent=2)
    )
