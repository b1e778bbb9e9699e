"""A wire to PostgreSQL that a test can cut, to see what a service does without its database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from laurel_kit.ports import HOST, free_port
from sqlalchemy import make_url


@dataclass(kw_only=True)
class Wire:
    """Passes bytes between callers and a server until it is cut."""

    host: str
    port: int
    lose_answer_to: bytes = b""
    """What callers say last: the next time they do, it arrives, and the wire breaks."""
    delay: float = 0.0
    """Seconds that everything takes on its way."""
    deaf: bool = False
    """Whether what the server says is lost, while it hears everything."""
    _server: asyncio.Server | None = None
    _address: tuple[str, int] = field(default_factory=lambda: (HOST, free_port()))
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def mend(self) -> None:
        """Pass bytes, at the same address as before."""
        self._server = await asyncio.start_server(self._meet, *self._address)

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        assert self._server, "the wire was mended before"
        self._server.close()
        for writer in [*self._open]:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where callers find it."""
        host, port = self._address
        return f"{host}:{port}"

    def through(self, url: str) -> str:
        """The same database by way of this wire."""
        host, port = self._address
        return make_url(url).set(host=host, port=port).render_as_string(hide_password=False)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            self._open |= {writer, far_writer}
            there = self._pass(reader, far_writer, losing=True)
            await asyncio.gather(there, self._pass(far_reader, writer, losing=False))
        except (ConnectionError, OSError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, losing: bool
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                if losing and self.lose_answer_to and self.lose_answer_to in chunk:
                    self.lose_answer_to = b""
                    await self._deliver_and_break(writer, chunk)
                    return
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.deaf and not losing:
                    continue
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()

    async def _deliver_and_break(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        """The server hears it and acts on it; nobody hears the answer."""
        others = self._open - {writer}
        for other in others:
            other.transport.abort()
        writer.write(chunk)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A wire to the server of a database, mended, for the length of the block."""
    there = make_url(url)
    wire = Wire(host=there.host or "127.0.0.1", port=there.port or 5432)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
