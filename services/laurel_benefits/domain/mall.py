"""The mall: what points buy, who may have it, and what becomes of it (M3, M4, E10, E26)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.decisions import (
    Decision,
    Quota,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.gates import judge_gate, judge_risk
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import (
    CouponId,
    MemberKey,
    RedemptionId,
    RequestId,
    RevisionId,
    RewardId,
)
from laurel_benefits.domain.mall_errors import (
    RedemptionNotCancellable,
    RedemptionNotConfirmable,
    RewardNotFound,
    RewardPriceChanged,
)
from laurel_benefits.domain.mall_rules import MallReward
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import risk_at
from laurel_benefits.domain.standings import Sight


class RedemptionState(StrEnum):
    """How far a redemption is."""

    PENDING = "PENDING"
    REDEEMED = "REDEEMED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A reward that was had."""

    redemption_id: RedemptionId
    member: MemberKey
    reward_id: RewardId
    price_points: int
    price_fen: int
    payment_reference: str
    coupon_id: CouponId | None
    asset_id: str
    ledger_request_id: RequestId
    day_key: str
    """The business day whose limit it counts in."""
    redeem_time: datetime
    cancel_end_time: datetime | None
    program_revision: RevisionId
    state: RedemptionState = RedemptionState.PENDING
    refusal: str = ""
    cancel_reason: str = ""
    confirm_end_time: datetime | None = None
    """Until when it has to be confirmed; None where it has not (J5)."""
    confirm_time: datetime | None = None

    @property
    def unconfirmed(self) -> bool:
        """Whether it is the member's, and still has to be confirmed."""
        waits = self.confirm_end_time is not None and self.confirm_time is None
        return waits and self.state is RedemptionState.REDEEMED


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardCase:
    """A reward, what is known of the member and of the stock, and the moment."""

    reward: MallReward
    sight: Sight
    holdings: Holdings
    had: int
    had_today: int
    stock_left: int | None
    day_end: datetime
    now: datetime
    program_revision: RevisionId


def find_reward(program: BenefitsProgram, reward_id: RewardId) -> MallReward:
    """The reward of that name. Raises RewardNotFound."""
    if program.mall and (found := program.mall.rewards.get(reward_id)):
        return found
    raise RewardNotFound(reward_id=reward_id)


def decide_reward(case: RewardCase) -> Decision:
    """Whether a member may have a reward now, points apart, with every reason against it."""
    reasons = (
        *judge_risk(case.holdings.risk, case.now),
        *judge_gate(
            case.reward.gate,
            case.sight.standing,
            [each.plan_id for each in case.holdings.running],
        ),
        *judge_reward_limits(case),
    )
    unknown = case.reward.gate.asks_scoring and case.sight.standing is None
    limit = case.reward.per_member_max
    return Decision(
        allowed=not reasons and not unknown,
        reasons=with_degraded(reasons, case.sight),
        quota=None if limit is None else Quota(limit=limit, used=case.had, reset_time=None),
        value=None,
        evidence=evidence_of(
            case.sight, None, case.now, risk_state=risk_at(case.holdings.risk, case.now)
        ),
        near_miss=None if unknown else near_miss_of(reasons, None),
        degraded=case.sight.degraded,
        program_revision=case.program_revision,
    )


def judge_reward_limits(case: RewardCase) -> Iterator[Reason]:
    """What speaks against it by the member's limits and the stock (M4)."""
    reward = case.reward
    if reward.per_member_max is not None and case.had >= reward.per_member_max:
        yield Reason(code=ReasonCode.QUOTA_USED, subject="quota", required=1)
    if reward.per_member_daily_max is not None and case.had_today >= reward.per_member_daily_max:
        yield Reason(
            code=ReasonCode.QUOTA_USED, subject="day", required=1, available_from=case.day_end
        )
    if case.stock_left is not None and case.stock_left <= 0:
        yield Reason(code=ReasonCode.STOCK_EXHAUSTED, subject="stock", required=1)


def check_price(reward: MallReward, *, price_points: int, price_fen: int) -> None:
    """Refuse a price that is not the one the member was told. Raises RewardPriceChanged."""
    if (reward.price_points, reward.price_fen) != (price_points, price_fen):
        raise RewardPriceChanged(
            reward_id=reward.reward_id,
            price_points=reward.price_points,
            price_fen=reward.price_fen,
        )


def refused_decision(decision: Decision, redemption: Redemption) -> Decision:
    """The decision as it is once the ledger has refused the points."""
    if redemption.state is not RedemptionState.REFUSED:
        return decision
    return without_points(decision, asset_id=redemption.asset_id, points=redemption.price_points)


def without_points(decision: Decision, *, asset_id: str, points: int) -> Decision:
    """A yes that the ledger has turned into a no, because the points cannot be spent."""
    reason = Reason(code=ReasonCode.BALANCE_TOO_LOW, subject=asset_id, required=points)
    return replace(decision, allowed=False, reasons=(reason,))


def check_cancellable(redemption: Redemption, now: datetime) -> None:
    """Refuse to take back what cannot be given back. Raises RedemptionNotCancellable."""
    end = redemption.cancel_end_time
    kept = redemption.state is RedemptionState.REDEEMED and redemption.confirm_time is None
    if not kept or end is None or now >= end:
        raise RedemptionNotCancellable(
            redemption_id=redemption.redemption_id, state=redemption.state, cancel_end_time=end
        )


def decide_confirmation(redemption: Redemption, now: datetime) -> Redemption:
    """The redemption that the member keeps (J5). Raises RedemptionNotConfirmable."""
    end = redemption.confirm_end_time
    if redemption.confirm_time is not None:
        return redemption
    if not redemption.unconfirmed or end is None or now >= end:
        raise RedemptionNotConfirmable(
            redemption_id=redemption.redemption_id, state=redemption.state, confirm_end_time=end
        )
    return replace(redemption, confirm_time=now)
