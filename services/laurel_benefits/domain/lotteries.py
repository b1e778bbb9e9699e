"""Lotteries: published odds, a lot that nobody can choose, and tables that may go live (M5 to M7).

The day's seed is secret until the day is over; its hash is published before. The lot of a draw is
the hash of its name and of the caller's words under the seed, so neither side can choose it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from laurel_benefits.domain.decisions import (
    Decision,
    Quota,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import (
    CouponId,
    DrawId,
    LotteryId,
    MemberKey,
    PrizeId,
    RequestId,
    RevisionId,
)
from laurel_benefits.domain.lottery_rules import LOTS, Lottery, Prize
from laurel_benefits.domain.mall_errors import LotteryNotFound
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import NOT_ASKED


class DrawState(StrEnum):
    """How far a draw is."""

    PENDING = "PENDING"
    DRAWN = "DRAWN"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A lot of a member."""

    draw_id: DrawId
    member: MemberKey
    lottery: Lottery
    """The lottery whose odds hold for it."""
    seed_day: date
    client_seed: str
    commitment: str
    ledger_request_id: RequestId
    draw_time: datetime
    program_revision: RevisionId
    state: DrawState = DrawState.PENDING
    prize_id: PrizeId | None = None
    coupon_id: CouponId | None = None
    out_of_stock: bool = False
    refusal: str = ""

    @property
    def message(self) -> str:
        """What is hashed with the seed."""
        return f"{self.lottery.lottery_id}/{self.draw_id}/{self.client_seed}"

    @property
    def prize(self) -> Prize | None:
        """What it won."""
        prizes = (each for each in self.lottery.prizes if each.prize_id == self.prize_id)
        return next(prizes, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """The secret of a lottery's day."""

    lottery_id: LotteryId
    day: date
    value: str
    """In hexadecimal."""

    @property
    def commitment(self) -> str:
        """What is published before it is used."""
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCase:
    """A lottery, what is known of the member, and the moment."""

    lottery: Lottery
    risk: MemberRisk | None
    drawn_today: int
    day_end: datetime
    now: datetime
    program_revision: RevisionId


def find_lottery(program: BenefitsProgram, lottery_id: LotteryId) -> Lottery:
    """The lottery of that name. Raises LotteryNotFound."""
    if found := program.lotteries.get(lottery_id):
        return found
    raise LotteryNotFound(lottery_id=lottery_id)


def decide_draw(case: DrawCase) -> Decision:
    """Whether a member may draw now, points apart."""
    reasons = (*judge_risk(case.risk, case.now), *judge_day_limit(case))
    limit = case.lottery.per_member_daily_max
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        quota=(
            None
            if limit is None
            else Quota(limit=limit, used=case.drawn_today, reset_time=case.day_end)
        ),
        value=None,
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, None),
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_day_limit(case: DrawCase) -> Iterator[Reason]:
    """Whether the day has a draw left."""
    limit = case.lottery.per_member_daily_max
    if limit is not None and case.drawn_today >= limit:
        yield Reason(
            code=ReasonCode.QUOTA_USED, subject="day", required=1, available_from=case.day_end
        )


def lot_of(seed: str, message: str) -> int:
    """The lot, 0 to 999,999."""
    digest = hmac.new(seed.encode(), message.encode(), hashlib.sha256).hexdigest()
    return int(digest, 16) % LOTS


def prize_of(prizes: Sequence[Prize], lot: int) -> Prize | None:
    """What a lot wins: the prizes take the lots from 0 on, each as many as its odds."""
    end = 0
    for prize in prizes:
        end += prize.odds_ppm
        if lot < end:
            return prize
    return None


def consistent(draw: Draw, seed: Seed) -> bool:
    """Whether commitment, seed, lot and prize fit together."""
    met = prize_of(draw.lottery.prizes, lot_of(seed.value, draw.message))
    won = None if draw.out_of_stock else met
    return seed.commitment == draw.commitment and won == draw.prize
