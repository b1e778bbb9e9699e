"""Finds out of what members are to be reminded on a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from laurel_kit.calendar import business_day

from laurel_benefits.domain.ids import MemberId, ProgramId, ScoreModelId
from laurel_benefits.domain.reminders import (
    Ending,
    Place,
    Reminder,
    ReminderKind,
    Span,
    kinds_to_come,
    place_of,
    reminder_of,
    span_of,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import endings, habits
from laurel_benefits.storage.members import members_after

DAY = timedelta(days=1)
PAGE = 1000
"""Most reminders of one message, and memberships read at a time."""

TIERS = 250
"""Members whose tiers scoring is asked for at a time; each may have a reminder for each model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReminders:
    """Whose reminders, of which day and kinds."""

    program_id: ProgramId
    day: date | None
    """None means today."""
    kinds: frozenset[ReminderKind]
    """Empty means all."""
    after: Place | None = None
    """How far an earlier stream has come; None from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReminders:
    """The next reminders of a day, and how far the stream has come with them."""

    day: date
    reminders: tuple[Reminder, ...]
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What of a kind is looked for, behind a place of an earlier stream."""

    program_id: ProgramId
    kind: ReminderKind
    last_day: date
    """The last business day of what is looked for."""
    span: Span
    asset_ids: Sequence[str]
    model_ids: Sequence[ScoreModelId]
    after: Place | None


async def stream_reminders(
    query: StreamReminders, *, resources: Resources
) -> AsyncIterator[DueReminders]:
    """The reminders of a day, kind by kind, and at least one message.

    Raises ProgramNotFound, DependencyDown while the ledger or scoring does not answer.
    """
    revision = await revision_now(query.program_id, resources)
    rules, zone = revision.model.reminders, revision.time_zone
    day = query.day or business_day(resources.clock.now(), zone)
    yield DueReminders(day=day, reminders=(), place=query.after)
    for kind in kinds_to_come(rules, query.kinds, query.after):
        search = Search(
            program_id=query.program_id,
            kind=kind,
            last_day=day + DAY * rules.days_before[kind],
            span=span_of(day, rules.days_before[kind], zone),
            asset_ids=rules.asset_ids,
            model_ids=rules.tier_model_ids,
            after=query.after if query.after and query.after.kind is kind else None,
        )
        async for found in endings_of(search, resources):
            yield DueReminders(
                day=day,
                reminders=tuple(reminder_of(ending, zone) for ending in found),
                place=place_of(found[-1]),
            )


def endings_of(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """What of a kind ends in a span; no page is empty."""
    if search.kind is ReminderKind.EXPIRING_POINTS:
        return points_expiring(search, resources)
    if search.kind is ReminderKind.TIER_END:
        return tiers_ending(search, resources)
    if search.kind is ReminderKind.STREAK_END:
        return streaks_ending(search, resources)
    return rows_ending(search, resources)


async def points_expiring(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """Points that become void, in the ledger's order.

    The ledger has no place to go on from: what was sent is read again and left out. Where the lot
    that was sent last is gone, everything comes again, for its place is not known.
    """
    found = False
    async for page in points_pages(search, resources):
        rest = page if found else behind(page, search.after)
        found = found or rest is not None
        if rest:
            yield rest
    if found or search.after is None:
        return
    async for page in points_pages(search, resources):
        yield page


async def points_pages(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """Points that become void, asset by asset; pages without any are left out."""
    for asset_id in search.asset_ids:
        pages = resources.ledger.expiring_points(search.program_id, asset_id, search.span)
        async for page in pages:
            if page:
                yield page


def behind(page: Sequence[Ending], after: Place | None) -> Sequence[Ending] | None:
    """What of a page stands behind a place; None where the place is not on the page."""
    if after is None:
        return page
    for number, ending in enumerate(page):
        if place_of(ending) == after:
            return page[number + 1 :]
    return None


async def rows_ending(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """What of this service ends in a span, page by page; no transaction is open between two."""
    place = search.after
    after = (str(place.member_id), place.reference) if place else None
    read = READERS[search.kind]
    while True:
        async with resources.database.read() as connection:
            page = await read(connection, search.program_id, search.span, after=after, limit=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].member_id, page[-1].reference


READERS: Mapping[ReminderKind, endings.Reader] = {
    ReminderKind.TRIAL_END: endings.trials_ending,
    ReminderKind.RELEASE_END: endings.releases_ending,
    ReminderKind.TERM_END: endings.terms_ending,
    ReminderKind.TREE_RIPE: habits.trees_ripe,
}


async def streaks_ending(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """Days in a row that end with a day, page by page (J7)."""
    after = search.after.member_id if search.after else None
    while True:
        async with resources.database.read() as connection:
            page = await habits.streaks_ending(
                connection, search.program_id, search.last_day, search.span, after=after, limit=PAGE
            )
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].member_id


async def tiers_ending(search: Search, resources: Resources) -> AsyncIterator[Sequence[Ending]]:
    """Tiers of the members of this service whose term ends in a span (A16, K7)."""
    after = search.after.member_id if search.after else MemberId("")
    while search.model_ids:
        async with resources.database.read() as connection:
            members = await members_after(connection, search.program_id, after, limit=TIERS)
        if members and (page := await tiers_of(members, search, resources)):
            yield page
        if len(members) < TIERS:
            return
        after = members[-1]


async def tiers_of(
    members: Sequence[MemberId], search: Search, resources: Resources
) -> Sequence[Ending]:
    """What of the tiers of some members ends in the span, by member."""
    found = [
        ending
        for model_id in search.model_ids
        for ending in await resources.scoring.tier_ends(search.program_id, model_id, members)
        if search.span.covers(ending.end_time)
    ]
    return sorted(found, key=lambda ending: (ending.member_id, ending.reference))
