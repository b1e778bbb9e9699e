"""IssuePoints: one rule for many members, posted in steps that can be taken up again.

Each member's transaction has a name that follows from the request, so a step that was posted and
not recorded is posted again and answered as before: nobody gets points twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1
from typing import TypeVar
from uuid import UUID

from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from laurel_kit.refusals import QueueFull
from laurel_kit.requests import adapter
from laurel_kit.tasks import end

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.errors import AccountNotFound, LedgerError, reason_of
from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.domain.posting import Outcome, Refused
from laurel_ledger.domain.transactions import Draft, TransactionType
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.transactions import BatchPostTransactions, post_group, prepare_batch

T = TypeVar("T")

JOB = "issue-points"
"""The kind of operation."""

NAMES = UUID("59d1c3a4-6f0b-5c1e-9d0a-2f7b8a6e4c10")
"""Under which the names of transactions are made; for ever, and told in the contract."""

STEP = 2000  # Members of a step, a commit for each lane: what is done again after a crash.
STEPS_AT_ONCE = 2  # One is on its way to the database while the next one is prepared.
ROUND_MIN = 50  # Members who are named again; fewer are not worth a commit of their own.
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

    def columns(self, positions: Sequence[int], terms: Terms) -> Issuance:
        """What some members get, in columns: the same whenever it is made."""
        prefix = f"{self.program_id}/{self.request_id}"
        return Issuance(
            template=self.template,
            terms=terms,
            member_ids=[self.member_ids[position] for position in positions],
            request_ids=[name_of(f"{prefix}/{position}") for position in positions],
            amounts=[self.amount_of(position) for position in positions],
        )

    def amount_of(self, position: int) -> int:
        """How much a member gets."""
        return self.amounts[position if len(self.amounts) > 1 else 0]

    @property
    def template(self) -> Draft:
        """The draft of every member, but for who gets how much under which name."""
        return Draft(
            program_id=self.program_id,
            request_id=self.request_id,
            type=TransactionType.EARN,
            member_id="",
            asset_id=self.asset_id,
            amount=1,
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

    def add(self, issue: Issue, positions: range, refused: Mapping[int, LedgerError]) -> None:
        """Tell of the members of the next step; of each that was refused, why."""
        amounts = [issue.amount_of(each) for each in positions if each not in refused]
        self.issued_count += len(amounts)
        self.issued_points += sum(amounts)
        for position in sorted(refused)[: NAMED_MAX - len(self.refused_members)]:
            self.refused_members.append(
                RefusedMember(
                    position=position,
                    member_id=issue.member_ids[position],
                    reason=reason_of(refused[position]),
                )
            )
        self.refused_count += len(refused)


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
    steps = _Steps(issue=issue, again=_named_again(issue), ledger=ledger, begun=issued.done)
    try:
        while issued.done < total:
            issued.add(issue, *await steps.next())
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
    again: frozenset[int]
    """Positions of members who are named before."""
    ledger: Ledger
    begun: int
    """Members whose step was begun."""
    ahead: deque[tuple[range, asyncio.Task[dict[int, LedgerError]]]] = field(default_factory=deque)
    aside: set[str] = field(default_factory=set)
    """Members whose accounts are no plain case: all they get is posted as drafts, in its order."""

    async def next(self) -> tuple[range, dict[int, LedgerError]]:
        """The members of the next step, by their positions, and who of them was refused."""
        total = len(self.issue.member_ids)
        while self.begun < total and len(self.ahead) < STEPS_AT_ONCE:
            positions = range(self.begun, min(self.begun + STEP, total))
            last = self.ahead[-1][1] if self.ahead else None
            posting = asyncio.create_task(self._post(positions, last))
            self.ahead.append((positions, posting))
            self.begun = positions.stop
        positions, posting = self.ahead.popleft()
        return positions, await posting

    async def _post(
        self, positions: range, before: asyncio.Task[dict[int, LedgerError]] | None
    ) -> dict[int, LedgerError]:
        """Post a step, in columns where that can be; who was refused, and why.

        Members who are named again wait for the step before, so that each gets in its order.
        """
        issue, ledger = self.issue, self.ledger
        instant = issue.effective_time or ledger.clock.now()
        terms = await ledger.terms_at(issue.program_id, instant)
        firsts = [position for position in positions if position not in self.again]
        done = await self._post_columns(firsts, terms)
        if len(firsts) < len(positions) and before is not None:
            await asyncio.wait([before])
            before.result()  # What ended it ends this one, or the order would be lost.
        for others in self._rounds(positions):
            done |= await self._post_columns(others, terms)
        left = [position for position in positions if position not in done]
        if not left:
            return {}
        outcomes = await self._patiently(_post_drafts, issue.columns(left, terms))
        return {
            position: outcome.error
            for position, outcome in zip(left, outcomes, strict=True)
            if isinstance(outcome, Refused)
        }

    async def _post_columns(self, positions: Sequence[int], terms: Terms) -> set[int]:
        """Post members who are named once here in columns; those that could be posted so."""
        member_ids = self.issue.member_ids
        plain = [position for position in positions if member_ids[position] not in self.aside]
        if not plain:
            return set()
        posted = await self._patiently(_post_columns, self.issue.columns(plain, terms))
        done = {plain[index] for index in posted}
        self.aside |= {member_ids[position] for position in plain if position not in done}
        return done

    def _rounds(self, positions: range) -> list[list[int]]:
        """Who is named again: the second ones, the third ones, and so on, ever fewer."""
        rounds: list[list[int]] = []
        times: Counter[str] = Counter()
        for position in positions:
            if position in self.again:
                member_id = self.issue.member_ids[position]
                times[member_id] += 1
                if times[member_id] > len(rounds):
                    rounds.append([])
                rounds[times[member_id] - 1].append(position)
        return [each for each in rounds if len(each) >= ROUND_MIN]

    async def _patiently(
        self, post: Callable[[Issuance, Ledger], Awaitable[T]], issuance: Issuance
    ) -> T:
        """Post; callers who wait for an answer go first while the queue is full."""
        while True:
            try:
                return await post(issuance, self.ledger)
            except QueueFull:
                await asyncio.sleep(self.ledger.settings.bulk_pause.total_seconds())


async def _post_columns(issuance: Issuance, ledger: Ledger) -> list[int]:
    """Which of them could be posted in columns."""
    return await ledger.engine.issue(issuance, time_left=ledger.time_left())


async def _post_drafts(issuance: Issuance, ledger: Ledger) -> tuple[Outcome, ...]:
    """What became of each, posted as a batch."""
    drafts = tuple(map(issuance.draft, range(issuance.size)))
    program_id = issuance.template.program_id
    batch = BatchPostTransactions(program_id=program_id, drafts=drafts, atomic=False)
    return (await post_group(await prepare_batch(batch, ledger), ledger)).outcomes


def _named_again(issue: Issue) -> frozenset[int]:
    named: set[str] = set()
    again = set()
    for position, member_id in enumerate(issue.member_ids):
        if member_id in named:
            again.add(position)
        named.add(member_id)
    return frozenset(again)


def name_of(name: str) -> str:
    """The UUIDv5 of a name, as `uuid5` makes it without making a UUID first."""
    digest = sha1(NAMES.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
