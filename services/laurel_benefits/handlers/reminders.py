"""Finds out of what members are to be reminded on a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day

from laurel_benefits.domain.ids import ProgramId
from laurel_benefits.domain.reminders import (
    Ending,
    Reminder,
    ReminderKind,
    Span,
    reminder_of,
    span_of,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import endings

PAGE = 1000
"""Most reminders of one message, and memberships read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReminders:
    """Whose reminders, of which day and kinds."""

    program_id: ProgramId
    day: date | None
    """None means today."""
    kinds: frozenset[ReminderKind]
    """Empty means all."""


async def stream_reminders(
    query: StreamReminders, *, resources: Resources
) -> AsyncIterator[Sequence[Reminder]]:
    """The reminders of a day, kind by kind, and at least one message.

    Raises ProgramNotFound, DependencyDown while the ledger does not answer.
    """
    revision = await revision_now(query.program_id, resources)
    zone = revision.time_zone
    day = query.day or business_day(resources.clock.now(), zone)
    yield ()
    for kind, days_before in revision.model.reminders.days_before.items():
        if query.kinds and kind not in query.kinds:
            continue
        span = span_of(day, days_before, zone)
        asset_id = revision.model.earning.asset_id
        async for found in endings_of(kind, query.program_id, span, asset_id, resources):
            yield reminders_of(found, zone)


def endings_of(
    kind: ReminderKind, program_id: ProgramId, span: Span, asset_id: str, resources: Resources
) -> AsyncIterator[Sequence[Ending]]:
    """What of a kind ends in a span."""
    if kind is ReminderKind.EXPIRING_POINTS:
        return resources.ledger.expiring_points(program_id, asset_id, span)
    return memberships_ending(kind, program_id, span, resources)


async def memberships_ending(
    kind: ReminderKind, program_id: ProgramId, span: Span, resources: Resources
) -> AsyncIterator[Sequence[Ending]]:
    """Memberships that end in a span, page by page; no transaction is open between two pages."""
    after: tuple[str, str] | None = None
    while True:
        async with resources.database.read() as connection:
            page = await READERS[kind](connection, program_id, span, after=after, limit=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].member_id, page[-1].reference


READERS: Mapping[ReminderKind, endings.Reader] = {
    ReminderKind.TRIAL_END: endings.trials_ending,
    ReminderKind.RELEASE_END: endings.releases_ending,
    ReminderKind.TERM_END: endings.terms_ending,
}


def reminders_of(found: Sequence[Ending], zone: ZoneInfo) -> Sequence[Reminder]:
    """The reminders of what ends."""
    return [reminder_of(ending, zone) for ending in found]
