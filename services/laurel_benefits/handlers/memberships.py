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
    find_plan,
    make_quote,
)
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import memberships
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
    """Decide whether a member may buy a membership, and keep the price. Raises PlanNotFound."""
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
    plan = find_plan(revision.model, command.plan_id)
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
            membership = await decide(connection, command, MembershipId(""), now)
        return PurchasedMembership(membership=membership, state=membership.state_at(now))

    async def work(connection: Connection) -> PurchasedMembership:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_purchase(connection, command):
            return earlier
        membership = await decide(connection, command, MembershipId(new_id()), now)
        await memberships.insert_membership(connection, membership)
        answer = PurchasedMembership(membership=membership, state=membership.state_at(now))
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


async def decide(
    connection: Connection,
    command: PurchaseMembership,
    membership_id: MembershipId,
    now: datetime,
) -> Membership:
    """Gather the quote, the latest term of its plan and the judgement, and decide."""
    quote = await memberships.find_quote(connection, command.member, command.quote_id)
    if quote is None:
        raise QuoteNotFound(quote_id=command.quote_id)
    latest = await memberships.latest_membership(connection, command.member, quote.plan_id)
    return decide_purchase(
        quote,
        latest,
        risk=await latest_risk(connection, command.member),
        membership_id=membership_id,
        payment_reference=command.payment_reference,
        now=now,
    )


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
