"""What rules give for engagements: logins, reviews and the rest (A3, A8-A14, C7, C8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

from laurel_kit.calendar import add_months

from laurel_scoring.domain.awards import Award, Known
from laurel_scoring.domain.facts import Engagement, ReviewQuality
from laurel_scoring.domain.history import Done, Items
from laurel_scoring.domain.models import (
    Condition,
    Dimension,
    FromEngagements,
    PerActivePeriod,
    PerCount,
    PerDistinct,
    Rule,
    Suspension,
)
from laurel_scoring.domain.sets import award_sets, engagement_supports
from laurel_scoring.domain.windows import DAYS_KEPT

ORDER_AGE = "order_age"
ORDER_UNKNOWN = "order_unknown"
BEFORE_PURCHASE = "before_purchase"
REPEATED = "repeated"
UNQUALIFIED = "unqualified"
SUSPENDED = "suspended"

UNKNOWN_QUALITY = ReviewQuality()
"""What conditions read where nothing is said."""

Withheld = tuple[str, int]
"""Why an engagement gives nothing, and the limit that says so."""

Conduct = Mapping[str, Withheld]
"""The engagements that give nothing for their quality, or that of others before, by their ids."""


def engagement_awards(
    rule: Rule, source: FromEngagements, award: object, known: Known, conduct: Conduct
) -> list[Award]:
    """What a rule gives for engagements of its kinds that meet its condition."""
    chosen = chosen_by(rule, known.history.done_of(source.kinds), known.items)
    match award:
        case PerCount(points=points):
            awards = [engagement_award(points, done) for done in chosen]
            if rule.while_item_kept:
                hang_on_items(awards, chosen, known.items)
            if conduct or rule.after_purchase or rule.order_age_months_max:
                withhold(rule, awards, chosen, known, conduct)
            if rule.repeat_order_days:
                cut_repeats(awards, chosen, rule.repeat_order_days, known.order_days)
            return awards
        case PerDistinct() | PerActivePeriod():
            free = [done for done in chosen if withheld(rule, done, known, conduct) is None]
            return award_sets(award, engagement_supports(award, free, known.span), known)
    raise AssertionError("a checked model gives engagements an award of their kind")


def chosen_by(rule: Rule, done: Sequence[Done], items: Items) -> Sequence[Done]:
    """The engagements that meet the condition of a rule, most of which have none."""
    condition = rule.condition
    if condition is None:
        return done
    return [
        each
        for each in done
        if meets(condition, each.engagement, items, reads_item=rule.reads_item)
    ]


def meets(condition: Condition, engagement: Engagement, items: Items, *, reads_item: bool) -> bool:
    """Whether an engagement meets a condition; the article is looked up where it is asked for."""
    return condition.holds(engagement_values(engagement, items if reads_item else None))


def engagement_values(
    engagement: Engagement, items: Items | None
) -> dict[str, str | int | bool | list[str]]:
    """What a condition on engagements knows of one, and of the article it is about."""
    quality = engagement.review_quality or UNKNOWN_QUALITY
    found = items.find(engagement.order_id, engagement.subject_id) if items else None
    line = found[1] if found else None
    return {
        "kind": engagement.kind,
        "subject_id": engagement.subject_id,
        "order_id": engagement.order_id,
        "copied_bps": quality.copied_bps,
        "overlap_bps": quality.overlap_bps,
        "punctuation_stuffed": quality.punctuation_stuffed,
        "report_count": quality.report_count,
        "poster_place": quality.poster_place,
        "item_paid": line.paid // line.quantity if line else 0,
        "item_category_id": line.category_id if line else "",
        "item_goods_class": line.goods_class if line else "",
    }


def engagement_award(points: int, done: Done) -> Award:
    """Points for one engagement."""
    engagement = done.engagement
    return Award(
        time=engagement.activity_time,
        activity_id=engagement.activity_id,
        points=points,
        counted=points,
        day=done.day,
        last_day=done.day,
        order_id=engagement.order_id,
    )


def hang_on_items(awards: Iterable[Award], chosen: Sequence[Done], items: Items) -> None:
    """Let returns of the articles take the points back (A14)."""
    for award, done in zip(awards, chosen, strict=True):
        found = items.find(done.engagement.order_id, done.engagement.subject_id)
        if found:
            award.bought, award.lines = found[0], (found[1],)


def withhold(
    rule: Rule, awards: Iterable[Award], chosen: Sequence[Done], known: Known, conduct: Conduct
) -> None:
    """Let nothing count of engagements that something stands against."""
    for award, done in zip(awards, chosen, strict=True):
        if reason := withheld(rule, done, known, conduct):
            award.cut(reason[0], limit=reason[1], allowed=0)


def withheld(rule: Rule, done: Done, known: Known, conduct: Conduct) -> Withheld | None:
    """Why an engagement gives nothing; None when it does."""
    if conduct and (reason := conduct.get(done.engagement.activity_id)):
        return reason
    if rule.after_purchase and not has_bought(done, known):
        return BEFORE_PURCHASE, 0
    return age_cut(rule, done, known.order_days)


def has_bought(done: Done, known: Known) -> bool:
    """Whether the member had bought something by the time of an engagement (A3)."""
    first = known.history.first_purchase_time
    return first is not None and first <= done.engagement.activity_time


def age_cut(rule: Rule, done: Done, order_days: Mapping[str, date]) -> Withheld | None:
    """Why an engagement does not count for the age of its order; None when it does (C8).

    The last day that counts is the same day of the month so many months after the order.
    """
    months = rule.order_age_months_max
    if not months:
        return None
    ordered = order_days.get(done.engagement.order_id)
    if ordered is None:
        return ORDER_UNKNOWN, months
    return None if done.day <= last_day_of_age(ordered, months) else (ORDER_AGE, months)


@lru_cache(maxsize=DAYS_KEPT)
def last_day_of_age(ordered: date, months: int) -> date:
    """The day up to which an order is no older than so many months."""
    return add_months(ordered, months)


def cut_repeats(
    awards: Iterable[Award], chosen: Sequence[Done], days: int, order_days: Mapping[str, date]
) -> None:
    """Let one fact of a subject count for orders at most so many days apart, the first (A11).

    Where the order is not known, the day of the fact stands for that of the order.
    """
    counted: dict[str, list[date]] = {}
    for award, done in zip(awards, chosen, strict=True):
        subject = done.engagement.subject_id
        if not subject or not award.counted:
            continue
        day = order_days.get(done.engagement.order_id, done.day)
        earlier = counted.setdefault(subject, [])
        if any(abs((day - each).days) <= days for each in earlier):
            award.cut(REPEATED, limit=days, allowed=0)
        else:
            earlier.append(day)


def conduct_of(dimension: Dimension, known: Known) -> Conduct:
    """What the quality of a dimension's engagements withholds (A12, A13); it has a suspension."""
    assert dimension.suspension is not None, "asked for dimensions that judge quality"
    kinds = [
        rule.source.kinds for rule in dimension.rules if isinstance(rule.source, FromEngagements)
    ]
    done = known.history.done_of(frozenset().union(*kinds))
    return judged(dimension.suspension, done, known.items)


def judged(suspension: Suspension, done: Iterable[Done], items: Items) -> Conduct:
    """Bad engagements, and all that follow too many of them until the suspension is over.

    The bad ones of a suspension are not counted towards the next one.
    """
    found: dict[str, Withheld] = {}
    bad, until = 0, date.min
    condition, reads_item = suspension.condition, suspension.reads_item
    for each in done:
        if each.day < until:
            found[each.engagement.activity_id] = SUSPENDED, suspension.bad_max
        elif meets(condition, each.engagement, items, reads_item=reads_item):
            found[each.engagement.activity_id] = UNQUALIFIED, suspension.bad_max
            bad += 1
            if bad > suspension.bad_max:
                bad, until = 0, add_months(each.day, suspension.months)
    return found
