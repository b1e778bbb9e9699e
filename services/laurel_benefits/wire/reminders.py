"""Reminders: from the wire and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from google.type.date_pb2 import Date
from laurel.benefits.v1 import reminders_pb2 as pb
from laurel.program.v1 import benefits_section_pb2 as program_pb
from laurel.program.v1.program_pb2 import Program
from laurel_kit.pages import Cursor, PageTokens

from laurel_benefits.domain.ids import MemberId, ProgramId, ScoreModelId
from laurel_benefits.domain.program_checks import Fault, undeclared
from laurel_benefits.domain.reminders import Place, Reminder, ReminderKind, ReminderRules
from laurel_benefits.handlers.reminders import DueReminders, StreamReminders
from laurel_benefits.wire.times import write_instant

PREFIX = "REMINDER_KIND_"


def read_reminder_rules(section: program_pb.BenefitsSection) -> ReminderRules:
    """How long before members are reminded; kinds without days are left out."""
    message = section.reminders
    days = {
        ReminderKind.TRIAL_END: message.trial_end_days,
        ReminderKind.RELEASE_END: message.release_end_days,
        ReminderKind.TERM_END: message.term_end_days,
        ReminderKind.EXPIRING_POINTS: message.expiring_points_days,
        ReminderKind.TIER_END: message.tier_end_days,
    }
    # What ends with the day itself is no matter of days before.
    today = {ReminderKind.STREAK_END: message.streaks, ReminderKind.TREE_RIPE: message.ripe_trees}
    return ReminderRules(
        days_before={kind: each for kind, each in days.items() if each}
        | {kind: 0 for kind, wanted in today.items() if wanted},
        tier_model_ids=tuple(ScoreModelId(model_id) for model_id in message.tier_model_ids),
        asset_ids=tuple(message.expiring_asset_ids) or (section.earning.asset_id,),
    )


def reminder_faults(program: Program, path: str) -> Iterator[Fault]:
    """Assets must exist, and models whose tiers members are reminded of must have tiers."""
    yield from undeclared(
        f"{path}.expiring_asset_ids",
        program.benefits.reminders.expiring_asset_ids,
        [asset.asset_id for asset in program.ledger.assets],
        what="asset of the ledger",
    )
    declared = [policy.model_id for policy in program.scoring.tier_policies]
    yield from undeclared(
        f"{path}.tier_model_ids",
        program.benefits.reminders.tier_model_ids,
        declared,
        what="model with a tier policy",
    )
    reminders, section = program.benefits.reminders, program.benefits
    if reminders.streaks and not section.HasField("check_in"):
        yield f"{path}.streaks", "needs benefits.check_in: without it nobody signs in"
    if reminders.ripe_trees and not section.HasField("orchard"):
        yield f"{path}.ripe_trees", "needs benefits.orchard: without it there are no trees"


def read_stream_reminders(request: pb.StreamRemindersRequest) -> StreamReminders:
    """Whose reminders, of which day and kinds. Raises PageTokenInvalid."""
    cursor = tokens_of(request).decode(request.resume_token, str, str, str, str)
    wished = request.day
    day = date(wished.year, wished.month, wished.day) if request.HasField("day") else None
    return StreamReminders(
        program_id=ProgramId(request.program_id),
        day=date.fromisoformat(str(cursor[0])) if cursor else day,
        kinds=frozenset(
            ReminderKind(pb.ReminderKind.Name(kind).removeprefix(PREFIX)) for kind in request.kinds
        ),
        after=read_place(cursor) if cursor else None,
    )


def tokens_of(request: pb.StreamRemindersRequest) -> PageTokens:
    """The tokens by which streams of this request go on."""
    return PageTokens.of(request, without=("resume_token",))


def read_place(cursor: Cursor) -> Place | None:
    """How far an earlier stream has come; None where it had sent nothing."""
    _, kind, member_id, reference = map(str, cursor)
    if not kind:
        return None
    return Place(kind=ReminderKind(kind), member_id=MemberId(member_id), reference=reference)


def write_stream_reminders(
    due: DueReminders, request: pb.StreamRemindersRequest
) -> pb.StreamRemindersResponse:
    """The next reminders, with the token that goes on behind them."""
    place = due.place
    rest = (place.kind.value, place.member_id, place.reference) if place else ("", "", "")
    return pb.StreamRemindersResponse(
        reminders=[write_reminder(each) for each in due.reminders],
        resume_token=tokens_of(request).encode((due.day.isoformat(), *rest)),
        day=Date(year=due.day.year, month=due.day.month, day=due.day.day),
    )


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
        asset_id=ending.asset_id,
        plan_id=ending.plan_id or "",
        reference=ending.reference,
        level_id=ending.level_id,
        missing_points=ending.missing_points,
        streak_days=ending.streak_days,
    )
