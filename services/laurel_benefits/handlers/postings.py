"""Tells the ledger what was decided, and does what follows from its answer.

Every step can be repeated: the ledger knows a posting by the request id that was stored with the
decision, and what follows is one transaction with the record of the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.ids import MemberKey, RequestId
from laurel_benefits.domain.postings import Posting, PostingSource
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import postings
from laurel_benefits.storage.members import lock_member

_LOG = logging.getLogger(__name__)

Conclude = Callable[[Connection, Posting, Resources], Awaitable[None]]
"""What follows from a posting, in the transaction that records the ledger's answer to it."""

Conclusions = Mapping[PostingSource, Conclude]
"""What follows, by what a posting is for; for some nothing does."""


def new_posting_id() -> RequestId:
    """A name for a posting that is about to be stored."""
    return RequestId(new_id())


async def store_posting(
    connection: Connection, posting: Posting, resources: Resources, *, at_once: bool = False
) -> None:
    """Store a posting; the call that does so makes it, or the relay after a while.

    Where there is no call, as for what the clock does, the relay makes it `at_once`.
    """
    delay = timedelta() if at_once else resources.limits.relay_delay
    attempt_time = resources.machine_clock.now() + delay
    await postings.insert_posting(connection, posting, attempt_time=attempt_time)


async def carry_out(
    member: MemberKey, source_id: str, conclusions: Conclusions, *, resources: Resources
) -> None:
    """Make every posting of one thing that is not made yet. Raises DependencyDown."""
    while True:
        async with resources.database.read() as connection:
            posting = await postings.next_pending(connection, member, source_id)
        if posting is None:
            return
        await make_posting(posting, conclusions, resources)


async def make_posting(posting: Posting, conclusions: Conclusions, resources: Resources) -> None:
    """Make one posting and do what follows from the answer. Raises DependencyDown."""
    outcome = await resources.ledger.make_posting(posting)
    now = resources.clock.now()
    answered = replace(
        posting,
        state=outcome.state,
        refusal=outcome.refusal,
        commit_token=outcome.commit_token,
    )

    async def work(connection: Connection) -> None:
        await lock_member(connection, posting.member, now=now)
        first = await postings.settle_posting(connection, posting, outcome)
        conclude = conclusions.get(posting.source)
        if first and conclude:
            await conclude(connection, answered, resources)

    await resources.database.transact(work)


async def relay_postings(*, conclusions: Conclusions, resources: Resources) -> int:
    """Make postings that were left unmade; returns how many were looked at."""
    now, limits = resources.machine_clock.now(), resources.limits

    async def claim(connection: Connection) -> list[Posting]:
        return list(
            await postings.claim_unposted(
                connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
            )
        )

    claimed = await resources.database.transact(claim)
    for posting in claimed:
        try:
            await make_posting(posting, conclusions, resources)
        except DependencyDown as down:
            name = f"{posting.member.program_id}/{posting.member.member_id}"
            _LOG.warning("%s does not answer; a posting of %s waits", down.dependency, name)
    return len(claimed)
