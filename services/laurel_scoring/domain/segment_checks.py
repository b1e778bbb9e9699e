"""What can be wrong with groups of members: every fault at once, with its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from laurel_scoring.domain.balance_checks import Fault
from laurel_scoring.domain.model_checks import repeated
from laurel_scoring.domain.segment_rules import InsightRules, RfmRules

# Below this a group hides nobody.
GROUP_MIN = 5


def check_insight(rules: InsightRules | None) -> Iterator[Fault]:
    """Every fault of the groups of a program."""
    if rules is None:
        return
    if rules.rfm is not None:
        yield from check_rfm(rules.rfm)
    groups = [group.group_id for group in rules.rfm.groups] if rules.rfm else []
    segments = [segment.segment_id for segment in rules.dormancy]
    yield from repeated(segments, "insight.dormancy[{}].segment_id", "segment")
    for number, segment_id in enumerate(segments):
        if segment_id in groups:
            yield f"insight.dormancy[{number}].segment_id", f"{segment_id!r} is a group of RFM"
    days = [segment.from_days for segment in rules.dormancy]
    yield from check_rising(days, "insight.dormancy[{}].from_days")
    if 0 < rules.preference_members_min < GROUP_MIN:
        yield "insight.preference_members_min", f"must be 0 or at least {GROUP_MIN}"
    if rules.preference_members_min and rules.rfm is None:
        yield "insight.preference_members_min", "needs rfm, whose window is that of the tastes"


def check_rfm(rfm: RfmRules) -> Iterator[Fault]:
    """Bounds out of order, a high that no score reaches, combinations without one group."""
    bounds = {"recency_days": rfm.recency_days, "orders": rfm.orders, "paid_minor_units": rfm.paid}
    for name, values in bounds.items():
        yield from check_rising(values, f"insight.rfm.{name}[{{}}]")
        if rfm.high_from > len(values) + 1:
            yield "insight.rfm.high_from", f"no score reaches it: {name} has {len(values)} bounds"
    names = [group.group_id for group in rfm.groups]
    yield from repeated(names, "insight.rfm.groups[{}].group_id", "group")
    seen: dict[tuple[bool, bool, bool], str] = {}
    for number, group in enumerate(rfm.groups):
        combination = (group.recent, group.frequent, group.valuable)
        if combination in seen:
            where = f"insight.rfm.groups[{number}]"
            yield where, f"is the combination of {seen[combination]!r} already"
        seen.setdefault(combination, group.group_id)


def check_rising(values: Sequence[int], path: str) -> Iterator[Fault]:
    """Numbers that do not rise; `path` has a place for the number."""
    for number, (lower, higher) in enumerate(pairwise(values), start=1):
        if higher <= lower:
            yield path.format(number), f"must be above {lower}, the one before"
