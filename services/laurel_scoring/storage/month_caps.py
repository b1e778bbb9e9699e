"""Caps of statements of months: each in its turn, the first awards of a bucket use up its limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from laurel_scoring.domain.caps import before_window, inside_window
from laurel_scoring.domain.courses import NotExpressible
from laurel_scoring.domain.models import Cap, CapScope, CapUnit

BUCKETS: dict[CapScope, str] = {
    CapScope.ORDER: "order_id",
    CapScope.DAY: "day",
    CapScope.MONTH: "month",
    CapScope.CATEGORY: "nullif(category, '')",
    CapScope.SHOP: "nullif(shop, '')",
    CapScope.TOTAL: "true",
}


def cap_steps(
    by_rule: Mapping[int, Sequence[Cap]],
    by_dimension: Mapping[int, tuple[int, Sequence[Cap]]],
) -> list[str]:
    """The steps from `award` to `capped_n`: the caps of rules, then those of their dimensions.

    Both are given by the number of the rule. Raises NotExpressible.
    """
    branches = " ".join(f"when {rule} then {place}" for rule, (place, _) in by_dimension.items())
    shared = {rule: caps for rule, (_, caps) in by_dimension.items()}
    steps: list[str] = []
    for caps, owner in ((by_rule, "rule"), (shared, f"(case rule {branches} end)")):
        for turn in (before_window, inside_window):
            for scope, unit in in_turn(caps.values(), turn):
                limits = limits_by_rule(caps, scope, unit)
                source = f"capped_{len(steps) - 1}" if steps else "award"
                step = cap_step(source, scope, unit, limits, owner, within=turn is inside_window)
                steps.append(f"capped_{len(steps)} as (\n{step}\n)")
    return steps


def in_turn(
    lists: Iterable[Sequence[Cap]], turn: Callable[[tuple[Cap, ...]], list[Cap]]
) -> list[tuple[CapScope, CapUnit]]:
    """The kinds of caps that any of some lists has, in the order in which caps are applied."""
    every = tuple(dict.fromkeys(cap for caps in lists for cap in caps))
    return list(dict.fromkeys((cap.scope, cap.unit) for cap in turn(every)))


def limits_by_rule(
    caps: Mapping[int, Sequence[Cap]], scope: CapScope, unit: CapUnit
) -> dict[int, int]:
    """The limit of one kind of cap for each rule that has it. Raises NotExpressible."""
    found: dict[int, int] = {}
    for number, listed in caps.items():
        limits = [cap.limit for cap in listed if (cap.scope, cap.unit) == (scope, unit)]
        if len(limits) > 1:
            raise NotExpressible
        if limits:
            found[number] = limits[0]
    return found


def cap_step(
    source: str,
    scope: CapScope,
    unit: CapUnit,
    limits: Mapping[int, int],
    owner: str,
    *,
    within: bool,
) -> str:
    """Let the first awards of each bucket use up its limit."""
    limit = "case rule " + " ".join(f"when {n} then {most}" for n, most in limits.items()) + " end"
    bucket = BUCKETS[scope]
    numbers = ", ".join(map(str, limits))
    concerned = f"rule in ({numbers}) and {bucket} is not null" + (" and inside" if within else "")
    if unit is CapUnit.POINTS:
        allowed = f"greatest(least(counted, ({limit}) - (sum(counted) over cut - counted)), 0)"
    else:
        allowed = (
            f"case when count(*) filter (where counted > 0) over cut <= ({limit}) "
            "then counted else 0 end"
        )
    return f"""select place, at, rule, turn, day, month, order_id, category, shop, activity_time,
    case when {concerned} then {allowed}::bigint else counted end as counted,
    inside, paid, money, everything, numbers
from {source}
window cut as (
    partition by place, at, {owner}, ({concerned}), {bucket}
    order by turn, rule, category collate "C", shop collate "C"
    rows unbounded preceding
)"""
