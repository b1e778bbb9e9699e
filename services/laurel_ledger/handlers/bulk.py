"""IssuePoints: one rule for many members, posted in steps that can be taken up again.

Each member's transaction has a name that follows from the request, so a step that was posted and
not recorded is posted again and answered as before: nobody gets points twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1
from uuid import UUID

from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from laurel_kit.refusals import QueueFull
from laurel_kit.requests import adapter
from laurel_kit.tasks import end

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.errors import AccountNotFound, reason_of
from laurel_ledger.domain.posting import Outcome, Posted
from laurel_ledger.domain.transactions import Draft, TransactionType
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import BatchPostTransactions, post_group, prepare_batch

JOB = "issue-points"
"""The kind of operation."""

NAMES = UUID("59d1c3a4-6f0b-5c1e-9d0a-2f7b8a6e4c10")
"""Under which the names of transactions are made; for ever, and told in the contract."""

STEP = 1000  # Members of a step, a commit or two: what is done again after a crash.
STEPS_AT_ONCE = 2  # One is on its way to the database while the next one is prepared.
NAMED_MAX = 1000  # Refused members that are named.


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The rule, and the members in columns."""

    program_id: str
    request_id: str
    asset_id: str
    funding_account_id: str
    member_ids: tuple[str, ...]
    amounts: tuple[int, ...]
    """One for all of them, or one for each."""
    expire_time: datetime | None
    effective_time: datetime | None
    reason: str
    labels: dict[str, str]

    def draft(self, position: int) -> Draft:
        """The draft of one member: the same whenever it is made."""
        return Draft(
            program_id=self.program_id,
            request_id=name_of(f"{self.program_id}/{self.request_id}/{position}"),
            type=TransactionType.EARN,
            member_id=self.member_ids[position],
            asset_id=self.asset_id,
            amount=self.amounts[position if len(self.amounts) > 1 else 0],
            counter_account_id=self.funding_account_id,
            expire_time=self.expire_time,
            effective_time=self.effective_time,
            reason=self.reason,
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePoints:
    """Issue points; the fingerprint is of everything the caller said."""

    issue: Issue
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMember:
    """A member who got nothing, and why."""

    position: int
    member_id: str
    reason: str


@dataclass(slots=True, kw_only=True)
class IssuedPoints:
    """What became of the members so far."""

    issued_count: int = 0
    issued_points: int = 0
    refused_count: int = 0
    refused_members: list[RefusedMember] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Members who have been told of."""
        return self.issued_count + self.refused_count

    def add(self, member_id: str, outcome: Outcome) -> None:
        """Tell of the next member."""
        if isinstance(outcome, Posted):
            self.issued_count += 1
            self.issued_points += outcome.transaction.amount
            return
        if self.refused_count < NAMED_MAX:
            reason = reason_of(outcome.error)
            refused = RefusedMember(position=self.done, member_id=member_id, reason=reason)
            self.refused_members.append(refused)
        self.refused_count += 1


async def issue_points(command: IssuePoints, *, ledger: Ledger) -> Operation:
    """Have points issued; a repeat of the request id gets the same operation.

    Raises ProgramNotFound, AssetNotFound, AccountNotFound, RequestIdReused.
    """
    issue = command.issue
    terms = await ledger.require_asset(issue.program_id, issue.asset_id)
    account = terms.accounts.get(issue.funding_account_id)
    if account is None or account.kind is not AccountKind.FUNDING:
        raise AccountNotFound(
            program_id=issue.program_id,
            account_id=issue.funding_account_id,
            kind=AccountKind.FUNDING.name,
        )

    async def work(connection: Connection) -> Operation:
        return await ledger.operations.start(
            connection,
            kind=JOB,
            program_id=issue.program_id,
            request=issue,
            request_id=issue.request_id,
            fingerprint=command.fingerprint,
        )

    return await ledger.database.transact(work)


async def run_issue(issue: Issue, progress: Progress, *, ledger: Ledger) -> IssuedPoints:
    """Post step by step; after a crash from the last one that was recorded."""
    shape = adapter(IssuedPoints)
    issued = IssuedPoints()
    if progress.checkpoint is not None:
        issued = shape.validate_json(json.dumps(progress.checkpoint))
    total = len(issue.member_ids)
    steps = _Steps(issue=issue, ledger=ledger, begun=issued.done)
    try:
        while issued.done < total:
            positions, outcomes = await steps.next()
            for position, outcome in zip(positions, outcomes, strict=True):
                issued.add(issue.member_ids[position], outcome)
            async with ledger.database.begin() as connection:
                await progress.record(
                    connection,
                    done=issued.done,
                    total=total,
                    checkpoint=shape.dump_python(issued, mode="json"),
                )
    finally:
        await end([posting for _, posting in steps.ahead])
    return issued


@dataclass(slots=True, kw_only=True)
class _Steps:
    """The steps of a job in their order, a few of them on their way."""

    issue: Issue
    ledger: Ledger
    begun: int
    """Members whose step was begun."""
    ahead: deque[tuple[range, asyncio.Task[tuple[Outcome, ...]]]] = field(default_factory=deque)

    async def next(self) -> tuple[range, tuple[Outcome, ...]]:
        """The members of the next step, by their positions, and what became of them."""
        total = len(self.issue.member_ids)
        while self.begun < total and len(self.ahead) < STEPS_AT_ONCE:
            positions = range(self.begun, min(self.begun + STEP, total))
            posting = asyncio.create_task(_post(self.issue, positions, self.ledger))
            self.ahead.append((positions, posting))
            self.begun = positions.stop
        positions, posting = self.ahead.popleft()
        return positions, await posting


def name_of(name: str) -> str:
    """The UUIDv5 of a name, as `uuid5` makes it without making a UUID first."""
    digest = sha1(NAMES.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


async def _post(issue: Issue, positions: range, ledger: Ledger) -> tuple[Outcome, ...]:
    """Post a step as a batch; callers who wait for an answer go first while the queue is full."""
    drafts = tuple(map(issue.draft, positions))
    batch = BatchPostTransactions(program_id=issue.program_id, drafts=drafts, atomic=False)
    while True:
        try:
            return (await post_group(await prepare_batch(batch, ledger), ledger)).outcomes
        except QueueFull:
            await asyncio.sleep(ledger.settings.bulk_pause.total_seconds())
