"""Redeems rewards and takes them back: everything is set aside first, then the points move (M3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.calendar import business_day
from laurel_kit.database import Connection, LostRace
from laurel_kit.ids import new_id
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.coupons import (
    Coupon,
    CouponSource,
    decide_release,
    decide_reservation,
    decide_void,
    find_coupon_type,
)
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import (
    MemberKey,
    OrderId,
    RedemptionId,
    RevisionId,
    RewardId,
)
from laurel_benefits.domain.mall import (
    Redemption,
    RedemptionState,
    RewardCase,
    check_cancellable,
    check_price,
    decide_reward,
    find_reward,
    refused_decision,
)
from laurel_benefits.domain.mall_errors import RedemptionNotFound
from laurel_benefits.domain.mall_rules import MallReward, MallRules
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.handlers.coupons import Gift, coupon_of, give_coupon
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.rewards import MallScene, counter_of, reward_case, scene_of
from laurel_benefits.storage import counters, coupons, redemptions

CONFIRM_END = "redemption-confirm-end"
"""The timer that falls due when a redemption can be confirmed no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemReward:
    """A reward that is wanted, at the price the member was told."""

    key: WriteKey
    reward_id: RewardId
    price_points: int
    price_fen: int
    payment_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedReward:
    """The decision and, where it was a yes, the redemption."""

    decision: Decision
    redemption: Redemption | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRedemption:
    """A reward that is to be given back."""

    key: WriteKey
    redemption_id: RedemptionId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledRedemption:
    """The redemption that was given back."""

    redemption: Redemption
    replayed: bool = False


async def redeem_reward(command: RedeemReward, *, resources: Resources) -> RedeemedReward:
    """Give a reward for points. Raises RewardNotFound, RewardPriceChanged, DependencyDown.

    Stock, limits and coupon are set aside with the decision; the points are spent after it, by this
    call, by a repeat of it, or by the relay.
    """
    member = command.key.member
    revision = await revision_now(member.program_id, resources)
    reward = find_reward(revision.model, command.reward_id)
    scene = await scene_of(member, [reward], revision, resources)

    async def decide(connection: Connection) -> RedeemedReward:
        check_price(reward, price_points=command.price_points, price_fen=command.price_fen)
        case = await reward_case(connection, reward, scene)
        return await decide_and_set_aside(connection, command, case, scene, resources)

    answer = await answer_once(command.key, RedeemedReward, decide, resources=resources)
    if answer.redemption is None:
        return answer
    current = await finished(answer.redemption, resources)
    return replace(answer, redemption=current, decision=refused_decision(answer.decision, current))


async def decide_and_set_aside(
    connection: Connection,
    command: RedeemReward,
    case: RewardCase,
    scene: MallScene,
    resources: Resources,
) -> RedeemedReward:
    """Decide, and store the redemption with its posting and all that is set aside for it."""
    decision = decide_reward(case)
    if not decision.allowed:
        return RedeemedReward(decision=decision, redemption=None)
    reward, now = case.reward, case.now
    lifetime, confirm = reward.cancel_lifetime, reward.confirm_lifetime
    redemption = Redemption(
        redemption_id=RedemptionId(new_id()),
        member=command.key.member,
        reward_id=reward.reward_id,
        price_points=reward.price_points,
        price_fen=reward.price_fen,
        payment_reference=command.payment_reference,
        coupon_id=None,
        asset_id=reward.asset_id,
        ledger_request_id=new_posting_id(),
        day_key=business_day(now, scene.revision.time_zone).isoformat(),
        redeem_time=now,
        cancel_end_time=None if lifetime is None else now + lifetime,
        confirm_end_time=None if confirm is None else now + confirm,
        program_revision=case.program_revision,
    )
    redemption = await set_aside(connection, redemption, reward, scene.revision)
    await redemptions.record_redemption(connection, redemption)
    await store_posting(connection, spending_of(redemption, scene.mall), resources)
    return RedeemedReward(decision=decision, redemption=redemption)


async def set_aside(
    connection: Connection,
    redemption: Redemption,
    reward: MallReward,
    revision: Revision[BenefitsProgram],
) -> Redemption:
    """Count it to the member and the stock, and set its coupon aside.

    Who finds a limit reached after all decides again.
    """
    member, counter = redemption.member, counter_of(reward.reward_id)
    await counters.count_member(connection, member, counter)
    await counters.count_member(connection, member, counter, redemption.day_key)
    if reward.coupon_type_id:
        gift = Gift(
            coupon_type=find_coupon_type(revision.model, reward.coupon_type_id),
            member=member,
            source=CouponSource.MALL,
            reference=redemption.redemption_id,
            now=redemption.redeem_time,
            program_revision=RevisionId(revision.revision_id),
        )
        coupon = await give_coupon(connection, gift)
        if coupon is None:
            raise LostRace
        held = decide_reservation(coupon, hold_of(redemption), redemption.redeem_time)
        await coupons.record_coupon(connection, held)
        redemption = replace(redemption, coupon_id=coupon.coupon_id)
    taken = await counters.count_program(connection, member.program_id, counter, limit=reward.stock)
    if not taken:
        raise LostRace
    return redemption


async def conclude_redemption(
    connection: Connection, posting: Posting, resources: Resources
) -> None:
    """The reward is the member's once the points are spent; otherwise nothing stays set aside."""
    redemption = await redemption_of(connection, posting.member, RedemptionId(posting.source_id))
    coupon = await set_aside_coupon(connection, redemption)
    if posting.state is GrantState.POSTED:
        if coupon:
            await coupons.record_coupon(connection, decide_release(coupon, hold_of(redemption)))
        concluded = replace(redemption, state=RedemptionState.REDEEMED)
        if concluded.confirm_end_time is not None:
            await schedule_end(connection, concluded, resources)
    else:
        if coupon:
            await coupons.take_back(connection, coupon)
        await give_back(connection, redemption)
        concluded = replace(
            redemption, state=RedemptionState.REFUSED, refusal=posting.refusal, coupon_id=None
        )
    await redemptions.record_redemption(connection, concluded)


async def cancel_redemption(
    command: CancelRedemption, *, resources: Resources
) -> CancelledRedemption:
    """Take a reward back: coupon, points and stock.

    Raises RedemptionNotFound, RedemptionNotCancellable, CouponNotAvailable, DependencyDown.
    """
    now, member = resources.clock.now(), command.key.member

    async def decide(connection: Connection) -> CancelledRedemption:
        redemption = await redemption_of(connection, member, command.redemption_id)
        check_cancellable(redemption, now)
        cancelled, reversal = await take_back(connection, redemption, command.reason, now)
        await store_posting(connection, reversal, resources)
        await cancel_end(connection, cancelled, resources)
        return CancelledRedemption(redemption=cancelled)

    answer = await answer_once(command.key, CancelledRedemption, decide, resources=resources)
    return replace(answer, redemption=await finished(answer.redemption, resources))


async def take_back(
    connection: Connection, redemption: Redemption, reason: str, now: datetime
) -> tuple[Redemption, Posting]:
    """Take a reward back: its coupon, its part of limits and stock. The posting restores its
    points. Raises CouponNotAvailable.
    """
    if redemption.coupon_id:
        coupon = await coupon_of(connection, redemption.member, redemption.coupon_id)
        voided = decide_void(coupon, reason=reason, now=now)
        await coupons.record_coupon(connection, voided)
    cancelled = replace(redemption, state=RedemptionState.CANCELLED, cancel_reason=reason)
    await redemptions.record_redemption(connection, cancelled)
    await give_back(connection, cancelled)
    return cancelled, replace(restoring_of(cancelled), effective_time=now, reason=reason)


async def schedule_end(
    connection: Connection, redemption: Redemption, resources: Resources
) -> None:
    """Have the redemption given back when it is not confirmed in its time."""
    assert redemption.confirm_end_time is not None, "it has to be confirmed"
    await resources.timers.schedule(
        connection,
        kind=CONFIRM_END,
        key=redemption.redemption_id,
        due_time=redemption.confirm_end_time,
        program_id=redemption.member.program_id,
        member_id=redemption.member.member_id,
    )


async def cancel_end(connection: Connection, redemption: Redemption, resources: Resources) -> None:
    """Have it left alone: it is confirmed, or given back before."""
    if redemption.confirm_end_time is None:
        return
    await resources.timers.cancel(
        connection,
        kind=CONFIRM_END,
        key=redemption.redemption_id,
        program_id=redemption.member.program_id,
        member_id=redemption.member.member_id,
    )


async def give_back(connection: Connection, redemption: Redemption) -> None:
    """Give a redemption back to the limits of its member and to the stock."""
    member, counter = redemption.member, counter_of(redemption.reward_id)
    await counters.count_member(connection, member, counter, amount=-1)
    await counters.count_member(connection, member, counter, redemption.day_key, amount=-1)
    await counters.count_program(connection, member.program_id, counter, amount=-1)


async def finished(redemption: Redemption, resources: Resources) -> Redemption:
    """The redemption as it is once its postings are made. Raises DependencyDown."""
    member, source_id = redemption.member, redemption.redemption_id
    conclusions = {PostingSource.REDEMPTION: conclude_redemption}
    await carry_out(member, source_id, conclusions, resources=resources)
    async with resources.database.read() as connection:
        return await redemption_of(connection, member, source_id)


async def redemption_of(
    connection: Connection, member: MemberKey, redemption_id: RedemptionId
) -> Redemption:
    """The member's redemption of that name. Raises RedemptionNotFound."""
    found = await redemptions.find_redemption(connection, member, redemption_id)
    if found is None:
        raise RedemptionNotFound(redemption_id=redemption_id)
    return found


async def set_aside_coupon(connection: Connection, redemption: Redemption) -> Coupon | None:
    """The coupon that is set aside for a redemption."""
    if redemption.coupon_id is None:
        return None
    return await coupon_of(connection, redemption.member, redemption.coupon_id)


def hold_of(redemption: Redemption) -> OrderId:
    """What a coupon is set aside for until the points are spent."""
    return OrderId(redemption.redemption_id)


def spending_of(redemption: Redemption, mall: MallRules) -> Posting:
    """The posting that spends the points."""
    return Posting(
        member=redemption.member,
        ledger_request_id=redemption.ledger_request_id,
        source=PostingSource.REDEMPTION,
        source_id=redemption.redemption_id,
        effect=PostingEffect.SPEND,
        asset_id=redemption.asset_id,
        amount=redemption.price_points,
        account_id=mall.redemption_account_id,
        effective_time=redemption.redeem_time,
        reason=f"reward {redemption.reward_id}",
        program_revision=redemption.program_revision,
    )


def restoring_of(redemption: Redemption) -> Posting:
    """The posting that gives the points back to their lots."""
    return Posting(
        member=redemption.member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.CANCELLATION,
        source_id=redemption.redemption_id,
        effect=PostingEffect.REVERSAL,
        asset_id=redemption.asset_id,
        amount=redemption.price_points,
        account_id="",
        effective_time=redemption.redeem_time,
        reason="",
        program_revision=redemption.program_revision,
        reversed_request_id=redemption.ledger_request_id,
    )
