"""Coupons of members: whether one may be claimed, and what becomes of it (M8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.coupon_rules import CouponRules, CouponTerms, CouponType
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
from laurel_benefits.domain.ids import CouponId, CouponTypeId, MemberKey, OrderId, RevisionId
from laurel_benefits.domain.mall_errors import CouponNotAvailable, CouponTypeNotFound
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import Sight


class CouponState(StrEnum):
    """Whether a coupon can be used."""

    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    REDEEMED = "REDEEMED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class CouponSource(StrEnum):
    """How a member got a coupon."""

    CLAIM = "claim"
    ISSUE = "issue"
    MALL = "mall"
    LOTTERY = "lottery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A coupon of a member."""

    coupon_id: CouponId
    member: MemberKey
    coupon_type_id: CouponTypeId
    terms: CouponTerms
    code: str
    source: CouponSource
    reference: str
    issue_time: datetime
    expire_time: datetime
    program_revision: RevisionId
    state: CouponState = CouponState.AVAILABLE
    order_id: OrderId | None = None
    void_reason: str = ""

    def state_at(self, instant: datetime) -> CouponState:
        """Its state, with the end of its time: that needs no row to be changed."""
        over = self.state is CouponState.AVAILABLE and instant >= self.expire_time
        return CouponState.EXPIRED if over else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponCase:
    """A coupon to be claimed, what is known of the member and of the stock, and the moment."""

    rules: CouponRules
    coupon_type: CouponType
    sight: Sight
    holdings: Holdings
    issued: int
    """How many the member ever got."""
    stock_left: int | None
    """How many there still are; None where that is not limited."""
    now: datetime
    program_revision: RevisionId

    @property
    def asks_scoring(self) -> bool:
        """Whether score, credit or profile decide on it."""
        return asks_scoring(self.rules, self.coupon_type)


def asks_scoring(rules: CouponRules, coupon_type: CouponType) -> bool:
    """Whether a claim looks at a standing."""
    return rules.claim_gate.asks_scoring or coupon_type.gate.asks_scoring


def decide_claim(case: CouponCase) -> Decision:
    """Whether a member may claim a coupon now, with every reason against it."""
    reasons = (
        *judge_risk(case.holdings.risk, case.now),
        *judge_claim(case),
        *judge_limits(case.coupon_type, issued=case.issued, stock_left=case.stock_left),
    )
    unknown = case.asks_scoring and case.sight.standing is None
    return Decision(
        allowed=not reasons and not unknown,
        reasons=with_degraded(reasons, case.sight),
        quota=quota_of(case),
        value=None,
        evidence=evidence_of(
            case.sight, None, case.now, risk_state=risk_at(case.holdings.risk, case.now)
        ),
        near_miss=None if unknown else near_miss_of(reasons, None),
        degraded=case.sight.degraded,
        program_revision=case.program_revision,
    )


def judge_claim(case: CouponCase) -> Iterator[Reason]:
    """What speaks against a claim by window and gates: that of all coupons, and its own."""
    wanted, plans = case.coupon_type, [each.plan_id for each in case.holdings.running]
    if not wanted.claimable:
        yield Reason(code=ReasonCode.NOT_CLAIMABLE, subject="coupon")
    yield from judge_gate(case.rules.claim_gate, case.sight.standing, plans)
    yield from judge_gate(wanted.gate, case.sight.standing, plans)
    if wanted.claim_start_time and case.now < wanted.claim_start_time:
        yield Reason(
            code=ReasonCode.OUTSIDE_WINDOW,
            subject="window",
            available_from=wanted.claim_start_time,
        )
    if wanted.claim_end_time and case.now >= wanted.claim_end_time:
        yield Reason(code=ReasonCode.OUTSIDE_WINDOW, subject="window")


def judge_limits(
    coupon_type: CouponType, *, issued: int, stock_left: int | None
) -> Iterator[Reason]:
    """Whether the member may get another one, and whether there is one."""
    limit = coupon_type.per_member_max
    if limit is not None and issued >= limit:
        yield Reason(code=ReasonCode.QUOTA_USED, subject="quota", required=1)
    if stock_left is not None and stock_left <= 0:
        yield Reason(code=ReasonCode.STOCK_EXHAUSTED, subject="stock", required=1)


def judge_gift(
    coupon_type: CouponType,
    risk: MemberRisk | None,
    *,
    issued: int,
    stock_left: int | None,
    now: datetime,
) -> Reason | None:
    """The first reason why a member may not even be given a coupon; no gate is asked."""
    reasons = (
        *judge_risk(risk, now),
        *judge_limits(coupon_type, issued=issued, stock_left=stock_left),
    )
    return reasons[0] if reasons else None


def quota_of(case: CouponCase) -> Quota | None:
    """What the member's own limit has left; None where there is none."""
    limit = case.coupon_type.per_member_max
    return None if limit is None else Quota(limit=limit, used=case.issued, reset_time=None)


def with_claim_counted(decision: Decision) -> Decision:
    """The decision as its answer is given: the quota counts the coupon that was allowed."""
    if decision.quota is None or not decision.allowed:
        return decision
    return replace(decision, quota=replace(decision.quota, used=decision.quota.used + 1))


def make_coupon(
    coupon_type: CouponType,
    *,
    coupon_id: CouponId,
    member: MemberKey,
    code: str,
    source: CouponSource,
    reference: str,
    now: datetime,
    program_revision: RevisionId,
) -> Coupon:
    """A coupon of a member, with the terms of now."""
    return Coupon(
        coupon_id=coupon_id,
        member=member,
        coupon_type_id=coupon_type.coupon_type_id,
        terms=coupon_type.terms,
        code=code,
        source=source,
        reference=reference,
        issue_time=now,
        expire_time=now + coupon_type.lifetime,
        program_revision=program_revision,
    )


def decide_void(coupon: Coupon, *, reason: str, now: datetime) -> Coupon:
    """The coupon taken away. Raises CouponNotAvailable."""
    check_available(coupon, now)
    return replace(coupon, state=CouponState.VOIDED, void_reason=reason)


def decide_reservation(coupon: Coupon, order_id: OrderId, now: datetime) -> Coupon:
    """The coupon set aside for an order. Raises CouponNotAvailable."""
    if coupon.state is CouponState.RESERVED and coupon.order_id == order_id:
        return coupon
    check_available(coupon, now)
    return replace(coupon, state=CouponState.RESERVED, order_id=order_id)


def decide_redemption(coupon: Coupon, order_id: OrderId, now: datetime) -> Coupon:
    """The coupon used in an order. Raises CouponNotAvailable.

    What was reserved in time is used even when its time has passed since.
    """
    if coupon.state in {CouponState.RESERVED, CouponState.REDEEMED}:
        if coupon.order_id != order_id:
            raise CouponNotAvailable(coupon_id=coupon.coupon_id, state=coupon.state)
    else:
        check_available(coupon, now)
    return replace(coupon, state=CouponState.REDEEMED, order_id=order_id)


def decide_release(coupon: Coupon, order_id: OrderId) -> Coupon:
    """The coupon given back by an order, reserved or used (M10); of another order it stays."""
    held = coupon.state in {CouponState.RESERVED, CouponState.REDEEMED}
    if not held or coupon.order_id != order_id:
        return coupon
    return replace(coupon, state=CouponState.AVAILABLE, order_id=None)


def check_available(coupon: Coupon, now: datetime) -> None:
    """Refuse a coupon that cannot be used. Raises CouponNotAvailable."""
    state = coupon.state_at(now)
    if state is not CouponState.AVAILABLE:
        raise CouponNotAvailable(coupon_id=coupon.coupon_id, state=state)


def find_coupon_type(program: BenefitsProgram, coupon_type_id: CouponTypeId) -> CouponType:
    """The coupon of that name. Raises CouponTypeNotFound."""
    if program.coupons and (found := program.coupons.types.get(coupon_type_id)):
        return found
    raise CouponTypeNotFound(coupon_type_id=coupon_type_id)
