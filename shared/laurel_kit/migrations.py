"""Brings a service's database to the schema its code needs: forward only, one process at a time.

A service has `storage/migrations/` with a thin `env.py` (it calls `run_environment(METADATA)`) and
`versions/`. An applied migration is never edited: the digest of its file is kept, and a file that
changed since is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from alembic import command, context, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from laurel_kit.database import failures_named, milliseconds
from laurel_kit.schema import HISTORY, KIT_DDL_0001

VERSION_TABLE = "schema_version"
FILE_TABLE = "schema_file"
KIT_FILE = "laurel_kit 0001"

WAIT_FOR_OTHERS = timedelta(minutes=2)
"""How long to wait while another process migrates the same database."""

LOCK_TIMEOUT = timedelta(seconds=5)
"""How long a migration waits for a table that is in use; callers of that table wait as long."""


@dataclass(eq=False, kw_only=True)
class MigrationChanged(Exception):
    """A migration that was applied has been edited since. Write a new one instead."""

    file_name: str


async def migrate(
    url: str, *, service: str, script_location: Path, application_role: str | None = None
) -> None:
    """Apply every migration that is missing, and grant `application_role` what it needs.

    `url` names a role that owns the schema. All or nothing happens; a second process that migrates
    the same database waits and then finds nothing to do. The application may read and write, but
    only read and add to tables marked as history. Raises MigrationChanged, DatabaseUnavailable.
    """
    with failures_named():
        await _in_connection(url, service, script_location, application_role)


async def _in_connection(
    url: str, service: str, script_location: Path, application_role: str | None
) -> None:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_alone, service)
            await connection.run_sync(_upgrade, script_location, application_role)
    finally:
        await engine.dispose()


def run_environment(metadata: MetaData) -> None:
    """The whole of a service's `env.py`: run the migrations alembic chose, on our connection."""
    config = context.config
    config.attributes["metadata"] = metadata
    context.configure(
        connection=config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()


def execute(script: str) -> None:
    """Run SQL as it stands, several statements if need be, in the transaction of the migration."""
    adapter: Any = op.get_bind().connection.dbapi_connection
    adapter.run_async(lambda driver: driver.execute(script))


async def differences(url: str, metadata: MetaData) -> list[Any]:
    """How a migrated database differs from `tables.py`, as alembic operations; empty if equal."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_compare, metadata)
    finally:
        await engine.dispose()


def schema_digest(script_location: Path) -> str:
    """A digest of everything that makes the schema; equal digests make equal databases."""
    digest = sha256(KIT_DDL_0001.encode())
    for file in sorted((script_location / "versions").glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _compare(connection: Connection, metadata: MetaData) -> list[Any]:
    own = {VERSION_TABLE, FILE_TABLE}
    migration = MigrationContext.configure(
        connection,
        opts={
            "compare_server_default": True,
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name not in own,
        },
    )
    return list(compare_metadata(migration, metadata))


def _alone(connection: Connection, service: str) -> None:
    """Wait until no other process migrates this service; the lock goes with the transaction."""
    connection.execute(text(f"set local lock_timeout = {milliseconds(WAIT_FOR_OTHERS)}"))
    connection.execute(
        text("select pg_advisory_xact_lock(hashtext('laurel migrate'), hashtext(:service))"),
        {"service": service},
    )
    connection.execute(text(f"set local lock_timeout = {milliseconds(LOCK_TIMEOUT)}"))


def _upgrade(connection: Connection, script_location: Path, application_role: str | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    _refuse_changed(connection, script_location)
    command.upgrade(config, "head")
    _remember_files(connection, config)
    if application_role is not None:
        for statement in grants(config.attributes["metadata"], application_role):
            connection.execute(text(statement))


def _refuse_changed(connection: Connection, script_location: Path) -> None:
    connection.execute(
        text(
            f"create table if not exists {FILE_TABLE} "
            "(file_name text primary key, digest text not null)"
        )
    )
    applied = connection.execute(text("select file_name, digest from schema_file"))
    for file_name, digest in applied:
        if digest != _digest(script_location, file_name):
            raise MigrationChanged(file_name=file_name)


def _remember_files(connection: Connection, config: Config) -> None:
    script = ScriptDirectory.from_config(config)
    names = [KIT_FILE, *(Path(each.path).name for each in script.walk_revisions())]
    connection.execute(
        text("insert into schema_file values (:file_name, :digest) on conflict do nothing"),
        [{"file_name": name, "digest": _digest(Path(script.dir), name)} for name in names],
    )


def _digest(script_location: Path, file_name: str) -> str | None:
    """The digest of a migration as it is now; None when the file is gone."""
    if file_name == KIT_FILE:
        return sha256(KIT_DDL_0001.encode()).hexdigest()
    file = script_location / "versions" / file_name
    return sha256(file.read_bytes()).hexdigest() if file.exists() else None


def grants(metadata: MetaData, role: str) -> Iterator[str]:
    """The statements that give the application its rights, and no more."""
    yield f'grant usage on schema public to "{role}"'
    yield f'grant select on {VERSION_TABLE} to "{role}"'
    for table in metadata.sorted_tables:
        yield f'revoke all on "{table.name}" from "{role}"'
        yield f'grant {_rights(table)} on "{table.name}" to "{role}"'


def _rights(table: Table) -> str:
    return "select, insert" if table.info.get(HISTORY) else "select, insert, update, delete"
