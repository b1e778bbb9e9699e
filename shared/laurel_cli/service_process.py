"""One service as a process of the suite: started, watched, mended after a crash, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

CHILD = Path(__file__).with_name("child.py")
READY_PATIENCE = timedelta(seconds=180)
"""How long a service may take from its start to its first healthy answer, on a starved machine."""
DRAIN_PATIENCE = timedelta(seconds=3)
"""How long a process may take to end after SIGTERM, calls in flight included; then it is killed."""
RESTART_DELAY_MIN = timedelta(milliseconds=500)
RESTART_DELAY_MAX = timedelta(seconds=30)
STEADY_AFTER = timedelta(seconds=60)
"""A process that lived this long begins its next life with the shortest delay again."""
LOG_LINES_SHOWN = 20


class StartFailed(Exception):
    """A process ended, or never answered, before it was of use."""


@dataclass(kw_only=True)
class ServiceProcess:
    """A service's process and the one after it, should it crash."""

    name: str
    command: tuple[str, ...]
    address: str
    environment: Mapping[str, str]
    log: Path
    report: Callable[[str], None]
    """Says a line to the person at the terminal."""
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def process_id(self) -> int | None:
        """The process now alive, if any."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is healthy; then mend every crash. Raises StartFailed."""
        await self._launch()
        self._watch = asyncio.create_task(self._mend(), name=f"watch {self.name}")

    async def stop(self) -> None:
        """Let calls in flight finish, then end the process; one that will not end is killed."""
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._process and self._process.returncode is None:
            await end_process(self._process, self.name, self.report)

    async def _launch(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", str(CHILD), str(os.getpid())),
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                start_new_session=True,
            )
        try:
            await self._become_ready(self._process)
        except StartFailed as failure:
            await end_process(self._process, self.name, self.report)
            raise StartFailed(f"{failure}\n{log_tail(self.log, log_start)}") from None

    async def _become_ready(self, process: asyncio.subprocess.Process) -> None:
        ended = asyncio.create_task(process.wait())
        healthy = asyncio.create_task(wait_healthy(self.address))
        limit = READY_PATIENCE.total_seconds()
        try:
            await asyncio.wait({ended, healthy}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise StartFailed(f"{self.name} ended while starting ({ending(ended.result())})")
            if not healthy.done():
                raise StartFailed(f"{self.name} was not healthy after {limit:.0f} s")
        finally:
            ended.cancel()
            healthy.cancel()

    async def _mend(self) -> None:
        """Start the process again whenever it ends, waiting longer while it keeps ending early."""
        delay = RESTART_DELAY_MIN
        clock = asyncio.get_running_loop().time
        while self._process:
            began = clock()
            code = await self._process.wait()
            if clock() - began > STEADY_AFTER.total_seconds():
                delay = RESTART_DELAY_MIN
            self.report(
                f"[red]{self.name} ended ({ending(code)})[/]; "
                f"starting it again in {delay.total_seconds():g} s"
            )
            await asyncio.sleep(delay.total_seconds())
            delay = min(delay * 2, RESTART_DELAY_MAX)
            try:
                await self._launch()
            except StartFailed as failure:
                self.report(str(failure))
            else:
                self.report(f"[green]{self.name}[/] answers again on {self.address}")


async def end_process(
    process: asyncio.subprocess.Process, name: str, report: Callable[[str], None]
) -> None:
    """SIGTERM, patience, SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), DRAIN_PATIENCE.total_seconds())
    except TimeoutError:
        report(f"[red]{name} did not stop in {DRAIN_PATIENCE.total_seconds():g} s[/]; killing it")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def wait_healthy(address: str) -> None:
    """Return once the server at `address` says it serves."""
    # A subchannel of its own: otherwise it would back off from refusals of an earlier life.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200))
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            await asyncio.sleep(0.05)


def ending(code: int) -> str:
    """How a process ended, in words."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def log_tail(log: Path, start: int) -> str:
    """The last lines a process wrote, from `start` on."""
    with log.open("rb") as text:
        text.seek(start)
        lines = text.read().decode(errors="replace").splitlines()
    return "\n".join([*lines[-LOG_LINES_SHOWN:], f"(the whole log: {log})"])
