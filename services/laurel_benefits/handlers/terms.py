"""Changes terms after they were bought: cancels, suspends, resumes and extends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberKey, MembershipId, RequestId
from laurel_benefits.domain.memberships import Membership, MembershipState
from laurel_benefits.domain.terms import (
    Addressee,
    ByHand,
    decide_cancellation,
    decide_extension,
    decide_invoice,
    decide_resumption,
    decide_suspension,
    find_term,
)
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.savings import gather_savings
from laurel_benefits.handlers.trial_ends import schedule_forfeit
from laurel_benefits.storage import memberships
from laurel_benefits.storage.members import lock_member


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTerm:
    """Which term is to be changed, and why."""

    member: MemberKey
    request_id: RequestId
    membership_id: MembershipId
    reason: str = ""
    days: int = 0
    """By how many business days it is extended."""
    wished: Addressee | None = None
    """The invoice that is wished."""
    validate_only: bool = False
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTerm:
    """The term as it is now."""

    membership: Membership
    state: MembershipState
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCase:
    """What a change is decided on, in the transaction that will record it."""

    connection: Connection
    command: ChangeTerm
    membership: Membership
    held: Sequence[Membership]
    by_hand: ByHand
    now: datetime


Decide = Callable[[TermCase], Awaitable[Sequence[Membership]]]
"""The terms as they are then, the one that was asked for first."""


async def cancel_membership(command: ChangeTerm, *, resources: Resources) -> ChangedTerm:
    """End a term now, and say what comes back.

    Raises TermNotFound, MembershipStateMismatch, MembershipRenewed.
    """

    async def decide(case: TermCase) -> Sequence[Membership]:
        savings = await gather_savings(case.connection, case.membership)
        return [decide_cancellation(savings, case.held, case.by_hand, case.now)]

    return await change(command, "CancelMembership", decide, resources)


async def suspend_membership(command: ChangeTerm, *, resources: Resources) -> ChangedTerm:
    """Let a term give nothing. Raises TermNotFound, MembershipStateMismatch."""

    async def decide(case: TermCase) -> Sequence[Membership]:
        return [decide_suspension(case.membership, case.by_hand, case.now)]

    return await change(command, "SuspendMembership", decide, resources)


async def resume_membership(command: ChangeTerm, *, resources: Resources) -> ChangedTerm:
    """Let a term give again what it gives. Raises TermNotFound, MembershipStateMismatch."""

    async def decide(case: TermCase) -> Sequence[Membership]:
        return [decide_resumption(case.membership, case.now)]

    return await change(command, "ResumeMembership", decide, resources)


async def extend_membership(command: ChangeTerm, *, resources: Resources) -> ChangedTerm:
    """Give a term more days. Raises TermNotFound, MembershipStateMismatch."""

    async def decide(case: TermCase) -> Sequence[Membership]:
        changed = decide_extension(case.membership, case.held, command.days, case.by_hand, case.now)
        if changed[0].frozen and changed[0].frozen.open_at(case.now):
            await schedule_forfeit(case.connection, changed[0], resources)
        return changed

    return await change(command, "ExtendMembership", decide, resources)


async def request_invoice(command: ChangeTerm, *, resources: Resources) -> ChangedTerm:
    """Have the fee of a membership invoiced.

    Raises TermNotFound, InvoiceTypeNotIssued, InvoiceRequested, NothingToInvoice.
    """
    wished = command.wished
    assert wished is not None, "the request says what is wished"

    async def decide(case: TermCase) -> Sequence[Membership]:
        return [decide_invoice(case.membership, wished, case.now)]

    return await change(command, "RequestInvoice", decide, resources)


async def change(
    command: ChangeTerm, method: str, decide: Decide, resources: Resources
) -> ChangedTerm:
    """One transaction: what the member has is looked at, and the change recorded."""
    now = resources.clock.now()
    if command.validate_only:
        async with resources.database.snapshot() as connection:
            changed = await decide(await gather(connection, command, now))
        return ChangedTerm(membership=changed[0], state=changed[0].state_at(now))

    async def work(connection: Connection) -> ChangedTerm:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_change(connection, command, method):
            return earlier
        changed = await decide(await gather(connection, command, now))
        for each in changed:
            await memberships.keep_changes(connection, each)
        answer = ChangedTerm(membership=changed[0], state=changed[0].state_at(now))
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


async def gather(connection: Connection, command: ChangeTerm, now: datetime) -> TermCase:
    """What the member has. Raises TermNotFound."""
    caller = current_caller()
    assert caller is not None, "terms are changed in calls"
    held = await memberships.all_memberships(connection, command.member)
    return TermCase(
        connection=connection,
        command=command,
        membership=find_term(held, command.membership_id),
        held=held,
        by_hand=ByHand(reason=command.reason, maker=caller.subject),
        now=now,
    )


async def earlier_change(
    connection: Connection, command: ChangeTerm, method: str
) -> ChangedTerm | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=method,
        fingerprint=command.fingerprint,
        answer=ChangedTerm,
    )
    return replace(earlier, replayed=True) if earlier else None
