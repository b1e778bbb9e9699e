"""A migrated database of a service for one test, copied from a template in no time."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import asyncpg
from laurel_kit.database import Database
from laurel_kit.migrations import migrate, schema_digest
from laurel_kit.postgres import PostgresServer

from tests.support.postgres import ROOT, only_one

PATIENCE = timedelta(minutes=3)
"""How long a test waits for a connection or a statement: on a starved machine both take long."""
Connection = "asyncpg.Connection[asyncpg.Record]"


MAKER = sha256(Path(__file__).read_bytes()).hexdigest()
"""This file is part of what makes a template."""

TABLES = """
    select
        c.relname as name,
        exists (select 1 from pg_class p where p.relname = c.relname
            and p.relnamespace = to_regnamespace('pristine')) as pristine
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and not c.relispartition and c.relname not like 'schema\\_%'
"""


@dataclass(frozen=True, kw_only=True)
class TestDatabase:
    """A database that nobody else uses."""

    __test__ = False

    name: str
    service: str
    url: str
    """As the application role, with no more rights than in production."""
    owner_url: str
    """As the owner of the schema."""


def tables_of(service: str) -> str:
    """The tables as the code knows them: what the application may do follows from them."""
    files = sorted(migrations_of(service).parent.glob("*.py"))
    return "".join(file.read_text() for file in files if re.search("tables|schema", file.stem))


def migrations_of(service: str) -> Path:
    """Where the migrations of a service are; `kit` has the kit's tables alone."""
    if service == "kit":
        return ROOT / "tests" / "support" / "kit" / "migrations"
    return ROOT / "services" / f"laurel_{service}" / "storage" / "migrations"


class TestDatabases:
    """Makes databases, empties them for the next test, and removes them in the end."""

    __test__ = False

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = count(1)
        self._templates: dict[str, str] = {}
        self._empty: dict[str, list[TestDatabase]] = {}

    async def take(self, service: str) -> TestDatabase:
        """An empty, migrated database of the service."""
        if self._empty.get(service):
            return self._empty[service].pop()
        connection = await asyncpg.connect(self._server.url())
        try:
            if service not in self._templates:
                self._templates[service] = await self._template(connection, service)
            name = f"test_{os.getpid()}_{service}_{next(self._numbers)}"
            template, owner = self._templates[service], f"laurel_{service}_owner"
            await connection.execute(
                f"create database {name} template {template} owner {owner} strategy file_copy"
            )
        finally:
            await connection.close()
        return self._access(name, service)

    async def give_back(self, database: TestDatabase) -> None:
        """Have a database emptied for another test; one that somebody still uses is removed."""
        try:
            await self._empty_tables(database.name)
        except (asyncpg.PostgresError, OSError):
            await self.drop(database.name)
        else:
            self._empty.setdefault(database.service, []).append(database)

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        connection = await asyncpg.connect(self._server.url())
        try:
            await connection.execute(f"drop database if exists {name} with (force)")
        finally:
            await connection.close()

    async def close(self) -> None:
        """Remove every database."""
        for databases in self._empty.values():
            for database in databases:
                await self.drop(database.name)

    async def _empty_tables(self, name: str) -> None:
        """Bring the rows of every table back to what the migrations made of them."""
        connection = await asyncpg.connect(self._server.url(name))
        try:
            rows = await connection.fetch(TABLES)
            statements = [f"delete from public.{row['name']}" for row in rows]
            statements += [
                f"insert into public.{row['name']} select * from pristine.{row['name']}"
                for row in rows
                if row["pristine"]
            ]
            # As a replica, so that tables which refer to one another go in any order.
            prologue = "set session_replication_role = replica; set lock_timeout = '2s'; "
            await connection.execute(prologue + "; ".join(statements))
        finally:
            await connection.close()

    async def clear(self) -> None:
        """Remove what runs that were killed have left."""
        connection = await asyncpg.connect(self._server.url())
        try:
            for (name,) in await connection.fetch("select datname from pg_database"):
                if (found := re.match(r"test_(\d+)_", name)) and not lives(int(found[1])):
                    await connection.execute(f"drop database if exists {name} with (force)")
        finally:
            await connection.close()

    async def _template(self, connection: Connection, service: str) -> str:
        """The template of the service's present schema; made by whoever needs it first."""
        content = MAKER + schema_digest(migrations_of(service)) + tables_of(service)
        digest = sha256(content.encode()).hexdigest()[:12]
        name = f"template_{service}_{digest}"
        with only_one(f"template-{service}"):
            if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
                await self._make_template(connection, service, name)
        return name

    async def _make_template(self, connection: Connection, service: str, name: str) -> None:
        making = f"making_{service}"
        await connection.execute(f"drop database if exists {making} with (force)")
        for role in (f"laurel_{service}_owner", f"laurel_{service}"):
            await self._server.ensure_role(connection, role)
        await connection.execute(f"create database {making} owner laurel_{service}_owner")
        await migrate(
            self._access(making, service).owner_url,
            service=service,
            script_location=migrations_of(service),
            application_role=f"laurel_{service}",
        )
        await self._keep_pristine(making)
        await connection.execute(f"alter database {making} rename to {name}")

    async def _keep_pristine(self, name: str) -> None:
        """Keep a copy of the rows that migrations made, for the tests after the first."""
        connection = await asyncpg.connect(self._server.url(name))
        try:
            await connection.execute("create schema pristine")
            for row in await connection.fetch(TABLES):
                table = row["name"]
                if await connection.fetchval(f"select exists (select 1 from {table})"):
                    await connection.execute(
                        f"create table pristine.{table} as table public.{table}"
                    )
        finally:
            await connection.close()

    def _access(self, name: str, service: str) -> TestDatabase:
        role = f"laurel_{service}"
        return TestDatabase(
            name=name,
            service=service,
            url=self._server.url(name, role=role),
            owner_url=self._server.url(name, role=f"{role}_owner"),
        )


class DatabaseOf:
    """What the fixture `database_of` gives: call it with the name of a service."""

    def __init__(self, databases: TestDatabases) -> None:
        self._databases = databases
        self._made: dict[str, TestDatabase] = {}
        self._opened: list[Database] = []

    async def __call__(self, service: str, *, pool_size: int = 8) -> Database:
        """The service's database as its application role; the same one at every call of a test."""
        made = await self.access(service)
        database = Database.open(
            made.url,
            pool_size=pool_size,
            statement_timeout=PATIENCE,
            application_name="laurel-test",
        )
        self._opened.append(database)
        return database

    async def access(self, service: str) -> TestDatabase:
        """The database itself, for who needs its URL."""
        if service not in self._made:
            self._made[service] = await self._databases.take(service)
        return self._made[service]

    async def close(self) -> None:
        """Close what was opened and give back what was made."""
        for database in self._opened:
            await database.close()
        for made in self._made.values():
            await self._databases.give_back(made)


def lives(process_id: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{process_id}").exists()
