"""Tells scoring what members did, each member's facts in their order."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from laurel_kit.database import Connection
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.activities import Activity, ActivityTelling, Deletion
from laurel_benefits.domain.ids import MemberKey
from laurel_benefits.domain.orders import TellingOutcome, TellingState
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import activities
from laurel_benefits.storage.activities import Untold

_LOG = logging.getLogger(__name__)


async def tell_soon(member: MemberKey, stored: Iterable[Activity], resources: Resources) -> None:
    """Tell scoring of activities and of what came before; when it does not answer, the relay does
    so later.
    """
    positions = [each.position for each in stored if each.telling is ActivityTelling.PENDING]
    if positions:
        await tell_or_wait(Untold(member=member, up_to_position=max(positions)), resources)


async def tell_or_wait(untold: Untold, resources: Resources) -> None:
    """Tell scoring, if it answers."""
    try:
        await tell_up_to(untold, resources)
    except DependencyDown as down:
        name = f"{untold.member.program_id}/{untold.member.member_id}"
        _LOG.warning("%s does not answer; activities of %s are told later", down.dependency, name)


async def tell_up_to(untold: Untold, resources: Resources) -> None:
    """Tell scoring of a member's activities up to a place, the earliest first."""
    while told := await next_untold(untold, resources):
        outcomes = await tell(told, resources)
        await settle(told, outcomes, resources)


async def next_untold(untold: Untold, resources: Resources) -> Sequence[Activity]:
    """The next ones that are told in one call: a deletion by itself, others together."""
    async with resources.database.read() as connection:
        found = await activities.untold_activities(
            connection, untold, limit=resources.limits.telling_batch_max
        )
    deletions = [place for place, each in enumerate(found) if deletes(each)]
    if not deletions:
        return found
    return found[: max(deletions[0], 1)]


async def tell(told: Sequence[Activity], resources: Resources) -> Sequence[TellingOutcome]:
    """What scoring says to them. Raises DependencyDown."""
    if deletes(told[0]):
        return [await resources.scoring.retract_activity(told[0])]
    return await resources.scoring.record_activities(told)


async def settle(
    told: Sequence[Activity], outcomes: Sequence[TellingOutcome], resources: Resources
) -> None:
    """Record what scoring answered."""

    async def work(connection: Connection) -> None:
        for each, outcome in zip(told, outcomes, strict=True):
            await activities.settle_telling(connection, each, outcome)

    await resources.database.transact(work)
    for each, outcome in zip(told, outcomes, strict=True):
        if outcome.state is TellingState.REFUSED:
            _LOG.error(
                "scoring refuses activity %s of %s/%s: %s",
                each.draft.activity_id,
                each.member.program_id,
                each.member.member_id,
                outcome.refusal,
            )


def deletes(activity: Activity) -> bool:
    """Whether it takes another one back."""
    return isinstance(activity.draft.fact, Deletion)


async def relay_activities(*, resources: Resources) -> int:
    """Tell scoring of activities that were left untold; returns how many members had some."""
    now, limits = resources.machine_clock.now(), resources.limits

    async def claim(connection: Connection) -> list[Untold]:
        return list(
            await activities.claim_untold(
                connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
            )
        )

    claimed = await resources.database.transact(claim)
    for untold in claimed:
        await tell_or_wait(untold, resources)
    return len(claimed)
