"""The schema of a service: equal to its tables, applied once, never edited after."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest
from laurel_kit.migrations import MigrationChanged, differences, migrate

from tests.support.databases import DatabaseOf, TestDatabase, migrations_of
from tests.support.kit.tables import METADATA


@pytest.fixture
async def access(database_of: DatabaseOf) -> TestDatabase:
    return await database_of.access("kit")


@pytest.fixture
def copied_migrations(tmp_path: Path) -> Path:
    return Path(shutil.copytree(migrations_of("kit"), tmp_path / "migrations"))


async def test_migrations_make_the_tables_that_the_code_knows(access: TestDatabase) -> None:
    assert await differences(access.owner_url, METADATA) == []


async def test_migrating_again_changes_nothing(access: TestDatabase) -> None:
    await asyncio.gather(
        *(
            migrate(access.owner_url, service="kit", script_location=migrations_of("kit"))
            for _ in range(3)
        )
    )
    assert await differences(access.owner_url, METADATA) == []


async def test_an_applied_migration_that_was_edited_is_refused(
    access: TestDatabase, copied_migrations: Path
) -> None:
    edited = copied_migrations / "versions" / "0001_kit.py"
    edited.write_text(edited.read_text() + "\n# An afterthought.\n")
    with pytest.raises(MigrationChanged) as refusal:
        await migrate(access.owner_url, service="kit", script_location=copied_migrations)
    assert refusal.value.file_name == "0001_kit.py"


async def test_an_applied_migration_that_is_gone_is_refused(
    access: TestDatabase, copied_migrations: Path
) -> None:
    (copied_migrations / "versions" / "0001_kit.py").unlink()
    with pytest.raises(MigrationChanged):
        await migrate(access.owner_url, service="kit", script_location=copied_migrations)


async def test_a_migration_that_fails_leaves_no_trace(
    access: TestDatabase, copied_migrations: Path
) -> None:
    (copied_migrations / "versions" / "0002_broken.py").write_text(
        "from laurel_kit.migrations import execute\n"
        'revision, down_revision = "0002", "0001"\n'
        "def upgrade(): execute('create table half (id int); create table half (id int)')\n"
    )
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(access.owner_url, service="kit", script_location=copied_migrations)
    assert await differences(access.owner_url, METADATA) == []


@pytest.mark.parametrize("table", ["outbox", "program_revision", "request"])
@pytest.mark.parametrize("statement", ["update {} set program_id = ''", "delete from {}"])
async def test_the_application_cannot_change_history(
    access: TestDatabase, table: str, statement: str
) -> None:
    connection = await asyncpg.connect(access.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table))
    finally:
        await connection.close()


async def test_the_application_cannot_change_the_schema(access: TestDatabase) -> None:
    connection = await asyncpg.connect(access.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table own (id int)")
    finally:
        await connection.close()
