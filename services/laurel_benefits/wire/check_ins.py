"""Check-ins: from the wire and back."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date
from laurel.benefits.v1 import engagement_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money

from laurel_benefits.domain.check_ins import DailyCheckIn, Streak
from laurel_benefits.domain.ids import RequestId
from laurel_benefits.domain.sign_in_cash import Cash
from laurel_benefits.handlers.check_ins import CheckedIn, CheckIn, Preview
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
            next_cash=write_money(streak.next_cash_fen) if streak.next_cash_fen else None,
            make_up_cards=streak.make_up_cards,
            missed_days=[write_day(each) for each in streak.missed_days],
        )
    )


def write_preview_reward(preview: Preview) -> pb.PreviewRewardResponse:
    """What an action would pay."""
    return pb.PreviewRewardResponse(
        decision=write_decision(preview.decision),
        cash=write_money(preview.cash_fen) if preview.cash_fen else None,
    )


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
        cash=write_cash(check_in.cash) if check_in.cash else None,
        made_up=check_in.made_up,
        card_earned=check_in.card_earned,
    )


def write_cash(cash: Cash) -> pb.CheckInCash:
    """Cash of a check-in."""
    return pb.CheckInCash(
        amount=write_money(cash.fen),
        state=pb.CashState.Value(f"CASH_STATE_{cash.state.value}"),
        refusal=cash.refusal,
        ledger_request_id=cash.ledger_request_id or "",
    )


def write_day(day: date) -> Date:
    """A civil day."""
    return Date(year=day.year, month=day.month, day=day.day)
