"""The posting engine: groups of all callers go in, outcomes come out once they are durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from laurel_kit.clock import Clock
from laurel_kit.database import Contention, DatabaseUnavailable, LostRace, pause_after
from laurel_kit.refusals import DeadlineExceeded, QueueFull
from laurel_kit.tasks import end, heed_cancellation

from laurel_ledger.domain.errors import InvariantViolation, ShardHalted
from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.domain.posting import Command, Group, Outcome
from laurel_ledger.domain.shards import shard_of, shards_of
from laurel_ledger.engine.lanes import Lane, Ticket
from laurel_ledger.storage.books import BooksStore, BrokenCommit
from laurel_ledger.storage.wanting import wanted_by

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the engine takes on."""

    lanes: int
    batch_max: int
    queue_max: int
    attempts: int
    clock_skew: timedelta
    linger: timedelta = timedelta(0)


@dataclass(slots=True, kw_only=True)
class PostingEngine:
    """Posts groups through lanes, each batch in one durable transaction."""

    store: BooksStore
    clock: Clock
    limits: Limits
    halted: set[int] = field(default_factory=set)
    lanes: list[Lane] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lanes = [
            Lane(
                post=self._post,
                batch_max=self.limits.batch_max,
                linger=self.limits.linger.total_seconds(),
            )
            for _ in range(self.limits.lanes)
        ]

    async def run(self) -> None:
        """Keep all lanes going until the task is cancelled."""
        tasks = [asyncio.create_task(lane.run()) for lane in self.lanes]
        try:
            await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    async def post(self, group: Group, *, time_left: float) -> tuple[Outcome, ...]:
        """The outcome of each command, in order; known to be durable.

        An atomic group that failed has one refusal as its only outcome. Raises QueueFull before
        anything has begun, DeadlineExceeded for what was not begun in time, DatabaseUnavailable
        when the outcome is open.
        """
        self._admit(len(group.commands))
        shards = await self.store.shard_count()
        if group.atomic or len(group.commands) == 1:
            return await self._submit(self._lane_of(group.commands[0], shards), group, time_left)
        return await self._post_split(group, shards, time_left)

    async def issue(self, issuance: Issuance, *, time_left: float) -> list[int]:
        """Post earnings in columns; the indexes of those that were posted, which is durable.

        The others are for `post`, whose decision has no exceptions. Raises what `post` raises.
        """
        self._admit(issuance.size)
        shards = await self.store.shard_count()
        homes = shards_of(issuance.template.program_id, issuance.member_ids, shards=shards)
        by_lane: dict[int, list[int]] = {}
        for index, home in enumerate(homes):
            by_lane.setdefault(home % len(self.lanes), []).append(index)
        answers = await asyncio.gather(
            *(
                self._enter(self.lanes[lane], time_left, issuance=issuance.part(indexes))
                for lane, indexes in by_lane.items()
            )
        )
        return sorted(
            indexes[each]
            for indexes, posted in zip(by_lane.values(), answers, strict=True)
            for each in posted
        )

    def _admit(self, size: int) -> None:
        """Raise QueueFull when so many more would be too many."""
        if sum(lane.load for lane in self.lanes) + size > self.limits.queue_max:
            raise QueueFull(limit=self.limits.queue_max)

    async def expire(self, group: Group, *, shard_id: int, time_left: float) -> tuple[Outcome, ...]:
        """Post what is due in accounts of one shard, behind what waits there; what was posted."""
        return await self._submit(self.lanes[shard_id % len(self.lanes)], group, time_left)

    async def _post_split(self, group: Group, shards: int, time_left: float) -> tuple[Outcome, ...]:
        """Commands that may succeed one by one go to the lanes of their shards.

        All of them are in their lanes before anything is waited for, so that groups stay in order.
        """
        by_lane: dict[int, list[int]] = {}
        for index, command in enumerate(group.commands):
            lane = self._lane_no(command, shards)
            by_lane.setdefault(lane, []).append(index)
        parts = [
            self._submit(
                self.lanes[lane],
                Group(commands=tuple(group.commands[index] for index in indexes)),
                time_left,
            )
            for lane, indexes in by_lane.items()
        ]
        outcomes: dict[int, Outcome] = {}
        answers = await asyncio.gather(*parts)
        for indexes, answer in zip(by_lane.values(), answers, strict=True):
            outcomes.update(zip(indexes, answer, strict=True))
        return tuple(outcomes[index] for index in range(len(group.commands)))

    @classmethod
    def _submit(
        cls, lane: Lane, group: Group, time_left: float
    ) -> asyncio.Future[tuple[Outcome, ...]]:
        """Have a group posted by a lane; what becomes of it."""
        return cls._enter(lane, time_left, group=group)

    @staticmethod
    def _enter(lane: Lane, time_left: float, **content: Any) -> asyncio.Future[Any]:
        """Have the lane post what a ticket holds."""
        loop = asyncio.get_running_loop()
        ticket = Ticket(deadline=loop.time() + time_left, answer=loop.create_future(), **content)
        lane.submit(ticket)
        return ticket.answer

    def _lane_no(self, command: Command, shards: int) -> int:
        draft = command.draft
        shard_id = shard_of(draft.program_id, draft.member_id, shards=shards)
        return shard_id % len(self.lanes)

    def _lane_of(self, command: Command, shards: int) -> Lane:
        return self.lanes[self._lane_no(command, shards)]

    async def _post(self, tickets: Sequence[Ticket]) -> None:
        """Post a batch and answer its tickets; never raises but when it is cancelled."""
        try:
            await self._post_with_patience(tickets)
        except asyncio.CancelledError:
            self._fail(tickets, DatabaseUnavailable())
            raise
        except (DatabaseUnavailable, Contention, DeadlineExceeded) as error:
            self._fail(tickets, error)
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is one group's doing.
            await self._isolate(tickets, error)

    async def _post_with_patience(self, tickets: Sequence[Ticket]) -> None:
        """Begin again what lost a race, or broke off: request ids make that safe."""
        for attempt in range(self.limits.attempts):
            try:
                outcomes = await self._post_once(tickets)
            except LostRace:
                _LOG.debug("a batch lost a race, attempt %s", attempt + 1)
            except BrokenCommit as broken:
                # Whether it was stored shows when the request ids are looked up again.
                for ticket, begun in zip(tickets, broken.outcomes, strict=True):
                    ticket.begun = ticket.begun or begun
            except DatabaseUnavailable:
                heed_cancellation()
                if attempt + 1 == self.limits.attempts:
                    raise
            else:
                self._answer(tickets, outcomes)
                return
            await asyncio.sleep(pause_after(attempt))
        if any(ticket.begun for ticket in tickets):
            raise DatabaseUnavailable
        raise Contention(attempts=self.limits.attempts)

    async def _post_once(self, tickets: Sequence[Ticket]) -> Sequence[Any]:
        options: dict[str, Any] = {
            "clock": self.clock,
            "skew_max": self.limits.clock_skew,
            "halted": self.halted,
        }
        if (issuance := tickets[0].issuance) is not None:
            return [await self.store.issue(issuance, **options)]
        groups = [ticket.group for ticket in tickets]
        return await self.store.post(groups, **options)

    async def _isolate(self, tickets: Sequence[Ticket], error: Exception) -> None:
        """A batch that cannot be stored is halved until the one group that spoils it is alone."""
        if len(tickets) > 1:
            middle = len(tickets) // 2
            await self._post(tickets[:middle])
            await self._post(tickets[middle:])
            return
        if isinstance(error, InvariantViolation):
            shards = await self.store.shard_count()
            self.halted |= set(wanted_by([tickets[0].group], shards).shards)
        if not isinstance(error, ShardHalted):
            _LOG.error("a group cannot be posted", exc_info=error)
        self._fail(tickets, error)

    @staticmethod
    def _answer(tickets: Sequence[Ticket], outcomes: Sequence[Any]) -> None:
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            if not ticket.answer.done():
                ticket.answer.set_result(as_first(outcome, ticket.begun))

    @staticmethod
    def _fail(tickets: Sequence[Ticket], error: Exception) -> None:
        for ticket in tickets:
            if not ticket.answer.done():
                ticket.answer.set_exception(error)


def as_first(outcomes: Any, begun: tuple[Outcome, ...] | None) -> Any:
    """Outcomes found after a broken commit are no repeats if that commit made them."""
    if begun is None or len(begun) != len(outcomes):
        return outcomes
    return tuple(
        replace(outcome, replayed=outcome.replayed and first.replayed)
        for outcome, first in zip(outcomes, begun, strict=True)
    )
