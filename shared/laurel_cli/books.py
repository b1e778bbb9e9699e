"""The databases of a suite: on an embedded PostgreSQL kept alive here, or on given servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from laurel_kit.postgres import PostgresServer, PostgresSettings
from laurel_kit.postgres_process import PostgresFailed

from laurel_cli.suite import Seat, Suite

WATCH_INTERVAL = timedelta(milliseconds=200)
"""How often the server's process is looked at."""
RESTART_DELAY = timedelta(seconds=2)
"""Between a start that failed and the next."""
STOP_PATIENCE = timedelta(seconds=2)
"""For each way of stopping: politely, at once, and by force."""


@dataclass(kw_only=True)
class Books:
    """The databases, and the server that holds them where none was given."""

    suite: Suite
    postgres_port: int
    report: Callable[[str], None]
    _server: PostgresServer | None = field(default=None, init=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def process_id(self) -> int | None:
        """The embedded server's process, if there is one."""
        return self._server.process_id if self._server else None

    async def open(self) -> dict[str, dict[str, str]]:
        """Have a database for every service; answers what its environment must say of it."""
        embedded = [seat for seat in self.suite if seat.database_url is None]
        if not embedded:
            return {seat.name: {} for seat in self.suite}
        self._server = await self._start(self.postgres_port)
        accesses = await self._server.ensure_databases([database_name(seat) for seat in embedded])
        self._watch = asyncio.create_task(self._mend(self._server), name="watch postgres")
        return {
            seat.name: {
                f"LAUREL_{seat.name.upper()}_DATABASE_URL": accesses[database_name(seat)].url,
                f"LAUREL_{seat.name.upper()}_MIGRATION_URL": accesses[
                    database_name(seat)
                ].migration_url,
            }
            if seat in embedded
            else {}
            for seat in self.suite
        }

    async def close(self) -> None:
        """Stop the embedded server; everything committed is on disk."""
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._server:
            await asyncio.to_thread(self._server.stop, timeout=STOP_PATIENCE)

    async def _start(self, port: int) -> PostgresServer:
        settings = PostgresSettings(folder=self.suite.data / "postgres", port=port)
        starting = asyncio.create_task(asyncio.to_thread(PostgresServer.start, settings))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be stopped half-way; what it starts must not outlive us.
            await asyncio.to_thread((await starting).stop, timeout=STOP_PATIENCE)
            raise

    async def _mend(self, server: PostgresServer) -> None:
        """Start the server again, on its port, whenever its process ends."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL.total_seconds())
            if server.running:
                continue
            self.report("[red]PostgreSQL ended[/]; starting it again")
            try:
                self._server = server = await self._start(server.port)
            except PostgresFailed as failure:
                self.report(str(failure))
                await asyncio.sleep(RESTART_DELAY.total_seconds())
            else:
                self.report(f"[green]PostgreSQL[/] answers again on port {server.port}")


def database_name(seat: Seat) -> str:
    """The name of a service's database, and of the role that uses it."""
    return f"laurel_{seat.name}"
