"""Claims, reads and voids coupons; stock and limits are counted in the commit of the claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.coupon_rules import CouponRules, CouponType
from laurel_benefits.domain.coupons import (
    Coupon,
    CouponCase,
    CouponSource,
    CouponState,
    asks_scoring,
    decide_claim,
    decide_void,
    find_coupon_type,
    make_coupon,
    with_claim_counted,
)
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import CouponId, CouponTypeId, MemberKey, RevisionId
from laurel_benefits.domain.mall_errors import CouponNotFound
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.standings import NOT_ASKED, Sight
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey, answer_once, earlier_answer
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import coupons
from laurel_benefits.storage.holdings import read_holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCoupon:
    """A coupon that is to be claimed."""

    key: WriteKey
    coupon_type_id: CouponTypeId
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCoupon:
    """The decision and, where it is a yes, the coupon."""

    decision: Decision
    coupon: Coupon | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidCoupon:
    """A coupon that is to be taken away."""

    key: WriteKey
    coupon_id: CouponId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidedCoupon:
    """The coupon that was taken away."""

    coupon: Coupon
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCoupons:
    """A page of whose coupons; `before` is the last coupon of the page before."""

    member: MemberKey
    state: CouponState | None
    before: str | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponView:
    """A coupon, and its state as of now."""

    coupon: Coupon
    state: CouponState


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A coupon that somebody gets, and where it comes from."""

    coupon_type: CouponType
    member: MemberKey
    source: CouponSource
    reference: str
    now: datetime
    program_revision: RevisionId


async def claim_coupon(command: ClaimCoupon, *, resources: Resources) -> ClaimedCoupon:
    """Claim a coupon, where the member may. Raises CouponTypeNotFound.

    Scoring is asked before the transaction; stock and limits are decided and counted inside.
    """
    async with resources.database.read() as connection:
        if earlier := await earlier_answer(connection, command.key, ClaimedCoupon):
            return earlier
    member = command.key.member
    revision = await revision_now(member.program_id, resources)
    coupon_type = find_coupon_type(revision.model, command.coupon_type_id)
    rules = rules_of(revision)
    sight = await sight_of(member, rules, coupon_type, resources)

    async def decide(connection: Connection) -> ClaimedCoupon:
        case = CouponCase(
            rules=rules,
            coupon_type=coupon_type,
            sight=sight,
            holdings=await read_holdings(connection, member, resources.clock.now()),
            issued=await coupons.issued_to(connection, member, command.coupon_type_id),
            stock_left=await coupons.stock_left(connection, member.program_id, coupon_type),
            now=resources.clock.now(),
            program_revision=RevisionId(revision.revision_id),
        )
        return await decide_and_give(connection, case, member, give=not command.validate_only)

    if command.validate_only:
        async with resources.database.snapshot() as connection:
            return await decide(connection)
    return await answer_once(command.key, ClaimedCoupon, decide, resources=resources)


async def decide_and_give(
    connection: Connection, case: CouponCase, member: MemberKey, *, give: bool
) -> ClaimedCoupon:
    """Decide, and give the coupon; who finds the stock empty after all is told so."""
    decision = decide_claim(case)
    if not (decision.allowed and give):
        return ClaimedCoupon(decision=with_claim_counted(decision), coupon=None)
    gift = Gift(
        coupon_type=case.coupon_type,
        member=member,
        source=CouponSource.CLAIM,
        reference="",
        now=case.now,
        program_revision=case.program_revision,
    )
    coupon = await give_coupon(connection, gift)
    if coupon is None:
        return ClaimedCoupon(decision=decide_claim(replace(case, stock_left=0)), coupon=None)
    return ClaimedCoupon(decision=with_claim_counted(decision), coupon=coupon)


async def give_coupon(connection: Connection, gift: Gift) -> Coupon | None:
    """Store a coupon with its counters; None, and nothing stored, when none is left.

    The member is locked, and whether he may have it is decided.
    """
    coupon_type, program_id = gift.coupon_type, gift.member.program_id
    if not await coupons.take_from_stock(connection, program_id, coupon_type):
        return None
    coupon = make_coupon(
        coupon_type,
        coupon_id=CouponId(new_id()),
        member=gift.member,
        code="",
        source=gift.source,
        reference=gift.reference,
        now=gift.now,
        program_revision=gift.program_revision,
    )
    if coupon_type.coded:
        coupon = replace(coupon, code=await coupons.take_code(connection, coupon))
    await coupons.insert_coupon(connection, coupon)
    return coupon


async def get_coupon(member: MemberKey, coupon_id: CouponId, *, resources: Resources) -> CouponView:
    """A coupon of a member. Raises CouponNotFound."""
    async with resources.database.read() as connection:
        return view_of(await coupon_of(connection, member, coupon_id), resources.clock.now())


async def list_coupons(query: ListCoupons, *, resources: Resources) -> list[CouponView]:
    """Coupons of a member, the latest first."""
    now = resources.clock.now()
    async with resources.database.read() as connection:
        found = await coupons.list_coupons(
            connection,
            query.member,
            state=query.state,
            now=now,
            before=query.before,
            limit=query.limit,
        )
    return [view_of(coupon, now) for coupon in found]


async def void_coupon(command: VoidCoupon, *, resources: Resources) -> VoidedCoupon:
    """Take a coupon from a member. Raises CouponNotFound, CouponNotAvailable."""
    now = resources.clock.now()

    async def decide(connection: Connection) -> VoidedCoupon:
        coupon = await coupon_of(connection, command.key.member, command.coupon_id)
        voided = decide_void(coupon, reason=command.reason, now=now)
        await coupons.record_coupon(connection, voided)
        return VoidedCoupon(coupon=voided)

    return await answer_once(command.key, VoidedCoupon, decide, resources=resources)


async def coupon_of(connection: Connection, member: MemberKey, coupon_id: CouponId) -> Coupon:
    """The member's coupon of that name. Raises CouponNotFound."""
    coupon = await coupons.find_coupon(connection, member, coupon_id)
    if coupon is None:
        raise CouponNotFound(coupon_id=coupon_id)
    return coupon


async def sight_of(
    member: MemberKey, rules: CouponRules, coupon_type: CouponType, resources: Resources
) -> Sight:
    """The standing a claim looks at, where it looks at one. Never fails because scoring does."""
    if not asks_scoring(rules, coupon_type):
        return NOT_ASKED
    return await see_standing(member, rules.score_model_id, rules.score_source, resources=resources)


def rules_of(revision: Revision[BenefitsProgram]) -> CouponRules:
    """What all coupons have in common, of a program that has one."""
    assert revision.model.coupons is not None, "a coupon was found in them"
    return revision.model.coupons


def view_of(coupon: Coupon, now: datetime) -> CouponView:
    """A coupon as of now."""
    return CouponView(coupon=coupon, state=coupon.state_at(now))
