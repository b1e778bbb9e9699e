"""A whole population for `laurel bench scoring`: filled, kept in step and settled."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.type.date_pb2 import Date
from laurel.scoring.v1 import settlements_pb2 as pb
from laurel.scoring.v1.settlements_pb2_grpc import SettlementServiceStub
from laurel_kit.clock import SystemClock

from laurel_cli.bench.stand import DEADLINE, Stand
from laurel_cli.output import new_table, say, say_table

if TYPE_CHECKING:
    import grpc

PROGRAM, MODEL = "jd", "jingxiang"
MONTHS = 13
POLL = 0.2
"""Seconds between two looks at a job."""

STATEMENTS: dict[str, str] = dict(
    re.findall(
        r"^-- name: (\w+)\n(.*?)(?=^-- name:|\Z)",
        (Path(__file__).parent / "population.sql").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)


@dataclass(slots=True, kw_only=True)
class Population:
    """What was done to how many members and facts, and in how many seconds."""

    members: int
    facts: int
    whole: Stand
    seconds: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    """Seconds of a processor that service and database used: the same on a machine with others."""
    service_mib: float = 0.0
    """The most memory the service ever had."""

    async def timed(self, name: str, work: Callable[[], Awaitable[Any]]) -> None:
        """Do something once, and keep how long it took."""
        began, used = time.perf_counter(), self._used()
        await work()
        self.seconds[name] = time.perf_counter() - began
        self.processor[name] = self._used() - used
        say(f"{name}: {self.seconds[name]:.1f} s, {self.processor[name]:.1f} s of a processor")

    def _used(self) -> float:
        """Seconds of a processor that service and database have used so far."""
        used = self.whole.processor()
        return used["service"] + used["postgres"]

    def show(self) -> None:
        """Print it as a table."""
        numbers = ("seconds", "processor s", "members/s", "facts/s")
        title = f"{self.members:,} members with {self.facts:,} facts"
        table = new_table("what", *numbers, title=title, numbers=numbers)
        for name, seconds in self.seconds.items():
            rates = (f"{each / seconds:,.0f}" for each in (self.members, self.facts))
            table.add_row(name, f"{seconds:.2f}", f"{self.processor[name]:.2f}", *rates)
        say_table(table)
        say(f"memory of the service at its highest: {self.service_mib:,.0f} MiB")

    def figures(self) -> dict[str, Any]:
        """The same for a file."""
        return {
            "members": self.members,
            "facts": self.facts,
            "service_mib": round(self.service_mib),
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "processor": {name: round(used, 3) for name, used in self.processor.items()},
        }


FILLING = "filled, past the service"
FIRST_COURSES = "courses from every fact"
SETTLING = "settlement, courses in step"
TOUCHED = "a day's courses, 1 % touched"
POSTGRES = "select … group by, PostgreSQL"
DUCKDB = "select … group by, DuckDB over Parquet"


async def measure_population(
    whole: Stand, channel: grpc.aio.Channel, *, members: int, facts: int
) -> Population:
    """Fill the stand's database with a population and do everything with it that settling takes."""
    connection = await asyncpg.connect(whole.postgres.url(whole.database))
    try:
        found = Population(members=members, facts=facts, whole=whole)
        await found.timed(FILLING, lambda: fill(connection, members, facts))
        found.facts = await connection.fetchval(STATEMENTS["count"], PROGRAM)
        await found.timed(FIRST_COURSES, lambda: keep_in_step(connection))
        await connection.execute(STATEMENTS["analyze"])
        await found.timed(SETTLING, lambda: settle(channel))
        await connection.fetch(STATEMENTS["touch"], PROGRAM)
        await found.timed(TOUCHED, lambda: keep_in_step(connection))
        await found.timed(POSTGRES, lambda: connection.fetch(STATEMENTS["floor"], PROGRAM))
        if importlib.util.find_spec("duckdb"):
            await measure_duckdb(connection, found)
        else:
            say("DuckDB is not installed here: its floor is left out")
        found.service_mib = memory_of(whole.service.pid)
    finally:
        await connection.close()
    return found


async def fill(connection: asyncpg.Connection[Any], members: int, facts: int) -> None:
    """Facts, a month after the other, then their members: nobody looks at them before."""
    await connection.fetch(STATEMENTS["begin"])
    for month in reversed(range(MONTHS)):
        average = facts / members
        await connection.execute(STATEMENTS["month"], PROGRAM, members, average, month)
    await connection.execute(STATEMENTS["members"], PROGRAM, members)
    await connection.execute(STATEMENTS["analyze"])


async def keep_in_step(connection: asyncpg.Connection[Any]) -> None:
    """Have the service bring all courses up to date, and wait until it has."""
    said = ""
    while said != "UPDATE 1":
        said = await connection.execute(STATEMENTS["pending"], PROGRAM)
        await asyncio.sleep(POLL)
    while not await connection.fetchval(STATEMENTS["done"], PROGRAM):  # noqa: ASYNC110  # By others.
        await asyncio.sleep(POLL)


async def settle(channel: grpc.aio.Channel) -> None:
    """Settle the month whose settlement day has come last, to its end."""
    day = SystemClock().now() - timedelta(days=2)
    request = pb.RunSettlementRequest(
        request_id="bench",
        program_id=PROGRAM,
        model_id=MODEL,
        settlement_month=Date(year=day.year, month=day.month),
    )
    operation = await SettlementServiceStub(channel).RunSettlement(request, timeout=DEADLINE)
    stub = operations_pb2_grpc.OperationsStub(channel)
    asked = operations_pb2.GetOperationRequest(name=operation.name)
    while not operation.done:
        await asyncio.sleep(POLL)
        operation = await stub.GetOperation(asked, timeout=DEADLINE)
    assert operation.HasField("response"), operation


async def measure_duckdb(connection: asyncpg.Connection[Any], found: Population) -> None:
    """The same grouping by DuckDB over the same rows in a Parquet file."""
    duckdb = importlib.import_module("duckdb")
    with tempfile.TemporaryDirectory(prefix="laurel-bench-") as folder:
        rows, parquet = Path(folder) / "facts.csv", Path(folder) / "facts.parquet"
        await connection.copy_from_query(
            STATEMENTS["export"].replace("$1", f"'{PROGRAM}'"), output=rows, format="csv"
        )
        engine = duckdb.connect()
        names = "['member_id', 'fact_kind']"
        source = f"read_csv('{rows}', header = false, names = {names})"
        engine.execute(f"copy (from {source}) to '{parquet}' (format parquet, compression zstd)")
        grouped = STATEMENTS["floor"].replace("activity", f"'{parquet}'")
        grouped = grouped.replace("where program_id = $1", "")
        await found.timed(DUCKDB, lambda: asyncio.to_thread(engine.execute, grouped))


def memory_of(process_id: int) -> float:
    """The most memory a process ever had, in MiB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, "Linux says it of every process"
    return int(found[1]) / 1024
