"""Benefits: whether a member may have one now, how often, and why not (C15 to C18)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_benefits.domain.decisions import (
    AmountOff,
    Decision,
    NearMiss,
    Quota,
    Reason,
    ReasonCode,
    ShareOff,
    Value,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.errors import BenefitNotFound
from laurel_benefits.domain.gates import BirthDate, judge_gate, judge_risk, judge_window
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import BenefitId, RevisionId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.programs import AmountBand, Benefit, BenefitsProgram
from laurel_benefits.domain.quotas import Period, period_at
from laurel_benefits.domain.risks import risk_at
from laurel_benefits.domain.rulings import Ruling
from laurel_benefits.domain.standings import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the caller says of the moment: nobody else knows it."""

    birth_date: BirthDate | None = None
    order_fen: int = 0
    """What the order comes to for which a benefit is to be had; zero without one."""
    shop_id: str = ""
    """The shop in which a benefit is to be had; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitCase:
    """A benefit, what is known of the member, and the moment: all that a decision looks at."""

    benefit: Benefit
    sight: Sight
    holdings: Holdings
    occasion: Occasion
    now: datetime
    zone: ZoneInfo
    program_revision: RevisionId
    given: int = 0
    """How often all members together have used it in the period of its stock."""

    @property
    def grant(self) -> Ruling | None:
        """The ruling that stands in for the gate."""
        return self.holdings.grant_of(self.benefit.benefit_id, self.now)

    @property
    def membership(self) -> Membership | None:
        """The running membership the gate asks for, one bought as the benefit asks first."""
        wanted = self.benefit.gate.membership_plans
        running = [each for each in self.holdings.running if each.plan_id in wanted]
        fitting = (each for each in running if self.benefit.sold_by(each.channel_id))
        return next(fitting, running[0] if running else None)

    @property
    def period(self) -> Period | None:
        """The period a use now would be counted in; None where uses are not limited."""
        if self.benefit.quota is None:
            return None
        return period_at(
            self.benefit.quota.period,
            self.now,
            self.zone,
            membership=self.membership,
            grant=self.grant,
        )

    @property
    def quota(self) -> Quota | None:
        """What the period has left; None where uses are not limited."""
        period = self.period
        if self.benefit.quota is None or period is None:
            return None
        used = self.holdings.used.get((self.benefit.benefit_id, period.key), 0)
        return Quota(limit=self.benefit.quota.limit, used=used, reset_time=period.reset_time)

    @property
    def stock_period(self) -> Period | None:
        """The period a use now takes from the stock of; None where there is no stock."""
        return stock_period_at(self.benefit, self.now, self.zone)


def stock_period_at(benefit: Benefit, now: datetime, zone: ZoneInfo) -> Period | None:
    """The period whose stock is given now; None where there is no stock."""
    if benefit.stock is None:
        return None
    return period_at(benefit.stock.period, now, zone, membership=None, grant=None)


def find_benefit(program: BenefitsProgram, benefit_id: BenefitId) -> Benefit:
    """The benefit of that name. Raises BenefitNotFound."""
    if benefit := program.benefits.get(benefit_id):
        return benefit
    raise BenefitNotFound(benefit_id=benefit_id)


def decide_benefit(case: BenefitCase) -> Decision:
    """Whether a member may have a benefit now, with every reason against it."""
    benefit, sight = case.benefit, case.sight
    reasons = (
        *judge_risk(case.holdings.risk, case.now),
        *judge_rulings(case),
        *judge_conditions(case),
        *judge_channel(case),
        *judge_order(benefit.order_min_fen, case.occasion.order_fen),
        *judge_shop(benefit, case.occasion.shop_id),
        *judge_quota(case.quota),
        *judge_stock(case),
    )
    unknown = benefit.asks_scoring and sight.standing is None and case.grant is None
    score = sight.standing.score_value if sight.standing else 0
    value = worth_of(benefit, score, case.occasion.order_fen)
    allowed = not reasons and not unknown
    near = better_amount(benefit, score) if allowed else near_miss_of(reasons, value)
    return Decision(
        allowed=allowed,
        reasons=with_degraded(reasons, sight),
        quota=case.quota,
        value=value if allowed else None,
        evidence=evidence_of(
            sight,
            case.membership.membership_id if case.membership else None,
            case.now,
            granted=case.grant is not None,
            risk_state=risk_at(case.holdings.risk, case.now),
            credit_score_required=benefit.gate.credit_score_min,
        ),
        near_miss=None if unknown else near,
        degraded=sight.degraded,
        program_revision=case.program_revision,
    )


def judge_rulings(case: BenefitCase) -> Iterator[Reason]:
    """Whether the benefit was taken from the member by hand (B11)."""
    if ruling := case.holdings.withholding_of(case.benefit.benefit_id, case.now):
        yield Reason(code=ReasonCode.WITHHELD, subject="benefit", available_from=ruling.expire_time)


def judge_conditions(case: BenefitCase) -> Sequence[Reason]:
    """What the program asks for: the gate, for which a grant stands in, and the window."""
    plans = [each.plan_id for each in case.holdings.running]
    gate = () if case.grant else judge_gate(case.benefit.gate, case.sight.standing, plans)
    window = judge_window(
        case.benefit.window, birth_date=case.occasion.birth_date, now=case.now, zone=case.zone
    )
    return (*gate, *window)


def judge_channel(case: BenefitCase) -> Iterator[Reason]:
    """Whether the membership was bought as the benefit asks (F24); a grant stands in for that."""
    held = case.membership
    if held and not case.grant and not case.benefit.sold_by(held.channel_id):
        yield Reason(code=ReasonCode.CHANNEL_MISMATCH, subject=case.benefit.membership_channels[0])


def judge_quota(quota: Quota | None) -> Iterator[Reason]:
    """Whether there is a use left, and from when on there is again."""
    if quota and quota.remaining == 0:
        yield Reason(
            code=ReasonCode.QUOTA_USED,
            subject="quota",
            required=1,
            actual=0,
            available_from=quota.reset_time,
        )


def judge_order(least_fen: int, order_fen: int) -> Iterator[Reason]:
    """Whether the order comes to as much as is asked for (A21)."""
    if order_fen < least_fen:
        yield Reason(
            code=ReasonCode.ORDER_TOO_SMALL,
            subject="order_amount",
            required=least_fen,
            actual=order_fen,
        )


def judge_shop(benefit: Benefit, shop_id: str) -> Iterator[Reason]:
    """Whether it is had in this shop (I16); without one it is not."""
    if benefit.shop_ids and shop_id not in benefit.shop_ids:
        yield Reason(code=ReasonCode.ITEM_EXCLUDED, subject="shop")


def judge_stock(case: BenefitCase) -> Iterator[Reason]:
    """Whether there is one left for anybody, and from when on there is again (C16)."""
    stock, period = case.benefit.stock, case.stock_period
    if stock and period and case.given >= stock.limit:
        yield Reason(
            code=ReasonCode.STOCK_EXHAUSTED,
            subject="stock",
            required=1,
            actual=0,
            available_from=period.reset_time,
        )


def worth_of(benefit: Benefit, score: int, order_fen: int) -> Value | None:
    """What a benefit is worth: a share of the order, rounded down (X3), or an amount."""
    if share := benefit.rate_off:
        return ShareOff(
            rate_bps=share.rate_bps,
            amount_max_fen=share.amount_max_fen,
            taken_off_fen=share.of(order_fen) if order_fen else None,
        )
    return value_of(benefit.band_of(score))


def value_of(band: AmountBand | None) -> Value | None:
    """What a benefit is worth; None where that is no money."""
    return AmountOff(amount_off_fen=band.amount_off_fen) if band else None


def better_amount(benefit: Benefit, score: int) -> NearMiss | None:
    """How far the score is from the next higher amount; none at the highest."""
    better = benefit.better_band(score)
    if better is None:
        return None
    reason = Reason(
        code=ReasonCode.SCORE_TOO_LOW, subject="score", required=better.score_from, actual=score
    )
    return near_miss_of([reason], value_of(better))
