"""Instants and members, which every contract of this service carries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId


class OfMember(Protocol):
    """A request about one member."""

    program_id: str
    member_id: str


def read_member(request: OfMember) -> MemberKey:
    """The member a request is about."""
    return MemberKey(
        program_id=ProgramId(request.program_id), member_id=MemberId(request.member_id)
    )


def read_instant(timestamp: Timestamp) -> datetime:
    """An instant, aware and UTC, to the microsecond."""
    return timestamp.ToDatetime(tzinfo=UTC)


def write_instant(instant: datetime) -> Timestamp:
    """An instant for the wire."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
