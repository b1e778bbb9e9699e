"""Lanes: whatever arrived while the last commit was on its way is the next batch.

A lane has a queue and one task that empties it. Lanes share the shards between them, so that they
rarely wait for each other; that no two of them ever post in a shard at once is the work of the
locks in the database, not of the lanes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from laurel_kit.refusals import DeadlineExceeded, ShuttingDown
from laurel_kit.tasks import heed_cancellation

from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.domain.posting import Group, Outcome


@dataclass(slots=True, kw_only=True, eq=False)
class Ticket:
    """A group that waits to be posted, or an issuance in columns, which goes alone."""

    group: Group = field(default_factory=Group)
    issuance: Issuance | None = None
    deadline: float
    """On the loop's clock; a group that was not begun by then is not begun at all."""
    answer: asyncio.Future[Any]
    """Outcomes of the group; of an issuance, the indexes of what was posted."""
    begun: tuple[Outcome, ...] | None = None
    """What a commit was to make of it that ended without an answer."""

    @property
    def size(self) -> int:
        """How much of a batch it takes."""
        if self.issuance is not None:
            return self.issuance.size
        return max(1, len(self.group.commands) + len(self.group.due))

    def joins(self, tickets: Sequence[Ticket]) -> bool:
        """Whether it can be of the same batch as those before it."""
        return not tickets or (self.issuance is None and tickets[0].issuance is None)


WORTHWHILE = 64
"""Drafts beyond which a batch costs each of them little, so that waiting for more is idle."""
LINGERS_MAX = 8
"""How often a batch waits again because more have come: a few milliseconds at most."""
PostTickets = Callable[[Sequence[Ticket]], Awaitable[None]]
"""Posts the groups of some tickets in one commit and answers every one of them."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """A queue of tickets and the loop that posts them."""

    post: PostTickets
    batch_max: int
    linger: float = 0.0
    """Seconds to wait for more when several callers are at it."""
    waiting: deque[Ticket] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    load: int = 0
    """Drafts that wait."""
    closing: bool = False
    crowded: bool = False
    """Whether the last batch was of several callers."""

    def submit(self, ticket: Ticket) -> None:
        """Have a ticket posted with the next batch. Raises ShuttingDown."""
        if self.closing:
            raise ShuttingDown
        self.waiting.append(ticket)
        self.load += ticket.size
        self.arrived.set()

    async def run(self) -> None:
        """Post batch after batch until the task is cancelled; what waits then is refused."""
        self.closing = False
        try:
            while True:
                await self.arrived.wait()
                await self._linger()
                if tickets := self.take():
                    self.crowded = len(tickets) > 1
                    await self.post(tickets)
                    heed_cancellation()
        finally:
            self.closing = True
            self._refuse_waiting()

    async def _linger(self) -> None:
        """Give callers who are being read a moment, where there is more than one of them.

        Single drafts come in slower than a commit ends, so that without this each would have
        a commit almost to itself. As long as more of them come it goes on, but not for long; who
        is alone is not kept waiting, nor is a batch that pays.
        """
        if not self.linger or not (self.crowded or len(self.waiting) > 1):
            return
        for _ in range(LINGERS_MAX):
            before = self.load
            if before >= WORTHWHILE:
                return
            await asyncio.sleep(self.linger)
            if self.load == before:
                return

    def take(self) -> list[Ticket]:
        """The next batch: all that wait, up to the limit; a larger group goes alone."""
        tickets: list[Ticket] = []
        size = 0
        now = asyncio.get_running_loop().time()
        while self.waiting and (not tickets or size + self.waiting[0].size <= self.batch_max):
            if not self.waiting[0].joins(tickets):
                break
            ticket = self._next()
            if ticket.answer.done():
                continue  # The caller has gone.
            if ticket.deadline <= now:
                ticket.answer.set_exception(DeadlineExceeded())
                continue
            tickets.append(ticket)
            size += ticket.size
        if not self.waiting:
            self.arrived.clear()
        return tickets

    def _next(self) -> Ticket:
        ticket = self.waiting.popleft()
        self.load -= ticket.size
        return ticket

    def _refuse_waiting(self) -> None:
        """Nothing that was not begun will be."""
        while self.waiting:
            ticket = self._next()
            if not ticket.answer.done():
                ticket.answer.set_exception(ShuttingDown())
