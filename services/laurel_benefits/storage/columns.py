"""Kinds of columns that the tables of this service are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB


def name(
    column: str,
    *,
    primary_key: bool = False,
    nullable: bool = False,
    default: str | None = None,
) -> Column[str]:
    """A column of ids or codes: compared byte by byte, on every machine alike."""
    return Column(
        column,
        Text(collation="C"),
        primary_key=primary_key,
        nullable=nullable,
        server_default=text(f"'{default}'") if default is not None else None,
    )


def words(column: str, *, default: str | None = None) -> Column[str]:
    """Text for people."""
    server_default = text(f"'{default}'") if default is not None else None
    return Column(column, Text, nullable=False, server_default=server_default)


def uuid(column: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    """A name this service made."""
    return Column(column, Uuid(as_uuid=False), primary_key=primary_key, nullable=nullable)


def instant(column: str, *, nullable: bool = False) -> Column[object]:
    """An instant."""
    return Column(column, DateTime(timezone=True), nullable=nullable)


def number(
    column: str, *, primary_key: bool = False, nullable: bool = False, zero: bool = False
) -> Column[int]:
    """An amount or a count."""
    server_default = text("0") if zero else None
    return Column(
        column,
        BigInteger,
        primary_key=primary_key,
        autoincrement=False,
        nullable=nullable,
        server_default=server_default,
    )


def document(column: str) -> Column[object]:
    """A value kept whole."""
    return Column(column, JSONB, nullable=False)


def member_key() -> tuple[Column[str], Column[str]]:
    """The beginning of every key."""
    return name("program_id", primary_key=True), name("member_id", primary_key=True)


def attempts() -> Column[int]:
    """How often the relay has looked at it."""
    return Column("attempts", Integer, nullable=False, server_default=text("0"))
