"""Digests of rows that no log is closed over: each row carries that of its other columns.

They are taken by the database, in the statement that writes the row, so that nothing is lost
between what was meant and what was stored. Who adds a column to such a table has its migration take
all digests anew.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Table
from sqlalchemy.dialects.postgresql import dialect

DIGEST = "digest"
_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it.


def digest_of(table: Table, **after: str) -> str:
    """SQL of the digest of a row: of its columns as they are, or as they are about to be."""
    others = (column for column in table.columns if column.name != DIGEST)
    values = [_plain(column, after.get(column.name, column.name)) for column in others]
    return f"sha256(convert_to(jsonb_build_array({', '.join(values)})::text, 'UTF8'))"


def _plain(column: Column[object], value: str) -> str:
    """A value that reads the same whatever the zone of the session is."""
    kind = column.type.compile(dialect=_DIALECT).lower().removesuffix(' collate "c"')
    typed = f"{value}::{kind}"
    return f"extract(epoch from {typed})" if isinstance(column.type, DateTime) else typed
