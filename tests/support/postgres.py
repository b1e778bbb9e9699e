"""One real PostgreSQL for all test processes that run at a time.

It lives under `.laurel/tests`. Whoever needs it first starts it, whoever leaves last stops it.
Locks on files count them, so that a killed run neither stops it for others nor breaks it.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laurel_kit.postgres import PostgresServer, PostgresSettings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".laurel" / "tests"
SETTINGS = PostgresSettings(
    folder=FOLDER / "postgres",
    shared_buffers="128MB",
    max_connections=300,
    settings={"deadlock_timeout": "50ms"},
)


@contextmanager
def shared_server() -> Iterator[PostgresServer]:
    """The server, running for as long as the block."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "users.lock").open("w") as users:
        with only_one("start"):
            fcntl.flock(users, fcntl.LOCK_SH)
            server = PostgresServer.attach(SETTINGS) or started()
        try:
            yield server
        finally:
            with only_one("start"):
                if alone(users.fileno()):
                    server.stop()


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """One process at a time."""
    with (FOLDER / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alone(users: int) -> bool:
    """Whether no other process uses the server."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def started() -> PostgresServer:
    """The server, started by a process that ends at once: it must be nobody's child."""
    command = [sys.executable, "-m", "tests.support.postgres"]
    subprocess.run(command, cwd=ROOT, check=True)
    server = PostgresServer.attach(SETTINGS)
    assert server is not None, "the server was ready a moment ago"
    return server


if __name__ == "__main__":
    PostgresServer.start(SETTINGS)
