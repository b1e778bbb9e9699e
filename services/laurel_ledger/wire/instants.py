"""Instants between Timestamp and datetime, to the microsecond, without floats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_OF_DAY = 24 * 60 * 60
NANOSECONDS_OF_MICROSECOND = 10**3


def read_instant(timestamp: Timestamp) -> datetime:
    """The instant, its nanoseconds cut to microseconds."""
    return EPOCH + timedelta(
        seconds=timestamp.seconds, microseconds=timestamp.nanos // NANOSECONDS_OF_MICROSECOND
    )


def write_instant(instant: datetime) -> Timestamp:
    """The instant as a message."""
    timestamp = Timestamp()
    fill_instant(timestamp, instant)
    return timestamp


def fill_instant(timestamp: Timestamp, instant: datetime) -> None:
    """Write an instant where it is to stand."""
    since = instant - EPOCH
    timestamp.seconds = since.days * SECONDS_OF_DAY + since.seconds
    timestamp.nanos = since.microseconds * NANOSECONDS_OF_MICROSECOND
