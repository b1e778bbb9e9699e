"""Instants between Timestamp and datetime, to the microsecond, without floats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MICROSECONDS_OF_SECOND = 10**6
NANOSECONDS_OF_MICROSECOND = 10**3


def read_instant(timestamp: Timestamp) -> datetime:
    """The instant, its nanoseconds cut to microseconds."""
    return EPOCH + timedelta(
        seconds=timestamp.seconds, microseconds=timestamp.nanos // NANOSECONDS_OF_MICROSECOND
    )


def write_instant(instant: datetime) -> Timestamp:
    """The instant as a message."""
    seconds, rest = divmod((instant - EPOCH) // MICROSECOND, MICROSECONDS_OF_SECOND)
    return Timestamp(seconds=seconds, nanos=rest * NANOSECONDS_OF_MICROSECOND)
