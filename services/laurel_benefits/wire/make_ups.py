"""Cards that make up for missed days: from the wire and back, and in a program."""

from __future__ import annotations

from datetime import date

from laurel.benefits.v1 import engagement_pb2 as pb
from laurel.program.v1 import games_section_pb2 as section

from laurel_benefits.domain.make_up_rules import MakeUpRules
from laurel_benefits.handlers.make_ups import MadeUp, MakeUpCheckIn
from laurel_benefits.wire.check_ins import write_daily
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.repeats import read_write_key


def read_make_up(message: section.MakeUpRules) -> MakeUpRules:
    """How cards are earned and used."""
    return MakeUpRules(
        earned_every_days=message.earned_every_days,
        held_max=message.held_max,
        lifetime_days=message.lifetime_days,
        days_back_max=message.days_back_max,
    )


def read_make_up_check_in(request: pb.MakeUpCheckInRequest) -> MakeUpCheckIn:
    """The command in a request."""
    day = date(request.day.year, request.day.month, request.day.day)
    return MakeUpCheckIn(key=read_write_key(request), day=day)


def write_make_up_check_in(answer: MadeUp) -> pb.MakeUpCheckInResponse:
    """The answer to making up for a day."""
    return pb.MakeUpCheckInResponse(
        decision=write_decision(answer.decision),
        check_in=write_daily(answer.check_in) if answer.check_in else None,
        streak_days=answer.streak_days,
        replayed=answer.replayed,
    )
