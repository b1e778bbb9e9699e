"""The whole suite in the foreground: databases, then services, and in reverse to the end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO

from laurel_cli.books import Books
from laurel_cli.checkpoint_key import keep_checkpoint_key
from laurel_cli.service_process import ServiceProcess
from laurel_cli.suite import RunningSuite, Seat, Suite, note_path

CALLED = ("ledger", "scoring")
"""The services that benefits calls."""
DRAIN_GRACE = timedelta(seconds=2)
"""What a service allows its calls in flight at a stop; whoever pressed Ctrl-C is waiting."""
HEAD_START = timedelta(seconds=1)
"""How long the services that are called keep serving the last calls of those that call them."""
NOTE_INTERVAL = timedelta(seconds=1)


class AlreadyRunning(Exception):
    """Another `laurel up` runs over the same data folder."""


@dataclass(kw_only=True)
class RunningServices:
    """The parts of a suite that runs."""

    suite: Suite
    books: Books
    processes: dict[str, ServiceProcess] = field(default_factory=dict)

    def note(self) -> RunningSuite:
        """What is told to other commands."""
        process_ids = {name: each.process_id for name, each in self.processes.items()}
        process_ids["postgres"] = self.books.process_id
        return RunningSuite(
            process_id=os.getpid(),
            addresses=self.suite.addresses,
            admin_addresses={seat.name: seat.admin_address for seat in self.suite},
            process_ids={name: each for name, each in process_ids.items() if each},
        )


@asynccontextmanager
async def run_suite(
    suite: Suite,
    environment: Mapping[str, str],
    *,
    postgres_port: int,
    report: Callable[[str], None],
) -> AsyncIterator[RunningServices]:
    """Have the suite run for the length of a block; at its end nothing of it is left.

    Raises AlreadyRunning, PostgresFailed and StartFailed.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_data_folder(suite.data))
        books = Books(suite=suite, postgres_port=postgres_port, report=report)
        stack.push_async_callback(books.close)
        databases = await books.open()
        running = RunningServices(suite=suite, books=books)
        stack.push_async_callback(stop_services, running)
        await start_services(running, {**environment}, databases, report)
        telling = asyncio.create_task(keep_note(running), name="note")
        stack.callback(note_path(suite.data).unlink, missing_ok=True)
        stack.callback(telling.cancel)
        yield running


async def start_services(
    running: RunningServices,
    environment: Mapping[str, str],
    databases: Mapping[str, Mapping[str, str]],
    report: Callable[[str], None],
) -> None:
    """Start all services at once; each migrates its own database first."""
    for seat in running.suite:
        running.processes[seat.name] = ServiceProcess(
            name=seat.name,
            command=(sys.executable, "-m", seat.module, "serve", "--migrate"),
            address=seat.address,
            environment={
                **service_environment(running.suite, seat, environment),
                **databases[seat.name],
            },
            log=running.suite.logs / f"{seat.name}.log",
            report=report,
        )
    starts = [process.start() for process in running.processes.values()]
    # All are waited for, so that none is still starting when the failure of another ends the suite.
    for outcome in await asyncio.gather(*starts, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def stop_services(running: RunningServices) -> None:
    """Stop who calls a little before who is called, so that calls in flight can be finished."""
    callers = [process for name, process in running.processes.items() if name not in CALLED]
    called = [process for name, process in running.processes.items() if name in CALLED]
    stopping = [asyncio.create_task(process.stop()) for process in callers]
    await asyncio.wait(stopping, timeout=HEAD_START.total_seconds())
    await asyncio.gather(*stopping, *(process.stop() for process in called))


def service_environment(suite: Suite, seat: Seat, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service: what the user set, and what makes it a part of this suite."""
    prefix = f"LAUREL_{seat.name.upper()}"
    told = {
        f"{prefix}_SANDBOX": "true",
        f"{prefix}_ADDRESS": seat.address,
        f"{prefix}_ADMIN_ADDRESS": seat.admin_address,
        f"{prefix}_DRAIN_GRACE": f"{DRAIN_GRACE.seconds}s",
    }
    if seat.name == "ledger" and f"{prefix}_CHECKPOINT_KEY_FILE" not in environment:
        told[f"{prefix}_CHECKPOINT_KEY_FILE"] = str(keep_checkpoint_key(suite.data))
    if seat.name == "benefits":
        addresses = suite.addresses
        told |= {f"{prefix}_{name.upper()}_ADDRESS": addresses[name] for name in CALLED}
    return {**environment, **told}


async def keep_note(running: RunningServices) -> None:
    """Keep the note in the data folder true: a service started again has another process."""
    told: RunningSuite | None = None
    while True:
        note = running.note()
        if note != told:
            note.write(running.suite.data)
            told = note
        await asyncio.sleep(NOTE_INTERVAL.total_seconds())


@contextmanager
def hold_data_folder(data: Path) -> Iterator[None]:
    """Keep every other `laurel up` off a data folder; the lock ends with the process."""
    data.mkdir(parents=True, exist_ok=True)
    with lock_path(data).open("w") as lock:
        if not taken(lock):
            raise AlreadyRunning(f"a suite runs over {data} already; `laurel down` stops it")
        yield


def taken(lock: IO[str]) -> bool:
    """Take the lock, unless somebody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def lock_path(data: Path) -> Path:
    """The file whose lock a running suite holds."""
    return data / "lock"
