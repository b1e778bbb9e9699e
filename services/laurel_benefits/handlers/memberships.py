"""Quotes, sells and shows memberships."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.ids import new_id

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.errors import ChannelReferenceUsed, MembershipNotFound, QuoteNotFound
from laurel_benefits.domain.ids import (
    ChannelId,
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
    find_channel,
    find_sold,
    make_quote,
    refuse_used,
)
from laurel_benefits.domain.risks import MemberRisk
from laurel_benefits.domain.terms import decide_renewal, upcoming_term
from laurel_benefits.domain.trials import TakeOver, open_trial, take_over
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import foresee, see_standing
from laurel_benefits.handlers.trial_ends import cancel_forfeit
from laurel_benefits.storage import frozen_rebates, memberships
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

QUOTE_METHOD = "QuoteMembership"
PURCHASE_METHOD = "PurchaseMembership"
RENEW_METHOD = "RenewMembership"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteMembership:
    """Which membership a price is wanted for."""

    member: MemberKey
    request_id: RequestId
    plan_id: PlanId
    channel_id: ChannelId | None
    """None for the plan's own shop."""
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedMembership:
    """The decision and, where it is a yes, the quote."""

    decision: Decision
    quote: Quote | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseMembership:
    """A purchase, and what became of its payment."""

    member: MemberKey
    request_id: RequestId
    quote_id: QuoteId
    payment_reference: str
    fingerprint: bytes
    validate_only: bool
    paid: bool = True
    """Whether the payment succeeded; one that failed buys nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasedMembership:
    """The membership that was bought, and how it stood then; neither where nothing was paid."""

    membership: Membership | None
    state: MembershipState | None
    replayed: bool = False


async def quote_membership(command: QuoteMembership, *, resources: Resources) -> QuotedMembership:
    """Decide whether a member may buy a membership, and keep the price.

    Raises PlanNotFound, PlanKindMismatch, ChannelNotFound.
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
    sold = find_sold(revision.model, command.plan_id)
    channel = find_channel(sold, command.channel_id)
    plan = sold.sold_by(channel)
    sight = await see_standing(member, plan.score_model_id, plan.score_source, resources=resources)
    decision = decide_quote(
        plan,
        sight,
        running_plans=[each.plan_id for each in running],
        risk=risk,
        now=now,
        program_revision=RevisionId(revision.revision_id),
        forecast=await foresee(member, plan, zone=revision.time_zone, now=now, resources=resources),
    )
    quote = make_quote(
        decision,
        plan,
        quote_id=QuoteId(new_id()),
        member=member,
        zone=revision.time_zone,
        now=now,
        channel=channel,
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
    """Start a term by a quote, at its price and terms; an open trial is taken over.

    Raises QuoteNotFound, MemberBlocked, QuoteUsed, QuoteExpired, MembershipActive,
    MembershipStateMismatch, ChannelReferenceMissing, ChannelReferenceUsed.
    """
    return await buy(command, PURCHASE_METHOD, decide_and_take_over, resources)


async def renew_membership(
    command: PurchaseMembership, *, resources: Resources
) -> PurchasedMembership:
    """Buy a further term by a quote, which begins when the running one ends.

    Raises QuoteNotFound, MemberBlocked, QuoteUsed, QuoteExpired, MembershipNotRunning,
    MembershipRenewed, MembershipStateMismatch, ChannelReferenceMissing, ChannelReferenceUsed.
    """
    return await buy(command, RENEW_METHOD, decide_to_renew, resources)


async def buy(
    command: PurchaseMembership, method: str, decide: Decide, resources: Resources
) -> PurchasedMembership:
    """One transaction: the decision, the term, what it takes over, and what it is paid with."""
    now = resources.clock.now()
    if command.validate_only:
        async with resources.database.snapshot() as connection:
            case = await gather(connection, command, now)
            if not command.paid:
                return not_paid(case)
            return answer_of(await decide(case, MembershipId("")))

    async def work(connection: Connection) -> PurchasedMembership:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_purchase(connection, command, method):
            return earlier
        case = await gather(connection, command, now)
        answer = await carry_out(case, decide, resources) if command.paid else not_paid(case)
        await requests.remember(
            connection,
            program_id=command.member.program_id,
            member_id=command.member.member_id,
            request_id=command.request_id,
            method=method,
            fingerprint=command.fingerprint,
            answer=answer,
        )
        return answer

    return await resources.database.transact(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCase:
    """What a purchase is decided on, in the transaction that will record it."""

    connection: Connection
    command: PurchaseMembership
    quote: Quote
    held: Sequence[Membership]
    risk: MemberRisk | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What is bought, and what becomes of an open trial thereby."""

    membership: Membership
    take_over: TakeOver | None = None

    @property
    def bought(self) -> Membership:
        """The membership with what it takes over."""
        return self.take_over.bought if self.take_over else self.membership


Decide = Callable[[PurchaseCase, MembershipId], Awaitable[Purchase]]


def answer_of(purchase: Purchase) -> PurchasedMembership:
    """The membership that is bought, with what it takes over."""
    bought = purchase.bought
    return PurchasedMembership(membership=bought, state=bought.state_at(bought.purchase_time))


def not_paid(case: PurchaseCase) -> PurchasedMembership:
    """A payment that failed buys nothing, and the quote stays. Raises QuoteUsed."""
    refuse_used(case.quote)
    return PurchasedMembership(membership=None, state=None)


async def carry_out(
    case: PurchaseCase, decide: Decide, resources: Resources
) -> PurchasedMembership:
    """Record what is decided: the term, what it is paid with, and what it takes over."""
    purchase = await decide(case, MembershipId(new_id()))
    await memberships.insert_membership(case.connection, purchase.bought)
    if case.quote.channel and case.quote.channel.reference_once:
        await use_up_reference(case.connection, purchase.bought)
    if purchase.take_over:
        await release(case.connection, purchase.take_over, case.now, resources)
    return answer_of(purchase)


async def gather(
    connection: Connection, command: PurchaseMembership, now: datetime
) -> PurchaseCase:
    """The quote, the member's memberships and the judgement. Raises QuoteNotFound."""
    quote = await memberships.find_quote(connection, command.member, command.quote_id)
    if quote is None:
        raise QuoteNotFound(quote_id=command.quote_id)
    return PurchaseCase(
        connection=connection,
        command=command,
        quote=quote,
        held=await memberships.all_memberships(connection, command.member),
        risk=await latest_risk(connection, command.member),
        now=now,
    )


async def decide_and_take_over(case: PurchaseCase, membership_id: MembershipId) -> Purchase:
    """A term that begins now, with what an open trial of the family has frozen."""
    bought = decide_purchase(
        case.quote,
        case.held,
        risk=case.risk,
        membership_id=membership_id,
        payment_reference=case.command.payment_reference,
        now=case.now,
    )
    trial = open_trial(case.held, bought.family_id, case.now)
    if trial is None:
        return Purchase(membership=bought)
    grants = await frozen_rebates.frozen_grants(case.connection, bought.member, trial.membership_id)
    return Purchase(membership=bought, take_over=take_over(trial, grants, bought, case.now))


async def decide_to_renew(case: PurchaseCase, membership_id: MembershipId) -> Purchase:
    """A term that begins when the running one ends."""
    renewed = decide_renewal(
        case.quote,
        case.held,
        risk=case.risk,
        membership_id=membership_id,
        payment_reference=case.command.payment_reference,
        now=case.now,
    )
    return Purchase(membership=renewed)


async def use_up_reference(connection: Connection, membership: Membership) -> None:
    """Have what it is paid with buy nothing else. Raises ChannelReferenceUsed."""
    assert membership.channel_id is not None, "only channels ask for a reference"
    if not await memberships.take_reference(connection, membership):
        raise ChannelReferenceUsed(
            channel_id=membership.channel_id, reference=membership.payment_reference
        )


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
    connection: Connection, command: PurchaseMembership, method: str
) -> PurchasedMembership | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=method,
        fingerprint=command.fingerprint,
        answer=PurchasedMembership,
    )
    return replace(earlier, replayed=True) if earlier else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMembership:
    """A membership, and the one that follows it."""

    membership: Membership
    state: MembershipState
    renewal: Membership | None


async def get_membership(
    member: MemberKey, plan_id: PlanId, *, resources: Resources
) -> FoundMembership:
    """The member's membership of a plan that runs, or ended last. Raises MembershipNotFound."""
    now = resources.clock.now()
    async with resources.database.read() as connection:
        held = await memberships.all_memberships(connection, member)
    of_plan = [each for each in held if each.plan_id == plan_id]
    if not of_plan:
        raise MembershipNotFound(plan_id=plan_id)
    begun = (each for each in of_plan if each.state_at(now) is not MembershipState.UPCOMING)
    found = next(begun, of_plan[0])
    renewal = upcoming_term(held, found.family_id, now)
    return FoundMembership(
        membership=found,
        state=found.state_at(now),
        renewal=renewal if renewal != found else None,
    )
