"""Reminders: from the wire and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from google.type.date_pb2 import Date
from laurel.benefits.v1 import reminders_pb2 as pb
from laurel.program.v1 import benefits_section_pb2 as program_pb

from laurel_benefits.domain.ids import ProgramId
from laurel_benefits.domain.reminders import Reminder, ReminderKind, ReminderRules
from laurel_benefits.handlers.reminders import StreamReminders
from laurel_benefits.wire.times import write_instant

PREFIX = "REMINDER_KIND_"


def read_reminder_rules(message: program_pb.ReminderRules) -> ReminderRules:
    """How long before members are reminded; kinds without days are left out."""
    days = {
        ReminderKind.TRIAL_END: message.trial_end_days,
        ReminderKind.RELEASE_END: message.release_end_days,
        ReminderKind.TERM_END: message.term_end_days,
        ReminderKind.EXPIRING_POINTS: message.expiring_points_days,
    }
    return ReminderRules(days_before={kind: each for kind, each in days.items() if each})


def read_stream_reminders(request: pb.StreamRemindersRequest) -> StreamReminders:
    """Whose reminders, of which day and kinds."""
    day = request.day
    return StreamReminders(
        program_id=ProgramId(request.program_id),
        day=date(day.year, day.month, day.day) if request.HasField("day") else None,
        kinds=frozenset(
            ReminderKind(pb.ReminderKind.Name(kind).removeprefix(PREFIX)) for kind in request.kinds
        ),
    )


def write_stream_reminders(reminders: Sequence[Reminder]) -> pb.StreamRemindersResponse:
    """The next reminders."""
    return pb.StreamRemindersResponse(reminders=[write_reminder(each) for each in reminders])


def write_reminder(reminder: Reminder) -> pb.Reminder:
    """Something of which a member is to be reminded."""
    ending, day = reminder.ending, reminder.last_day
    return pb.Reminder(
        reminder_id=reminder.reminder_id,
        kind=pb.ReminderKind.Value(f"{PREFIX}{ending.kind.value}"),
        member_id=ending.member_id,
        last_day=Date(year=day.year, month=day.month, day=day.day),
        end_time=write_instant(ending.end_time),
        points=ending.points,
        plan_id=ending.plan_id or "",
        reference=ending.reference,
    )
