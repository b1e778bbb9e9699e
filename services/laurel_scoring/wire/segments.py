"""GetSegment, ListSegmentMembers and GetPreferences: groups to messages."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date
from laurel.scoring.v1 import insight_pb2 as pb
from laurel_kit.money import write_money

from laurel_scoring.domain.segments import Cell, SegmentMember
from laurel_scoring.handlers.segments import (
    PreferencesView,
    SegmentPart,
    SegmentView,
)
from laurel_scoring.wire.times import write_date, write_time


def write_get_segment(view: SegmentView) -> pb.GetSegmentResponse:
    """The groups of a member."""
    segment, dormancy = view.segment, view.segment.dormancy
    known = segment.last_order_day is not None
    message = pb.Segment(
        program_id=view.program_id,
        member_id=view.member_id,
        last_order_date=optional_date(segment.last_order_day),
        recency_days=segment.recency_days or 0,
        orders=segment.orders,
        paid=write_money(segment.paid) if known else None,
        cell=write_cell(segment.cell) if segment.cell else None,
        next_change_date=optional_date(segment.next_day),
        as_of_time=write_time(view.as_of),
        program_revision=view.revision_id,
    )
    if dormancy:
        message.dormancy.segment_id = dormancy.segment_id
        message.dormancy.display_name = dormancy.display_name
    return pb.GetSegmentResponse(segment=message)


def write_cell(cell: Cell) -> pb.RfmCell:
    """The scores of a member."""
    group = pb.SegmentName(segment_id=cell.group.group_id, display_name=cell.group.display_name)
    return pb.RfmCell(
        recency=cell.recency, frequency=cell.frequency, monetary=cell.monetary, group=group
    )


def write_part(part: SegmentPart) -> pb.ListSegmentMembersResponse:
    """Some members of a group."""
    return pb.ListSegmentMembersResponse(
        members=[write_member(member) for member in part.members],
        as_of_date=optional_date(part.day),
    )


def write_member(member: SegmentMember) -> pb.SegmentMember:
    """A member of a group."""
    return pb.SegmentMember(
        member_id=member.member_id,
        last_order_date=write_date(member.last_order_day),
        orders=member.orders,
        paid=write_money(member.paid),
        recency=member.recency or 0,
        frequency=member.frequency or 0,
        monetary=member.monetary or 0,
    )


def write_get_preferences(view: PreferencesView) -> pb.GetPreferencesResponse:
    """What a shop is told."""
    told = view.preferences
    return pb.GetPreferencesResponse(
        members_about=told.members_about,
        categories=[
            pb.CategoryPreference(category_id=each.category_id, share_percent=each.share_percent)
            for each in told.categories
        ],
        as_of_date=optional_date(view.day),
    )


def optional_date(day: date | None) -> Date | None:
    """A day as a message, None when there is none."""
    return None if day is None else write_date(day)
