"""Points for what facts hold up together: different categories, active months (C6, A7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import (
    ONE_DAY,
    add_months,
    day_start,
    month_start,
    next_month_start,
    year_start,
)

from laurel_scoring.domain.awards import Award, Known, matching
from laurel_scoring.domain.facts import PurchaseLine
from laurel_scoring.domain.history import Bought, Done
from laurel_scoring.domain.models import (
    DistinctKey,
    PerActivePeriod,
    PerDistinct,
    Period,
    Rule,
)
from laurel_scoring.domain.windows import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A fact in the window that holds up one key: a category, a day of a month."""

    key: str | date
    time: datetime
    activity_id: str
    day: date
    gone: tuple[datetime, str] | None = None
    """When a return took the last of it back, and which; only running balances look at it."""


def purchase_supports(
    rule: Rule, award: PerDistinct | PerActivePeriod, known: Known
) -> Iterator[Support]:
    """What purchases hold up on days of the window: lines with a piece still kept (C11).

    In a running balance also what they held up until it went back.
    """
    for bought in known.history.bought:
        if not known.span.holds(bought.day):
            continue
        lines = matching(bought.purchase, rule.condition)
        if not known.is_running:
            lines = [line for line in lines if bought.kept(line)]
        for key in dict.fromkeys(key_of(award, line, bought.day) for line in lines):
            if not key:
                continue
            gone = None
            if known.is_running and bought.returns:
                gone = gone_by(bought, [x for x in lines if key_of(award, x, bought.day) == key])
            yield Support(
                key=key,
                time=bought.purchase.activity_time,
                activity_id=bought.purchase.activity_id,
                day=bought.day,
                gone=gone,
            )


def gone_by(bought: Bought, lines: Sequence[PurchaseLine]) -> tuple[datetime, str] | None:
    """When the last piece of some lines of a purchase went back, and by which return."""
    for position, back in enumerate(bought.returns, start=1):
        returns = bought.returns[:position]
        if all(bought.returned_pieces(line, returns) >= line.quantity for line in lines):
            return back.activity_time, back.activity_id
    return None


def engagement_supports(
    award: PerDistinct | PerActivePeriod, chosen: Sequence[Done], span: Span
) -> Iterator[Support]:
    """What engagements hold up, on days of the window."""
    for done in chosen:
        key = done.day if isinstance(award, PerActivePeriod) else done.engagement.subject_id
        if key and span.holds(done.day):
            yield Support(
                key=key,
                time=done.engagement.activity_time,
                activity_id=done.engagement.activity_id,
                day=done.day,
            )


def key_of(award: PerDistinct | PerActivePeriod, line: PurchaseLine, day: date) -> str | date:
    """What a bought line holds up; empty when it does not say."""
    if isinstance(award, PerActivePeriod):
        return day
    keys = {
        DistinctKey.CATEGORY: line.category_id,
        DistinctKey.SHOP: line.shop_id,
        DistinctKey.SKU: line.sku_id,
    }
    return keys[award.key]


def award_sets(
    award: PerDistinct | PerActivePeriod, supports: Iterable[Support], known: Known
) -> list[Award]:
    """Points for each key that is held up (C6), by the fact that was enough."""
    groups: dict[str | date, list[Support]] = {}
    for support in supports:
        groups.setdefault(group_of(award, support), []).append(support)
    awards: list[Award] = []
    if known.is_running:
        for key, group in groups.items():
            awards += posted_awards(award, key, group, known)
    else:
        needed = days_needed(award)
        found = [set_award(award.points, group, needed) for group in groups.values()]
        awards += [each for each in found if each]
        if isinstance(award, PerActivePeriod) and award.consecutive:
            awards = run_of(awards, known.span)
    return sorted(awards, key=lambda each: (each.time, each.activity_id))


def run_of(awards: Sequence[Award], span: Span) -> list[Award]:
    """The months of the unbroken run that reaches up to the end of the window (I7).

    A month that is not over does not break it. What is left of a run goes with the month after it.
    """
    by_month = {month_start(each.day): each for each in awards if each.day}
    month = month_start(span.end - ONE_DAY)
    if month not in by_month and month_start(span.end) == month:
        month = add_months(month, -1)
    found: list[Award] = []
    breaks = add_months(month, 2)
    while month in by_month:
        by_month[month].breaks = breaks
        found.append(by_month[month])
        month = add_months(month, -1)
    return found


def days_needed(award: PerDistinct | PerActivePeriod) -> int:
    """How many different days it takes; a key needs one."""
    return award.days_min if isinstance(award, PerActivePeriod) else 1


def group_of(award: PerDistinct | PerActivePeriod, support: Support) -> str | date:
    """The key itself, or the period its day lies in."""
    if isinstance(award, PerDistinct):
        return support.key
    match award.period:
        case Period.DAY:
            return support.day
        case Period.MONTH:
            return month_start(support.day)
        case Period.YEAR:
            return year_start(support.day)


def set_award(points: int, supports: Sequence[Support], needed: int) -> Award | None:
    """Points for a group held up on enough days or, for a key, at all.

    They were earned by the first fact of the needed day, and last until fewer than the needed days
    are left in the window.
    """
    first_of_day: dict[date, Support] = {}
    for support in supports:
        first_of_day.setdefault(support.day, support)
    days = sorted(first_of_day)
    if len(days) < needed:
        return None
    enough = first_of_day[days[needed - 1]]
    return Award(
        time=enough.time,
        activity_id=enough.activity_id,
        points=points,
        counted=points,
        day=enough.day,
        last_day=days[-needed],
    )


def posted_awards(
    award: PerDistinct | PerActivePeriod, key: str | date, supports: Sequence[Support], known: Known
) -> Iterator[Award]:
    """What a running balance gets for a group, each time that it is held up on enough days.

    It is posted with the fact that was enough, or on the posting day for what is kept by then
    (A7), and revoked whole with the return that leaves too little (A14).
    """
    needed, posting = days_needed(award), posting_time(award, key, known.span.zone)
    if posting is not None and posting >= known.span.until:
        return
    held: dict[date, int] = {}
    given: Award | None = None
    for time, activity_id, support, change in changes_of(supports, posting):
        if support is not None:
            held[support.day] = held.get(support.day, 0) + change
        days = sum(count > 0 for count in held.values())
        if given is None and days >= needed and (posting is None or time >= posting):
            day = known.span.day_of(time)
            given = Award(
                time=time,
                activity_id=activity_id,
                points=award.points,
                counted=award.points,
                day=day,
                last_day=day,
            )
        elif given is not None and days < needed:
            given.revoked = time, activity_id
            yield given
            given = None
    if given is not None:
        yield given


def posting_time(
    award: PerDistinct | PerActivePeriod, key: str | date, zone: ZoneInfo
) -> datetime | None:
    """When the points of a month are posted; None when at once."""
    if not isinstance(award, PerActivePeriod) or not award.posting_day:
        return None
    assert isinstance(key, date), "periods are told by their first day"
    return day_start(next_month_start(key).replace(day=award.posting_day), zone)


Change = tuple[datetime, str, Support | None, int]
"""When something changes, the fact that does it, what it holds up, and by how much."""


def changes_of(supports: Sequence[Support], posting: datetime | None) -> list[Change]:
    """What comes and goes in a group, in order, the posting among it.

    The posting is named after the last fact before it that still counts.
    """
    found: list[Change] = []
    for support in supports:
        found.append((support.time, support.activity_id, support, 1))
        if support.gone is not None:
            found.append((*support.gone, support, -1))
    if posting is not None:
        kept = [each for each in supports if each.gone is None or each.gone[0] > posting]
        last = max(kept or supports, key=lambda each: (each.time, each.activity_id))
        found.append((posting, last.activity_id, None, 0))
    # Of one instant what comes is before what goes, so that nothing goes that has not come.
    return sorted(found, key=lambda each: (each[0], -each[3], each[1]))
