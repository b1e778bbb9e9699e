"""The one `main` of all three services: `serve` until a signal says to end, or `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy import make_url

from laurel_kit.assembly import running
from laurel_kit.database import DatabaseUnavailable
from laurel_kit.files import FileUnusable
from laurel_kit.logs import configure_logs
from laurel_kit.server import AddressTaken
from laurel_kit.service import Build
from laurel_kit.settings import ServiceSettings, load
from laurel_kit.telemetry import TelemetryUnavailable


class SchemaUnusable(Exception):
    """The database cannot be brought up to date."""


STOPPING = (signal.SIGTERM, signal.SIGINT)
FORESEEN = (
    AddressTaken,
    DatabaseUnavailable,
    FileUnusable,
    SchemaUnusable,
    TelemetryUnavailable,
)
"""What keeps a service from starting without being a bug: told in a line, not by a traceback."""

_LOG = structlog.stdlib.get_logger(__name__)


def run(build: Build, kind: type[ServiceSettings], *, migrations: Path) -> None:
    """The process of a service, from its arguments and its environment to its end.

    `migrations` is the folder of its migrations. Ends with 2 when a setting is wrong, with 1 when
    the service cannot start.
    """
    arguments = read_arguments(kind.service)
    settings = load(kind)
    configure_logs(settings)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            if arguments.command == "migrate" or arguments.migrate:
                runner.run(migrate_database(settings, migrations))
            if arguments.command == "serve":
                spare_the_collector()
                runner.run(serve(build, settings))
    except FORESEEN as error:
        _LOG.error("cannot go on", **cause_of(error, kind))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        # The second Ctrl-C, by someone who does not want to wait for the calls in flight.
        raise SystemExit(130) from None


def spare_the_collector() -> None:
    """Have the garbage collector look for cycles where it may find some, and less often.

    Calls leave few cycles, but a batch makes thousands of objects at once, and by default every
    seven hundred new ones are a reason to look at all that live.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


NEW_OBJECTS = 50_000
"""More objects than a batch of a thousand makes; what waits for the collector stays below 20 MB."""


def cause_of(error: Exception, kind: type[ServiceSettings]) -> dict[str, str]:
    """What keeps the service from starting, and where to look; all that a newcomer sees of it."""
    found = {"cause": type(error).__name__, "text": str(error) or str(error.__cause__ or "")}
    if isinstance(error, DatabaseUnavailable):
        urls = f"{kind.variable('database_url')} and {kind.variable('migration_url')}"
        found["hint"] = f"is the database up that {urls} name?"
    return found


def read_arguments(service: str) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=f"python -m laurel_{service}",
        description=f"The {service} service; set it by LAUREL_{service.upper()}_... variables.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "migrate"),
        default="serve",
        help="serve calls until SIGTERM or SIGINT (default), or bring the database up to date",
    )
    parser.add_argument("--migrate", action="store_true", help="migrate, then serve")
    return parser.parse_args()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, which serves a fifth more calls, on Linux; Python's own loop elsewhere."""
    if sys.platform != "linux":
        return None
    import uvloop  # noqa: PLC0415  # It exists on some platforms only.

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def migrate_database(settings: ServiceSettings, migrations: Path) -> None:
    """Bring the database up to date, and give the role of DATABASE_URL its rights.

    Raises SchemaUnusable when an applied migration was edited since.
    """
    # Loaded only here: alembic takes longer to load than most services to start.
    from laurel_kit.migrations import MigrationChanged, migrate  # noqa: PLC0415  # As said above.

    owner_url = settings.migration_url or settings.database_url
    role = make_url(settings.database_url).username
    application_role = role if role != make_url(owner_url).username else None
    try:
        await migrate(
            owner_url,
            service=settings.service,
            script_location=migrations,
            application_role=application_role,
        )
    except MigrationChanged as error:
        raise SchemaUnusable(f"{error.file_name} was edited after it was applied") from error
    _LOG.info("migrated")


async def serve(build: Build, settings: ServiceSettings) -> None:
    """Serve until a signal says to end."""
    stop = stop_signal()
    async with running(build, settings):
        await stop.wait()
        # Whoever asks a second time does not want to wait any more.
        loop = asyncio.get_running_loop()
        for each in STOPPING:
            loop.remove_signal_handler(each)


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in STOPPING:
        loop.add_signal_handler(each, stop.set)
    return stop
