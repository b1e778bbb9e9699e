"""Proposing changes of balances by hand, deciding upon them, and posting what was approved.

An approval is kept before it is posted, and so is the name of its transaction: whoever finds it
approved posts it again, and the ledger answers as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.refusals import ScopeMissing

from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentPlace,
    AdjustmentState,
    Operator,
    approve,
    decide_adjustment,
    reject,
)
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.errors import AdjustmentNotFound, LedgerError, reason_of
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import PostTransaction, post_transaction
from laurel_ledger.storage import adjustments as storage

DELEGATE = "ledger.delegate"
"""The scope of those who speak for others."""
ROLE_SCOPE = "ledger.role."
"""Begins the scopes that are roles."""
GRACE = timedelta(seconds=5)
"""How long whoever approved has for posting before the ledger does it for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAdjustment:
    """What to propose, and in whose name."""

    draft: AdjustmentDraft
    operator_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAdjustment:
    """Which adjustment to approve or to reject, and in whose name."""

    key: AdjustmentKey
    request_id: str
    comment: str
    operator_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredAdjustment:
    """The adjustment, where to read its transaction, and whether an earlier request did it."""

    adjustment: Adjustment
    commit_token: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAdjustments:
    """A page of adjustments: those after a place."""

    program_id: str
    member_id: str
    state: AdjustmentState | None
    page_size: int
    after: AdjustmentPlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentPage:
    """Adjustments, the latest first, and whether there are more."""

    adjustments: tuple[Adjustment, ...]
    more: bool


Decide = Callable[[Adjustment, Operator, datetime], Adjustment]


async def create_adjustment(command: CreateAdjustment, *, ledger: Ledger) -> AnsweredAdjustment:
    """Propose a change. Raises the refusal if it is refused."""
    draft = command.draft
    terms = await ledger.terms_at(draft.key.program_id, ledger.clock.now())
    maker = operator_of(command.operator_id, terms)
    shards = await ledger.store.shard_count()

    async def work(connection: Connection) -> AnsweredAdjustment:
        name = _name(draft.key, draft.key.adjustment_id, "CreateAdjustment")
        if earlier := await _earlier(connection, name, command.fingerprint):
            return earlier
        adjustment = decide_adjustment(
            draft, maker, terms=terms, now=ledger.clock.now(), transaction_id=new_id()
        )
        await storage.insert_adjustment(connection, adjustment, shards=shards)
        answer = AnsweredAdjustment(adjustment=adjustment)
        await requests.remember(connection, **name, fingerprint=command.fingerprint, answer=answer)
        return answer

    return await ledger.database.transact(work)


async def approve_adjustment(command: DecideAdjustment, *, ledger: Ledger) -> AnsweredAdjustment:
    """Approve a proposal and post it. Raises the refusal if it is refused."""
    terms = await ledger.terms_at(command.key.program_id, ledger.clock.now())

    def approved(adjustment: Adjustment, checker: Operator, now: datetime) -> Adjustment:
        return approve(adjustment, checker, command.comment, terms=terms, now=now)

    answer = await _decide(command, "ApproveAdjustment", approved, terms, ledger)
    if answer.replayed:
        present = await get_adjustment(command.key, ledger=ledger)
        if present.state is AdjustmentState.FAILED:
            return replace(answer, adjustment=present)
    concluded, commit_token = await conclude(answer.adjustment, ledger)
    return replace(answer, adjustment=concluded, commit_token=commit_token)


async def reject_adjustment(command: DecideAdjustment, *, ledger: Ledger) -> AnsweredAdjustment:
    """Reject a proposal for good. Raises the refusal if it is refused."""
    terms = await ledger.terms_at(command.key.program_id, ledger.clock.now())

    def rejected(adjustment: Adjustment, checker: Operator, now: datetime) -> Adjustment:
        return reject(adjustment, checker, command.comment, now=now)

    return await _decide(command, "RejectAdjustment", rejected, terms, ledger)


async def get_adjustment(key: AdjustmentKey, *, ledger: Ledger) -> Adjustment:
    """An adjustment. Raises AdjustmentNotFound."""
    await ledger.terms_at(key.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        return _found(await storage.find_adjustment(connection, key, shards=shards), key)


async def list_adjustments(query: ListAdjustments, *, ledger: Ledger) -> AdjustmentPage:
    """A page of adjustments. Raises ProgramNotFound."""
    await ledger.terms_at(query.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await storage.list_adjustments(
            connection,
            query.program_id,
            query.member_id,
            query.state,
            after=query.after,
            limit=query.page_size + 1,
            shards=shards,
        )
    return AdjustmentPage(
        adjustments=tuple(found[: query.page_size]), more=len(found) > query.page_size
    )


def operator_of(named: str, terms: Terms) -> Operator:
    """Who acts: the caller, or whom a caller with the scope speaks for. Raises ScopeMissing."""
    caller = current_caller()
    assert caller is not None, "adjustments are made in calls"
    if named and named != caller.subject and not caller.may(DELEGATE):
        raise ScopeMissing(scope=DELEGATE)
    roles = (each.role_id for each in terms.adjustments.roles)
    return Operator(
        operator_id=named or caller.subject,
        role_ids=frozenset(role for role in roles if caller.may(f"{ROLE_SCOPE}{role}")),
    )


async def conclude(adjustment: Adjustment, ledger: Ledger) -> tuple[Adjustment, str]:
    """Post what was approved, or find that it is; the adjustment after it and the commit token."""
    wanted = PostTransaction(draft=adjustment.transaction_draft, validate_only=False)
    state, failure_reason, commit_token = AdjustmentState.POSTED, "", ""
    try:
        commit_token = (await post_transaction(wanted, ledger=ledger)).commit_token
    except LedgerError as refusal:
        if refusal.passing:
            raise
        state, failure_reason = AdjustmentState.FAILED, reason_of(refusal)
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        await storage.record_conclusion(
            connection, adjustment.draft.key, state, failure_reason, shards=shards
        )
        found = await storage.find_adjustment(connection, adjustment.draft.key, shards=shards)
    return _found(found, adjustment.draft.key), commit_token


@dataclass(slots=True, kw_only=True)
class AdjustmentPosting:
    """Posts approved adjustments whose callers went away before they were posted."""

    ledger: Ledger
    name: str = "adjustment-posting"

    async def next_due(self) -> datetime | None:
        """When the oldest of them has waited long enough."""
        async with self.ledger.connections.use() as connection:
            oldest = await storage.next_approved(connection)
        return None if oldest is None else oldest + GRACE

    async def run_due(self, now: datetime, limit: int) -> int:
        """Post those that have waited long enough."""
        async with self.ledger.connections.use() as connection:
            due = await storage.list_approved(connection, now - GRACE, limit=limit)
        for adjustment in due:
            await conclude(adjustment, self.ledger)
        return len(due)


async def _decide(
    command: DecideAdjustment, method: str, decide: Decide, terms: Terms, ledger: Ledger
) -> AnsweredAdjustment:
    """Decide upon a pending adjustment; of two who do so at once the second finds it decided."""
    checker = operator_of(command.operator_id, terms)
    shards = await ledger.store.shard_count()

    async def work(connection: Connection) -> AnsweredAdjustment:
        name = _name(command.key, command.request_id, method)
        found = await storage.lock_adjustment(connection, command.key, shards=shards)
        if earlier := await _earlier(connection, name, command.fingerprint):
            return earlier
        adjustment = decide(_found(found, command.key), checker, ledger.clock.now())
        await storage.record_decision(connection, adjustment, shards=shards)
        answer = AnsweredAdjustment(adjustment=adjustment)
        await requests.remember(connection, **name, fingerprint=command.fingerprint, answer=answer)
        return answer

    return await ledger.database.transact(work)


def _name(key: AdjustmentKey, request_id: str, method: str) -> dict[str, str]:
    return {
        "program_id": key.program_id,
        "member_id": key.member_id,
        "request_id": request_id,
        "method": method,
    }


async def _earlier(
    connection: Connection, name: dict[str, str], fingerprint: bytes
) -> AnsweredAdjustment | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection, **name, fingerprint=fingerprint, answer=AnsweredAdjustment
    )
    return replace(earlier, replayed=True) if earlier else None


def _found(adjustment: Adjustment | None, key: AdjustmentKey) -> Adjustment:
    if adjustment is None:
        raise AdjustmentNotFound(
            program_id=key.program_id, member_id=key.member_id, adjustment_id=key.adjustment_id
        )
    return adjustment
