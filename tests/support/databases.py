"""A migrated database of a service for one test, copied from a template in no time."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
from laurel_kit.database import Database
from laurel_kit.migrations import migrate, schema_digest
from laurel_kit.postgres import PostgresServer

from tests.support.postgres import ROOT, only_one

Connection = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, kw_only=True)
class TestDatabase:
    """A database that nobody else uses."""

    __test__ = False

    name: str
    url: str
    """As the application role, with no more rights than in production."""
    owner_url: str
    """As the owner of the schema."""


def migrations_of(service: str) -> Path:
    """Where the migrations of a service are; `kit` has the kit's tables alone."""
    if service == "kit":
        return ROOT / "tests" / "support" / "kit" / "migrations"
    return ROOT / "services" / f"laurel_{service}" / "storage" / "migrations"


class TestDatabases:
    """Makes databases and removes them."""

    __test__ = False

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = count(1)
        self._templates: dict[str, str] = {}

    async def create(self, service: str) -> TestDatabase:
        """An empty, migrated database of the service."""
        connection = await asyncpg.connect(self._server.url())
        try:
            if service not in self._templates:
                self._templates[service] = await self._template(connection, service)
            name = f"test_{os.getpid()}_{service}_{next(self._numbers)}"
            template, owner = self._templates[service], f"laurel_{service}_owner"
            await connection.execute(f"create database {name} template {template} owner {owner}")
        finally:
            await connection.close()
        return self._access(name, service)

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        connection = await asyncpg.connect(self._server.url())
        try:
            await connection.execute(f"drop database if exists {name} with (force)")
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
        digest = schema_digest(migrations_of(service))[:12]
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
        await connection.execute(f"alter database {making} rename to {name}")

    def _access(self, name: str, service: str) -> TestDatabase:
        role = f"laurel_{service}"
        return TestDatabase(
            name=name,
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
        database = Database.open(made.url, pool_size=pool_size, application_name="laurel-test")
        self._opened.append(database)
        return database

    async def access(self, service: str) -> TestDatabase:
        """The database itself, for who needs its URL."""
        if service not in self._made:
            self._made[service] = await self._databases.create(service)
        return self._made[service]

    async def close(self) -> None:
        """Close what was opened and remove what was made."""
        for database in self._opened:
            await database.close()
        for made in self._made.values():
            await self._databases.drop(made.name)


def lives(process_id: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{process_id}").exists()
