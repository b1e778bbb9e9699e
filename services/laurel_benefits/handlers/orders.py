"""Completes orders: the decision is stored before anything is paid or told, then carried out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_kit import requests
from laurel_kit.database import Connection

from laurel_benefits.domain.drafts import OrderDraft, check_order, with_defaults
from laurel_benefits.domain.errors import OrderCompleted, OrderNotFound, OrderReserved
from laurel_benefits.domain.ids import MemberKey, OrderId, OrderKey, RequestId, RevisionId
from laurel_benefits.domain.names import name_of
from laurel_benefits.domain.orders import (
    Earned,
    Grant,
    GrantKind,
    GrantState,
    Order,
    Share,
    Telling,
)
from laurel_benefits.domain.reservations import Checkout, decide_completion_of
from laurel_benefits.domain.returns import OrderReturn
from laurel_benefits.domain.rooms import Counted, given_back, net_of
from laurel_benefits.domain.velocities import counted_speed
from laurel_benefits.handlers.carrying_out import carry_out
from laurel_benefits.handlers.earning import EarningCase, decide_earning
from laurel_benefits.handlers.merchant_campaigns import charge_merchants
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import checkouts, earning, memberships, orders, returns
from laurel_benefits.storage.members import lock_member, next_fact_position
from laurel_benefits.storage.risks import latest_risk

METHOD = "CompleteOrder"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteOrder:
    """An order that is delivered."""

    member: MemberKey
    request_id: RequestId
    order_id: OrderId
    draft: OrderDraft | None
    """The order told whole; None where it was reserved and paid here."""
    complete_time: datetime | None
    """When it was delivered; None means now."""
    fingerprint: bytes
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedOrder:
    """The order, and whether an earlier, equal request decided it."""

    order: Order
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrder:
    """What is known of an order: its completion, its reservation, or both, and what went back."""

    order: Order | None
    checkout: Checkout | None
    returns: tuple[OrderReturn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What an order earns and by which revision."""

    draft: OrderDraft
    complete_time: datetime
    earned: Earned
    grant_delay: timedelta
    program_revision: RevisionId
    freed: tuple[Counted, ...]
    """What its reservation had counted, which is given back."""
    speed: tuple[Counted, ...]
    """What it counts against limits of speed."""


async def complete_order(command: CompleteOrder, *, resources: Resources) -> CompletedOrder:
    """Decide what the order earns, pay it and tell scoring.

    Once stored, the decision is carried out whatever happens: by this call, by a repeat of it, or
    by the relay. Raises DependencyDown while the ledger does not answer.
    """
    now = resources.clock.now()
    if command.validate_only:
        return await preview(command, now, resources)

    async def work(connection: Connection) -> CompletedOrder:
        return await decide_and_store(connection, command, now, resources)

    completed = await resources.database.transact(work)
    order = await carry_out(completed.order, resources=resources)
    return replace(completed, order=order)


async def get_order(key: OrderKey, *, resources: Resources) -> KnownOrder:
    """How far an order is, what it earned and how far that is carried out. Raises OrderNotFound."""
    async with resources.database.snapshot() as connection:
        known = KnownOrder(
            order=await orders.find_order(connection, key),
            checkout=await checkouts.find_checkout(connection, key),
            returns=await returns.returns_of(connection, key),
        )
    if known.order is None and known.checkout is None:
        raise OrderNotFound(order_id=key.order_id)
    return known


async def preview(command: CompleteOrder, now: datetime, resources: Resources) -> CompletedOrder:
    """What the order would earn now; nothing is stored."""
    async with resources.database.snapshot() as connection:
        checkout = await checkouts.find_checkout(connection, key_of(command))
        decided = await decide(connection, command, checkout, now, resources)
    telling = Telling(activity_id=name_of(key_of(command), "purchase"), position=0)
    return CompletedOrder(order=order_of(command, decided, telling, now))


async def decide_and_store(
    connection: Connection, command: CompleteOrder, now: datetime, resources: Resources
) -> CompletedOrder:
    """One transaction: the decision, the ids of everything it entails, and the cap's counter."""
    member, key = command.member, key_of(command)
    await lock_member(connection, member, now=now)
    earlier = await requests.earlier(
        connection,
        program_id=member.program_id,
        member_id=member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=OrderKey,
    )
    stored = await orders.find_order(connection, earlier or key)
    if earlier and stored:
        return CompletedOrder(order=stored, replayed=True)
    if stored:
        raise OrderCompleted(order_id=key.order_id)
    checkout = await checkouts.find_checkout(connection, key)
    decided = await decide(connection, command, checkout, now, resources)
    if checkout and not checkout.ended:
        completed = decide_completion_of(checkout)
        await checkouts.update_checkout(connection, completed, attempt_time=None)
    position = await next_fact_position(connection, member)
    telling = Telling(activity_id=name_of(key_of(command), "purchase"), position=position)
    order = order_of(command, decided, telling, now)
    await record(connection, command, order, decided, resources)
    return CompletedOrder(order=order)


def draft_of(command: CompleteOrder, checkout: Checkout | None) -> OrderDraft:
    """The order that is delivered: as it is told, or what is left of it as it was reserved.

    Raises OrderReserved for a reserved one that is told again, OrderNotFound, OrderNotCommitted.
    A reservation that came to nothing says nothing of an order that is told whole.
    """
    if command.draft is None:
        if checkout is None:
            raise OrderNotFound(order_id=command.order_id)
        decide_completion_of(checkout)
        return checkout.paid.draft_left()
    if checkout is not None and not checkout.ended:
        raise OrderReserved(order_id=command.order_id)
    return command.draft


async def decide(
    connection: Connection,
    command: CompleteOrder,
    checkout: Checkout | None,
    now: datetime,
    resources: Resources,
) -> Decided:
    """Gather the rules and the membership of the order, and decide what it earns."""
    told = draft_of(command, checkout)
    freed = checkout.paid.counted_left if checkout and not checkout.ended else ()
    complete_time = command.complete_time or now
    revision = await resources.programs.at(connection, command.member.program_id, complete_time)
    vocabulary = revision.model.vocabulary
    draft = with_defaults(told, vocabulary)
    check_order(
        draft,
        vocabulary,
        program_id=command.member.program_id,
        complete_time=complete_time,
        now=now,
        clock_skew_max=resources.limits.clock_skew_max,
    )
    case = EarningCase(
        member=command.member,
        draft=draft,
        complete_time=complete_time,
        revision=revision,
        risk=await latest_risk(connection, command.member),
        freed=freed,
    )
    earned = await decide_earning(connection, case, now, locking=not command.validate_only)
    return Decided(
        draft=draft,
        complete_time=complete_time,
        earned=earned,
        grant_delay=revision.model.earning.grant_delay,
        program_revision=RevisionId(revision.revision_id),
        freed=freed,
        speed=tuple(counted_speed(case.velocity, now)),
    )


async def record(
    connection: Connection,
    command: CompleteOrder,
    order: Order,
    decided: Decided,
    resources: Resources,
) -> None:
    """Store the order, count what it earned instead of what it had reserved, and remember."""
    earned = decided.earned
    attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
    await orders.insert_order(connection, order, attempt_time=attempt_time)
    if order.membership_id and earned.rebate_points:
        await memberships.count_rebate(
            connection, order.member, order.membership_id, earned.rebate_points
        )
    counted = net_of((*given_back(decided.freed), *order.counted, *decided.speed))
    await earning.count_points(connection, order.member, counted)
    await charge_merchants(connection, order, earned)
    await requests.remember(
        connection,
        program_id=order.member.program_id,
        member_id=order.member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=key_of(command),
    )


def order_of(command: CompleteOrder, decided: Decided, telling: Telling, now: datetime) -> Order:
    """The order as it is stored: everything decided, nothing carried out."""
    return Order(
        member=command.member,
        draft=decided.draft,
        complete_time=decided.complete_time,
        line_earnings=decided.earned.lines,
        grants=tuple(grant_of(command, share, decided.earned) for share in decided.earned.shares),
        telling=telling,
        membership_id=decided.earned.membership_id,
        program_revision=decided.program_revision,
        create_time=now,
        grant_time=decided.complete_time + decided.grant_delay,
        grants_due=decided.complete_time + decided.grant_delay <= now,
        counted=decided.earned.counted_for_good,
    )


def grant_of(command: CompleteOrder, share: Share, earned: Earned) -> Grant:
    """A posting with its request id, before it is posted; a trial's rebate is frozen (F13)."""
    frozen = earned.rebate_frozen and share.kind is GrantKind.REBATE
    return Grant(
        kind=share.kind,
        asset_id=share.asset_id,
        funding_account_id=share.funding_account_id,
        points=share.points,
        ledger_request_id=RequestId(name_of(key_of(command), purpose_of(share))),
        campaign_id=share.campaign_id,
        state=GrantState.FROZEN if frozen else GrantState.PENDING,
    )


def purpose_of(share: Share) -> str:
    """What a grant is for, which is part of its name."""
    return f"{share.kind}/{share.campaign_id}" if share.campaign_id else share.kind


def key_of(command: CompleteOrder) -> OrderKey:
    """The name of the order."""
    return OrderKey(member=command.member, order_id=command.order_id)
