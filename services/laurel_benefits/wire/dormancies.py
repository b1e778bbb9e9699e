"""How long members have been away, as scoring says it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from google.type.date_pb2 import Date
from laurel.scoring.v1 import insight_pb2

from laurel_benefits.domain.dormancy import Dormancy
from laurel_benefits.domain.ids import MemberId


def read_dormancy(member_id: MemberId, response: insight_pb2.GetSegmentResponse) -> Dormancy:
    """The dormancy of a member; who never bought has no last order."""
    segment = response.segment
    ordered = segment.HasField("last_order_date")
    return Dormancy(
        member_id=member_id,
        segment_id=segment.dormancy.segment_id,
        last_order_date=read_date(segment.last_order_date) if ordered else None,
    )


def read_members(
    segment_id: str, response: insight_pb2.ListSegmentMembersResponse
) -> Sequence[Dormancy]:
    """The next members of a segment."""
    return [
        Dormancy(
            member_id=MemberId(member.member_id),
            segment_id=segment_id,
            last_order_date=read_date(member.last_order_date),
        )
        for member in response.members
    ]


def read_date(message: Date) -> date:
    """A day."""
    return date(message.year, message.month, message.day)


def write_date(day: date) -> Date:
    """A day for the wire."""
    return Date(year=day.year, month=day.month, day=day.day)
