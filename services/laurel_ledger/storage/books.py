"""The books as the engine sees them: a batch goes in, and is durable when its outcomes come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
from laurel_kit.clock import Clock
from laurel_kit.database import RACE_STATES, LostRace, says_down, sqlstate_of

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.budgets import AllowanceShort
from laurel_ledger.domain.errors import InvariantViolation, ShardHalted
from laurel_ledger.domain.issuing import Issuance, decide_terms
from laurel_ledger.domain.pages import MICROSECOND, Books
from laurel_ledger.domain.posting import (
    Decision,
    Group,
    Outcome,
    decide_batch,
)
from laurel_ledger.domain.shards import shard_of, shards_of
from laurel_ledger.domain.transactions import (
    Transaction,
)
from laurel_ledger.storage.accounts import find_accounts
from laurel_ledger.storage.budgets import divide, read_allowances
from laurel_ledger.storage.connections import Connection, Connections
from laurel_ledger.storage.funders import gather_funders
from laurel_ledger.storage.gathering import (
    Gathered,
    Head,
    Wanted,
    gather,
    lock_heads,
    read_batches,
    read_heads,
)
from laurel_ledger.storage.holds import gather_holds
from laurel_ledger.storage.issuing import Issued, issue
from laurel_ledger.storage.known import Known
from laurel_ledger.storage.periods import closed_periods
from laurel_ledger.storage.recording import record
from laurel_ledger.storage.reversals import gather_reversed
from laurel_ledger.storage.wanting import wanted_by
from laurel_ledger.storage.writes import HEAD_MOVED

SHARD_COUNT = "select count(*) from shard_head"
NAME_REVISION = """
insert into revision_name (program_revision) values ($1) on conflict do nothing
"""
REVISION_NO = "select revision_no from revision_name where program_revision = $1"


UNIQUE_VIOLATION = "23505"
OUT_OF_DATE = frozenset({HEAD_MOVED, UNIQUE_VIOLATION})
"""SQLSTATEs of what was decided upon books that are no longer so."""


class HasDecision(Protocol):
    """What a decision within a wider transaction comes to."""

    @property
    def decision(self) -> Decision:
        """What is to be recorded."""
        ...


Decided = TypeVar("Decided", bound=HasDecision)


class BrokenCommit(Exception):
    """The connection broke while a batch was committed: it is stored, or not."""

    def __init__(self, outcomes: Sequence[tuple[Outcome, ...]]) -> None:
        super().__init__("the connection broke during a commit")
        self.outcomes = outcomes


@dataclass(slots=True, kw_only=True)
class BooksStore:
    """Posts batches, each in one transaction under the locks of its shards."""

    connections: Connections
    _known: Known = field(default_factory=Known)
    _shards: int = 0
    _revision_nos: dict[str, int] = field(default_factory=dict)
    _periods_closed: int = 0
    _closed: Mapping[str, datetime] = field(default_factory=dict)

    async def shard_count(self) -> int:
        """How many shards the books have; fixed when they were made."""
        if not self._shards:
            async with self.connections.use() as connection:
                self._shards = await connection.fetchval(SHARD_COUNT)
        return self._shards

    async def post(
        self,
        groups: Sequence[Group],
        *,
        clock: Clock,
        skew_max: timedelta,
        halted: Iterable[int] = (),
    ) -> Sequence[tuple[Outcome, ...]]:
        """Gather, decide, record, commit. What it returns is durable.

        Raises LostRace, BrokenCommit and DatabaseUnavailable, ShardHalted, InvariantViolation.
        """
        wanted = wanted_by(groups, await self.shard_count())
        for shard_id in wanted.shards:
            if shard_id in halted:
                raise ShardHalted(shard=shard_id)
        async with self.connections.use() as connection:
            try:
                outcomes = await self._post_known(connection, groups, wanted, clock, skew_max)
                if outcomes is None:
                    return await self._post_within_budgets(
                        connection, groups, wanted, clock, skew_max
                    )
            except asyncpg.PostgresError as error:
                if sqlstate_of(error) in RACE_STATES:
                    raise LostRace from error
                raise
            else:
                return outcomes

    async def issue(
        self,
        issuance: Issuance,
        *,
        clock: Clock,
        skew_max: timedelta,
        halted: Iterable[int] = (),
    ) -> list[int]:
        """Post earnings in columns, under locks; the indexes of those that were posted.

        The others are for `post`: all of them when a name was used before. What it returns is
        durable. Raises LostRace and DatabaseUnavailable, ShardHalted.
        """
        program_id = issuance.template.program_id
        homes = shards_of(program_id, issuance.member_ids, shards=await self.shard_count())
        for shard_id in halted:
            if shard_id in homes:
                raise ShardHalted(shard=shard_id)
        async with self.connections.use() as connection:
            try:
                async with connection.transaction():
                    issued = await self._issue(connection, issuance, homes, clock, skew_max)
            except asyncpg.UniqueViolationError:
                return []
            except asyncpg.PostgresError as error:
                if sqlstate_of(error) in RACE_STATES:
                    raise LostRace from error
                raise
        if issued is None:
            return []
        if not self._known.follow(issued.before, issued.after, issued.changed(homes)):
            self._known = Known()
        return issued.indexes

    async def _issue(
        self,
        connection: Connection,
        issuance: Issuance,
        homes: Sequence[int],
        clock: Clock,
        skew_max: timedelta,
    ) -> Issued | None:
        """Gather, decide, record in columns, in a transaction; None where columns cannot decide."""
        before = await lock_heads(connection, sorted(set(homes)))
        closed_until = await self._closed_until(connection, before)
        shared = decide_terms(
            issuance, closed_until=closed_until, now=now_after(before, clock), skew_max=skew_max
        )
        if shared is None:
            return None
        revision = issuance.template.program_revision or issuance.terms.revision_id
        number = await self._number_of(connection, revision)
        return await issue(
            connection,
            issuance,
            shared,
            homes=homes,
            before=before,
            revision_no=number,
            shards=self._shards,
        )

    async def preview(
        self, group: Group, *, clock: Clock, skew_max: timedelta
    ) -> Sequence[Outcome]:
        """What posting would answer now. Takes no locks and stores nothing."""
        wanted = wanted_by([group], await self.shard_count())
        async with (
            self.connections.use() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            heads = await read_heads(connection, wanted.shards)
            closed_until = await self._closed_until(connection, heads)
            gathered = await _gather(connection, wanted, heads, closed_until)
            gathered = await self._with_allowances(connection, gathered, wanted, together=True)
        return decide(gathered, [group], clock, skew_max)[1].outcomes[0]

    async def find_present(self, keys: Sequence[AccountKey]) -> list[Account]:
        """Members' accounts as they are now, one for each key; one that never was is empty.

        What this process knows need not be read where its shards' heads stand no further than it
        knows: then nobody has posted anything there since.
        """
        shards = await self.shard_count()
        homes = [shard_of(key.program_id, key.member_id, shards=shards) for key in keys]
        async with self.connections.use() as connection:
            batches: Mapping[int, int] = {}
            if wanted := self._known.shards_of(keys, homes):
                batches = await read_batches(connection, wanted)
            # What is known may have changed meanwhile; it is never younger than its heads say.
            known = self._known.present(keys, homes, batches)
            missing = [key for key in keys if key not in known]
            found = await find_accounts(connection, missing, shards=shards) if missing else []
        known.update(zip(missing, found, strict=True))
        return [known[key] for key in keys]

    async def _post_known(
        self,
        connection: Connection,
        groups: Sequence[Group],
        wanted: Wanted,
        clock: Clock,
        skew_max: timedelta,
    ) -> Sequence[tuple[Outcome, ...]] | None:
        """Decide upon what is known and store it in one statement, without waiting for a lock.

        None when the decision must be made under locks: a head has moved, a request id was used
        before, or something was decided that storing it would not prove.
        """
        known = self._known
        if wanted.reversals or wanted.carriers or wanted.budgets or not known.free(wanted):
            return None  # What is to be reversed is not known, nor who funds and how much.
        try:
            with known.using(wanted):
                heads = await known.see(connection, wanted)
                closed_until = await self._closed_until(connection, heads)
                gathered = await known.recall(connection, wanted, heads, closed_until)
                now, decision = decide(gathered, groups, clock, skew_max)
                if not self._proves_itself(decision, wanted):
                    return None
                await self._write(connection, decision, gathered, zones_of(groups), now)
                known.keep(gathered, decision)
        except (asyncpg.PostgresError, InvariantViolation) as error:
            self._known = Known()
            if isinstance(error, asyncpg.PostgresError) and sqlstate_of(error) not in OUT_OF_DATE:
                raise
            return None
        except BaseException:
            self._known = Known()
            raise
        if known.full:
            self._known = Known()
        return decision.outcomes

    def _proves_itself(self, decision: Decision, wanted: Wanted) -> bool:
        """Whether a decision can only be stored if all that it was made upon was so.

        When every request id becomes a record, the unique key says that it was free; when every
        shard has a record, its head says that the books were as known.
        """
        return (
            decision.request_keys >= {key for _, key in wanted.requests}
            and {shard_id for shard_id, _ in wanted.requests} == set(wanted.shards)
            and not self._unnamed(decision)
        )

    async def _write(
        self,
        connection: Connection,
        decision: Decision,
        gathered: Gathered,
        zones: Mapping[str, ZoneInfo],
        now: datetime,
    ) -> None:
        """Store a decision in one statement, which is its own transaction."""
        try:
            await record(
                connection,
                decision,
                gathered,
                revision_nos=self._revision_nos,
                zones=zones,
                shards=self._shards,
                now=now,
            )
        except Exception as error:
            if says_down(error):
                raise BrokenCommit(decision.outcomes) from error
            raise

    def _unnamed(self, decision: Decision) -> bool:
        """Whether the decision mentions a program revision that has no number yet."""
        return any(
            isinstance(each, Transaction) and each.program_revision not in self._revision_nos
            for each in decision.records
        )

    async def _post_within_budgets(
        self,
        connection: Connection,
        groups: Sequence[Group],
        wanted: Wanted,
        clock: Clock,
        skew_max: timedelta,
    ) -> Sequence[tuple[Outcome, ...]]:
        """Each shard by what it may issue; all of them together once that is too little."""
        try:
            return await self._post_locked(connection, groups, wanted, clock, skew_max)
        except AllowanceShort:
            return await self._post_locked(
                connection, groups, wanted, clock, skew_max, together=True
            )

    async def _with_allowances(
        self, connection: Connection, gathered: Gathered, wanted: Wanted, *, together: bool
    ) -> Gathered:
        """What was read with what may be issued of the budgets that the batch draws on."""
        if not wanted.budgets:
            return gathered
        allowances = await read_allowances(
            connection,
            wanted.budgets,
            wanted.shards,
            shards=self._shards,
            together=together,
        )
        return replace(gathered, books=replace(gathered.books, allowances=allowances))

    async def _post_locked(
        self,
        connection: Connection,
        groups: Sequence[Group],
        wanted: Wanted,
        clock: Clock,
        skew_max: timedelta,
        *,
        together: bool = False,
    ) -> Sequence[tuple[Outcome, ...]]:
        """Decide and store under locks: of the batch's shards, or of all of them together, whose
        budgets are then divided anew.
        """
        self._known = Known()
        transaction = connection.transaction()
        await transaction.start()
        try:
            shards = list(range(self._shards)) if together else wanted.shards
            heads = await lock_heads(connection, shards)
            closed_until = await self._closed_until(connection, heads)
            gathered = await _gather(connection, wanted, heads, closed_until)
            gathered = await self._with_allowances(connection, gathered, wanted, together=together)
            now, decision = decide(gathered, groups, clock, skew_max)
            revision_nos = await self._revisions_of(connection, decision)
            if decision.accounts:
                await record(
                    connection,
                    decision,
                    gathered,
                    revision_nos=revision_nos,
                    zones=zones_of(groups),
                    shards=self._shards,
                    now=now,
                )
            if together:
                await divide(connection, wanted.budgets, shards=self._shards)
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except Exception as error:
            if says_down(error):
                raise BrokenCommit(decision.outcomes) from error
            raise
        self._revision_nos |= revision_nos
        return decision.outcomes

    async def post_within(
        self,
        connection: Connection,
        wanted: Wanted,
        decide: Callable[[Books, datetime], Decided],
        *,
        zones: Mapping[str, ZoneInfo],
        clock: Clock,
    ) -> Decided:
        """Gather, decide and record within a transaction of the caller, who commits it."""
        self._known = Known()
        heads = await lock_heads(connection, wanted.shards)
        closed_until = await self._closed_until(connection, heads)
        gathered = await _gather(connection, wanted, heads, closed_until)
        now = now_after(heads, clock)
        decided = decide(gathered.books, now)
        decision = decided.decision
        if decision.accounts:
            await record(
                connection,
                decision,
                gathered,
                revision_nos=await self._revisions_of(connection, decision),
                zones=zones,
                shards=await self.shard_count(),
                now=now,
            )
        return decided

    async def _closed_until(
        self, connection: Connection, heads: Mapping[int, Head]
    ) -> Mapping[str, datetime]:
        """When the last closed period of each program ended; read again when there is another.

        Closing counts itself in every head, so whoever holds one knows.
        """
        closed = max(head.periods_closed for head in heads.values())
        if closed != self._periods_closed:
            self._closed = await closed_periods(connection)
            self._periods_closed = closed
        return self._closed

    async def _revisions_of(self, connection: Connection, decision: Decision) -> dict[str, int]:
        """The numbers of the program revisions in what is recorded; new ones get theirs now."""
        numbers = {}
        for each in decision.records:
            if isinstance(each, Transaction) and each.program_revision not in numbers:
                name = each.program_revision
                numbers[name] = await self._number_of(connection, name)
        return numbers

    async def _number_of(self, connection: Connection, program_revision: str) -> int:
        """The number of a program revision. A new one is not known before it is committed."""
        number = self._revision_nos.get(program_revision)
        if number is None:
            await connection.execute(NAME_REVISION, program_revision)
            number = await connection.fetchval(REVISION_NO, program_revision)
        return number


async def _gather(
    connection: Connection,
    wanted: Wanted,
    heads: dict[int, Head],
    closed_until: Mapping[str, datetime],
) -> Gathered:
    """What the batch needs to know; more of it where something is to be reversed."""
    gathered = await gather(connection, wanted, heads, closed_until)
    if wanted.reversals:
        gathered = await gather_reversed(connection, gathered, wanted)
    if wanted.holds or any(account.held for account in gathered.books.accounts.values()):
        gathered = await gather_holds(connection, gathered, wanted)
    if wanted.carriers:
        await gather_funders(connection, gathered, wanted)
    return gathered


def decide(
    gathered: Gathered, groups: Sequence[Group], clock: Clock, skew_max: timedelta
) -> tuple[datetime, Decision]:
    """The decision over what was gathered, at an instant after every commit in its shards."""
    now = now_after(gathered.heads, clock)
    return now, decide_batch(gathered.books, groups, now=now, skew_max=skew_max)


def now_after(heads: Mapping[int, Head], clock: Clock) -> datetime:
    """Now, but after every commit in some shards."""
    latest = max(head.last_commit_time for head in heads.values())
    return max(clock.now(), latest + MICROSECOND)


def zones_of(groups: Sequence[Group]) -> dict[str, ZoneInfo]:
    """In which zones the programs of a batch count their months."""
    return {
        command.draft.program_id: command.terms.time_zone
        for group in groups
        for command in group.commands
    }
