"""Instants, days and months as messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS, NANOS = 10**6, 10**3
"""Of a second, of a microsecond."""


def read_time(message: Timestamp) -> datetime:
    """An instant, to the microsecond."""
    return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // NANOS)


def optional_time(message: Message, field: str) -> datetime | None:
    """The instant in a field, None when it is not set."""
    return read_time(getattr(message, field)) if message.HasField(field) else None


def write_time(instant: datetime) -> Timestamp:
    """An instant as a message."""
    seconds, rest = divmod(microseconds(instant), MICROSECONDS)
    return Timestamp(seconds=seconds, nanos=rest * NANOS)


def write_optional_time(instant: datetime | None) -> Timestamp | None:
    """An instant as a message, None when there is none."""
    return None if instant is None else write_time(instant)


def write_date(day: date) -> Date:
    """A day as a message."""
    return Date(year=day.year, month=day.month, day=day.day)


def read_month(message: Date) -> date:
    """The first day of a month whose message has the day 0."""
    return date(message.year, message.month, 1)


def write_month(month: date) -> Date:
    """A month as a message, its day 0."""
    return Date(year=month.year, month=month.month)


def microseconds(instant: datetime) -> int:
    """An instant as a whole number."""
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The instant of a whole number."""
    return EPOCH + count * MICROSECOND
