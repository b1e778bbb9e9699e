"""Quotes, sells and shows memberships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.ids import new_id

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.errors import MembershipNotFound, QuoteNotFound
from laurel_benefits.domain.ids import (
    MemberKey,
    MembershipId,
    PlanId,
    QuoteId,
    RequestId,
    RevisionId,
)
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipState,
    Quote,
    decide_purchase,
    decide_quote,
    find_sold,
    make_quote,
)
from laurel_benefits.domain.trials import TakeOver, open_trial, take_over
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.handlers.trial_ends import cancel_forfeit
from laurel_benefits.storage import frozen_rebates, memberships
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

QUOTE_METHOD = "QuoteMembership"
PURCHASE_METHOD = "PurchaseMembership"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteMembership:
    """Which membership a price is wanted for."""

    member: MemberKey
    request_id: RequestId
    plan_id: PlanId
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedMembership:
    """The decision and, where it is a yes, the quote."""

    decision: Decision
    quote: Quote | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseMembership:
    """A purchase that was paid."""

    member: MemberKey
    request_id: RequestId
    quote_id: QuoteId
    payment_reference: str
    fingerprint: bytes
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasedMembership:
    """The membership that was bought, and how it stood then."""

    membership: Membership
    state: MembershipState
    replayed: bool = False


async def quote_membership(command: QuoteMembership, *, resources: Resources) -> QuotedMembership:
    """Decide whether a member may buy a membership, and keep the price.

    Raises PlanNotFound, PlanKindMismatch.
    """
    async with resources.database.read() as connection:
        if earlier := await earlier_quote(connection, command):
            return earlier
    decision, quote = await price_now(command, resources)
    now = resources.clock.now()

    async def work(connection: Connection) -> QuotedMembership:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_quote(connection, command):
            return earlier
        if quote:
            await memberships.insert_quote(connection, quote)
        answer = QuotedMembership(decision=decision, quote=quote)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=QUOTE_METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


async def price_now(
    command: QuoteMembership, resources: Resources
) -> tuple[Decision, Quote | None]:
    """The decision with what scoring says now; no transaction is open while it is asked."""
    member, now = command.member, resources.clock.now()
    async with resources.database.read() as connection:
        revision = await resources.programs.at(connection, member.program_id, now)
        running = await memberships.running_memberships(connection, member, now)
        risk = await latest_risk(connection, member)
    plan = find_sold(revision.model, command.plan_id)
    sight = await see_standing(member, plan.score_model_id, plan.score_source, resources=resources)
    decision = decide_quote(
        plan,
        sight,
        running_plans=[each.plan_id for each in running],
        risk=risk,
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    quote = make_quote(
        decision,
        plan,
        quote_id=QuoteId(new_id()),
        member=member,
        zone=revision.time_zone,
        now=now,
    )
    return decision, quote


async def earlier_quote(
    connection: Connection, command: QuoteMembership
) -> QuotedMembership | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=QUOTE_METHOD,
        fingerprint=command.fingerprint,
        answer=QuotedMembership,
    )
    return replace(earlier, replayed=True) if earlier else None


async def purchase_membership(
    command: PurchaseMembership, *, resources: Resources
) -> PurchasedMembership:
    """Start a term by a quote, at its price and terms.

    Raises QuoteNotFound, MemberBlocked, QuoteUsed, QuoteExpired, MembershipActive.
    """
    now = resources.clock.now()
    if command.validate_only:
        async with resources.database.snapshot() as connection:
            purchase = await decide(connection, command, MembershipId(""), now)
        return answer_of(purchase, now)

    async def work(connection: Connection) -> PurchasedMembership:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_purchase(connection, command):
            return earlier
        purchase = await decide(connection, command, MembershipId(new_id()), now)
        answer = answer_of(purchase, now)
        await memberships.insert_membership(connection, answer.membership)
        if purchase.take_over:
            await release(connection, purchase.take_over, now, resources)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=PURCHASE_METHOD,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What is bought, and what becomes of an open trial thereby."""

    membership: Membership
    take_over: TakeOver | None


def answer_of(purchase: Purchase, now: datetime) -> PurchasedMembership:
    """The membership that is bought, with what it takes over."""
    bought = purchase.take_over.bought if purchase.take_over else purchase.membership
    return PurchasedMembership(membership=bought, state=bought.state_at(now))


async def decide(
    connection: Connection,
    command: PurchaseMembership,
    membership_id: MembershipId,
    now: datetime,
) -> Purchase:
    """Gather the quote, the member's memberships and the judgement, and decide."""
    quote = await memberships.find_quote(connection, command.member, command.quote_id)
    if quote is None:
        raise QuoteNotFound(quote_id=command.quote_id)
    held = await memberships.all_memberships(connection, command.member)
    bought = decide_purchase(
        quote,
        held,
        risk=await latest_risk(connection, command.member),
        membership_id=membership_id,
        payment_reference=command.payment_reference,
        now=now,
    )
    trial = open_trial(held, bought.family_id, now)
    if trial is None:
        return Purchase(membership=bought, take_over=None)
    grants = await frozen_rebates.frozen_grants(connection, command.member, trial.membership_id)
    return Purchase(membership=bought, take_over=take_over(trial, grants, bought, now))


async def release(
    connection: Connection, taken: TakeOver, now: datetime, resources: Resources
) -> None:
    """Empty the trial's book; the relay pays what is released, order by order."""
    await frozen_rebates.keep_trial(connection, taken.trial)
    await frozen_rebates.settle_grants(
        connection,
        taken.trial.member,
        taken.grants,
        release_time=now,
        attempt_time=resources.machine_clock.now(),
    )
    await cancel_forfeit(connection, taken.trial, resources)


async def earlier_purchase(
    connection: Connection, command: PurchaseMembership
) -> PurchasedMembership | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=PURCHASE_METHOD,
        fingerprint=command.fingerprint,
        answer=PurchasedMembership,
    )
    return replace(earlier, replayed=True) if earlier else None


async def get_membership(
    member: MemberKey, plan_id: PlanId, *, resources: Resources
) -> PurchasedMembership:
    """The member's latest membership of a plan. Raises MembershipNotFound."""
    async with resources.database.read() as connection:
        latest = await memberships.latest_membership(connection, member, plan_id)
    if latest is None:
        raise MembershipNotFound(plan_id=plan_id)
    return PurchasedMembership(membership=latest, state=latest.state_at(resources.clock.now()))
