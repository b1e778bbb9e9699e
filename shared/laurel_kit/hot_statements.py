"""Statements of hot paths: compiled once, then given to the driver itself.

To execute a statement by SQLAlchemy takes several times what the driver needs for it. Where a call
sends a dozen, that is most of what the call costs. They are written as all others are, and run in
the same transaction; what is not fixed beforehand (a list of unknown length) cannot be in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from sqlalchemy import JSON, ClauseElement, Uuid
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.database import driver_of

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # It has no types.


class HotStatement:
    """A statement whose parameters are named when it is run.

    `columns` are those of an insert or update that are given as parameters.
    """

    def __init__(self, clause: ClauseElement, *, columns: Iterable[str] = ()) -> None:
        self._clause = clause
        self._columns = list(columns)

    async def rows(
        self, connection: AsyncConnection, arguments: Mapping[str, object]
    ) -> Sequence[Any]:
        """The rows, with their columns as attributes."""
        driver = await driver_of(connection)
        found = [
            SimpleNamespace(**row)
            for row in await driver.fetch(self._text, *self._in_order(arguments))
        ]
        for name in self._ids:
            for row in found:
                id_ = getattr(row, name)
                setattr(row, name, None if id_ is None else str(id_))
        return found

    async def one_or_none(
        self, connection: AsyncConnection, arguments: Mapping[str, object]
    ) -> Any | None:
        """The row of a statement that has at most one."""
        found = await self.rows(connection, arguments)
        assert len(found) <= 1, "it has at most one row"
        return found[0] if found else None

    async def run(self, connection: AsyncConnection, arguments: Mapping[str, object]) -> int:
        """How many rows it has changed."""
        driver = await driver_of(connection)
        status = await driver.execute(self._text, *self._in_order(arguments))
        return int(status.rpartition(" ")[2])

    async def run_many(
        self, connection: AsyncConnection, many: Iterable[Mapping[str, object]]
    ) -> None:
        """Run it for each of many arguments."""
        driver = await driver_of(connection)
        await driver.executemany(self._text, [self._in_order(each) for each in many])

    @cached_property
    def _compiled(self) -> Any:
        return self._clause.compile(dialect=_DIALECT, column_keys=self._columns or None)

    @cached_property
    def _text(self) -> str:
        return str(self._compiled)

    @cached_property
    def _ids(self) -> Sequence[str]:
        """The columns of UUIDs that are text to us; the driver answers them as objects."""
        columns = getattr(self._clause, "exported_columns", ())
        return [
            each.name for each in columns if isinstance(each.type, Uuid) and not each.type.as_uuid
        ]

    @cached_property
    def _parameters(self) -> Sequence[tuple[str, object, bool]]:
        """In their order: the name, what it is where it is not given, whether it is a document."""
        compiled = self._compiled
        return [
            (name, compiled.params[name], isinstance(compiled.binds[name].type, JSON))
            for name in compiled.positiontup or ()
        ]

    def _in_order(self, arguments: Mapping[str, object]) -> list[Any]:
        values = [
            (arguments.get(name, usual), document) for name, usual, document in self._parameters
        ]
        return [json.dumps(value) if document else value for value, document in values]
