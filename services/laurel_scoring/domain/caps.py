"""Limits of what may count, applied in the order facts happened (C7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache

from laurel_kit.calendar import month_start

from laurel_scoring.domain.awards import Award
from laurel_scoring.domain.models import Cap, CapScope, CapUnit

Bucket = str | date | bool
"""What a cap is counted over: an order, a day, ... Anything false belongs to none."""

BUCKETS: dict[CapScope, Callable[[Award], Bucket | None]] = {
    CapScope.ORDER: lambda award: award.order_id,
    CapScope.DAY: lambda award: award.day,
    CapScope.MONTH: lambda award: award.day and month_start(award.day),
    CapScope.CATEGORY: lambda award: award.category_id,
    CapScope.SHOP: lambda award: award.shop_id,
    CapScope.TOTAL: lambda _: True,
}
"""In the order in which caps are applied: what one leaves is what the next one sees."""

LISTS_KEPT = 2000
"""Lists of caps whose order is known by heart: the rules and dimensions of some ten revisions."""

WHOLE = (CapScope.ORDER, CapScope.DAY, CapScope.MONTH)
"""Scopes looked at whole, also before the window: a grant does not change as the window moves."""


@lru_cache(maxsize=LISTS_KEPT)
def before_window(caps: tuple[Cap, ...]) -> list[Cap]:
    """The caps that look at whole orders, days and months, in the order they are applied."""
    return in_turn(cap for cap in caps if cap.scope in WHOLE)


@lru_cache(maxsize=LISTS_KEPT)
def inside_window(caps: tuple[Cap, ...]) -> list[Cap]:
    """The caps that look at the window, in the order they are applied."""
    return in_turn(cap for cap in caps if cap.scope not in WHOLE)


def in_turn(caps: Iterable[Cap]) -> list[Cap]:
    """By scope, points before times."""
    scopes, units = list(BUCKETS), list(CapUnit)
    return sorted(caps, key=lambda cap: (scopes.index(cap.scope), units.index(cap.unit)))


def apply_caps(caps: Sequence[Cap], awards: Sequence[Award]) -> None:
    """Cut awards, which are in the order their facts happened, down to every cap in turn."""
    for cap in caps:
        apply_cap(cap, awards)


def apply_cap(cap: Cap, awards: Sequence[Award]) -> None:
    """Let the first awards of each bucket use up its limit."""
    used: dict[Bucket, int] = {}
    bucket_of = BUCKETS[cap.scope]
    reason = f"{cap.scope.value}_{cap.unit.value}"
    for award in awards:
        bucket = bucket_of(award)
        if not bucket or not award.counted:
            continue
        left = cap.limit - used.get(bucket, 0)
        allowed = left if cap.unit is CapUnit.POINTS else award.counted * (left > 0)
        award.cut(reason, limit=cap.limit, allowed=min(award.counted, allowed))
        counts = award.counted if cap.unit is CapUnit.POINTS else int(award.counted > 0)
        used[bucket] = used.get(bucket, 0) + counts
