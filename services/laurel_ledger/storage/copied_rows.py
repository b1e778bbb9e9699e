"""Rows as PostgreSQL's binary COPY takes them, packed here: nothing of them is left to the driver.

All rows of a copy look alike but for their numbers, so each is one call of a packer made once. Each
field goes after its length, and each row after the number of its fields.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.writes import COLUMNS

BEGINNING = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
END = struct.pack(">h", -1)
NULL = struct.pack(">i", -1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""From when on PostgreSQL counts."""
MICROSECOND = timedelta(microseconds=1)
JSONB_VERSION = b"\x01"

_LENGTH = struct.Struct(">i")


def text_field(text: str | None) -> bytes:
    """A text, or that there is none."""
    if text is None:
        return NULL
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def jsonb_field(text: str | None) -> bytes:
    """A document, or that there is none."""
    return NULL if text is None else _field(JSONB_VERSION + text.encode())


def bytes_field(content: bytes) -> bytes:
    """Bytes as they are."""
    return _field(content)


def instant_field(instant: datetime | None) -> bytes:
    """An instant, or that there is none."""
    return NULL if instant is None else _field(struct.pack(">q", instant_number(instant)))


def instant_number(instant: datetime) -> int:
    """An instant as PostgreSQL counts them."""
    return (instant - EPOCH) // MICROSECOND


def array_text(column: Iterable[object]) -> str:
    """Numbers as the text of an array: made and read faster than the driver looks at each."""
    return "{" + ",".join(map(str, column)) + "}"


async def copy_rows(connection: Connection, table: str, rows: list[bytes]) -> None:
    """Put packed rows into a table, their fields in the order of its columns."""
    if rows:
        await connection.copy_to_table(
            table,
            source=io.BytesIO(b"".join((BEGINNING, *rows, END))),
            columns=COLUMNS[table].split(),
            format="binary",
        )


def _field(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content
