"""Check-ins: from the wire and back."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.check_ins import DailyCheckIn, Streak
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import RequestId
from laurel_benefits.handlers.check_ins import CheckedIn, CheckIn
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.times import read_member, write_instant


def read_check_in(request: pb.CheckInRequest) -> CheckIn:
    """The command in a request."""
    return CheckIn(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        fingerprint=fingerprint(request).encoded,
    )


def write_check_in(answer: CheckedIn) -> pb.CheckInResponse:
    """The answer to a check-in."""
    return pb.CheckInResponse(
        decision=write_decision(answer.decision),
        check_in=write_daily(answer.check_in) if answer.check_in else None,
        replayed=answer.replayed,
    )


def write_get_streak(streak: Streak) -> pb.GetStreakResponse:
    """Days in a row."""
    breaks = streak.break_time
    return pb.GetStreakResponse(
        streak=pb.Streak(
            days=streak.days,
            last_day=write_day(streak.last_day) if streak.last_day else None,
            next_points=streak.next_points,
            next_time=write_instant(streak.next_time),
            break_time=write_instant(breaks) if breaks else None,
        )
    )


def write_preview_reward(decision: Decision) -> pb.PreviewRewardResponse:
    """What an action would pay."""
    return pb.PreviewRewardResponse(decision=write_decision(decision))


def write_daily(check_in: DailyCheckIn) -> pb.DailyCheckIn:
    """A day a member has checked in."""
    return pb.DailyCheckIn(
        program_id=check_in.key.member.program_id,
        member_id=check_in.key.member.member_id,
        day=write_day(check_in.key.day),
        streak_days=check_in.streak_days,
        points=check_in.points,
        asset_id=check_in.asset_id,
        funding_account_id=check_in.funding_account_id,
        ledger_request_id=check_in.ledger_request_id,
        state=pb.RewardState.Value(f"REWARD_STATE_{check_in.state.value}"),
        refusal=check_in.refusal,
        commit_token=check_in.commit_token,
        check_in_time=write_instant(check_in.check_in_time),
        program_revision=check_in.program_revision,
    )


def write_day(day: date) -> Date:
    """A civil day."""
    return Date(year=day.year, month=day.month, day=day.day)
