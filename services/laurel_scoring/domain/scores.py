"""The score of a member: one pure function of facts, model and time.

Live scores, settlements and explanations are all this function, so they cannot disagree: `worth` is
its value alone, from the same awards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from laurel_scoring.domain.awards import Award, Cut, Known, awards_of
from laurel_scoring.domain.caps import apply_caps, before_window, inside_window
from laurel_scoring.domain.facts import Fact, PurchaseReturn
from laurel_scoring.domain.history import (
    Bought,
    History,
    Standing,
    history_of,
    in_order,
    standing_of,
)
from laurel_scoring.domain.models import (
    CapScope,
    Dimension,
    DistinctKey,
    Level,
    Measure,
    PerAmount,
    Rule,
    ScoreModel,
    Window,
)
from laurel_scoring.domain.windows import INSTANT, Moment, Span, roll_off_date, span_of

NEVER_REPORTED = -1
"""What a ceiling's condition reads for a credit measure without a report."""

SPLITS = {CapScope.CATEGORY: DistinctKey.CATEGORY, CapScope.SHOP: DistinctKey.SHOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One reason for points: what a fact gave by a rule, or a return took back (below zero)."""

    dimension_id: str
    rule_id: str
    activity_id: str
    activity_time: datetime
    uncapped: int
    counted: int
    cuts: tuple[Cut, ...]
    roll_off_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionTotal:
    """The sum of one dimension."""

    dimension_id: str
    display_name: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What a ceiling takes from the finished sum; below zero."""

    ceiling_id: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A score and why it is what it is: contributions and adjustments sum to the value exactly."""

    value: int
    level: Level
    span: Span
    contributions: tuple[Contribution, ...]
    dimensions: tuple[DimensionTotal, ...]
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """A score without its reasons; the same value that its explanation has."""

    value: int
    level: Level
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a member beside the score."""

    attributes: tuple[str, ...]
    credit_score: int | None
    credit_stars: int | None
    first_purchase_time: datetime | None


def score(facts: Iterable[Fact], model: ScoreModel, moment: Moment) -> Valuation:
    """The value of a member's facts by a model at a moment, with everything that made it (C1-C14).

    The order and number of times in which facts are given does not matter as long as each activity
    id is there once. The value is never below zero: returns take back at most what was granted.
    """
    ordered = in_order(facts)
    standing = standing_of(ordered, instant=moment.instant)
    reader = Reader(facts=ordered, standing=standing, moment=moment)
    contributions: list[Contribution] = []
    totals: list[DimensionTotal] = []
    for dimension in model.dimensions:
        parts = list(dimension_contributions(dimension, model, reader))
        contributions.extend(parts)
        totals.append(total_of(dimension, parts))
    uncut = sum(total.points for total in totals)
    adjustments = tuple(adjust(uncut, model, standing))
    value = uncut + sum(adjustment.points for adjustment in adjustments)
    assert value >= 0, "returns take back at most what was granted"
    return Valuation(
        value=value,
        level=model.level_of(value),
        span=span_of(model.window, moment),
        contributions=tuple(sorted(contributions, key=happened_first)),
        dimensions=tuple(totals),
        adjustments=adjustments,
    )


def worth(facts: Iterable[Fact], model: ScoreModel, moment: Moment) -> Worth:
    """The value that `score` has for the same arguments, when nobody asks for the reasons."""
    ordered = in_order(facts)
    standing = standing_of(ordered, instant=moment.instant)
    reader = Reader(facts=ordered, standing=standing, moment=moment)
    uncut = sum(
        net_points(each)
        for dimension in model.dimensions
        for each in dimension_awards(dimension, model, reader)
    )
    value = uncut + sum(adjustment.points for adjustment in adjust(uncut, model, standing))
    return Worth(value=value, level=model.level_of(value), span=span_of(model.window, moment))


def net_points(given: Given) -> int:
    """What is left of an award after all returns: what one by one they take adds up to that."""
    award = given.award
    if award.bought is None or not award.bought.returns:
        return award.counted
    return award.counted - share_returned(given.rule, award, award.bought, award.bought.returns)


def happened_first(contribution: Contribution) -> tuple[datetime, str]:
    """The order of an explanation; within a fact the order of the model stays."""
    return contribution.activity_time, contribution.activity_id


def total_of(dimension: Dimension, parts: Iterable[Contribution]) -> DimensionTotal:
    """The sum of one dimension."""
    return DimensionTotal(
        dimension_id=dimension.dimension_id,
        display_name=dimension.display_name,
        points=sum(part.counted for part in parts),
    )


class Reader:
    """What rules look at, read once for each window and shared by the rules that have it."""

    def __init__(self, *, facts: Sequence[Fact], standing: Standing, moment: Moment) -> None:
        self.moment = moment
        self._facts = facts
        self._standing = standing
        self._known: dict[Window, Known] = {}

    def known(self, window: Window) -> Known:
        """What a rule with this window looks at."""
        if window not in self._known:
            self._known[window] = self._read(window)
        return self._known[window]

    def _read(self, window: Window) -> Known:
        span = span_of(window, self.moment)
        history = history_of(self._facts, until=span.until, zone=self.moment.zone)
        return Known(
            history=history, standing=self._standing, span=span, order_days=history.order_days()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An award with the rule that gives it and the window it counts in, if it is inside."""

    award: Award
    rule: Rule
    window: Window
    inside: bool


def dimension_contributions(
    dimension: Dimension, model: ScoreModel, reader: Reader
) -> Iterator[Contribution]:
    """Every contribution of a dimension."""
    for each in dimension_awards(dimension, model, reader):
        yield from contributions_of(each, dimension, model, reader.moment)


def dimension_awards(dimension: Dimension, model: ScoreModel, reader: Reader) -> list[Given]:
    """What the rules of a dimension give, cut by their caps and then by the dimension's."""
    given = [
        each for rule in dimension.rules for each in rule_awards(rule, dimension, model, reader)
    ]
    given.sort(key=lambda each: (each.award.time, each.award.activity_id))
    inside = [each for each in given if each.inside]
    apply_caps(before_window(dimension.caps), [each.award for each in given])
    apply_caps(inside_window(dimension.caps), [each.award for each in inside])
    return inside


def rule_awards(rule: Rule, dimension: Dimension, model: ScoreModel, reader: Reader) -> list[Given]:
    """What a rule gives, cut by its caps; also before its window, for the caps of the dimension."""
    window = rule.window or model.window
    known = reader.known(window)
    awards = awards_of(rule, known, split=split_of(rule, dimension))
    given = [
        Given(award=award, rule=rule, window=window, inside=is_inside(award, known.span))
        for award in awards
    ]
    apply_caps(before_window(rule.caps), awards)
    apply_caps(inside_window(rule.caps), [each.award for each in given if each.inside])
    return given


def is_inside(award: Award, span: Span) -> bool:
    """Whether an award counts: what has no day stands as long as nothing changes."""
    return award.day is None or span.holds(award.day)


def split_of(rule: Rule, dimension: Dimension) -> frozenset[DistinctKey]:
    """What purchases are valued apart by, so that caps of categories and shops can look at them."""
    caps = (*rule.caps, *dimension.caps)
    return frozenset(SPLITS[cap.scope] for cap in caps if cap.scope in SPLITS)


def contributions_of(
    given: Given, dimension: Dimension, model: ScoreModel, moment: Moment
) -> Iterator[Contribution]:
    """An award and everything that returns took back of it."""
    award = given.award
    leaves = award.last_day and roll_off_date(
        award.last_day, given.window, moment, model.settlement_day
    )
    yield Contribution(
        dimension_id=dimension.dimension_id,
        rule_id=given.rule.rule_id,
        activity_id=award.activity_id,
        activity_time=award.time,
        uncapped=award.points,
        counted=award.counted,
        cuts=tuple(award.cuts),
        roll_off_date=leaves,
    )
    if award.bought is not None:
        for back, points in taken_back(given.rule, award, award.bought):
            yield Contribution(
                dimension_id=dimension.dimension_id,
                rule_id=given.rule.rule_id,
                activity_id=back.activity_id,
                activity_time=back.activity_time,
                uncapped=-points,
                counted=-points,
                cuts=(),
                roll_off_date=leaves,
            )


def taken_back(rule: Rule, award: Award, bought: Bought) -> Iterator[tuple[PurchaseReturn, int]]:
    """What each return takes of an award: together the returned share of what counted, floored; the
    last one takes the rest (C11).
    """
    taken = 0
    for position, back in enumerate(bought.returns, start=1):
        share = share_returned(rule, award, bought, bought.returns[:position])
        if share > taken:
            yield back, share - taken
            taken = share


def share_returned(
    rule: Rule, award: Award, bought: Bought, returns: Sequence[PurchaseReturn]
) -> int:
    """How much of the counted points these returns take together."""
    pieces = [bought.returned_pieces(line, returns) for line in award.lines]
    if all(piece >= line.quantity for piece, line in zip(pieces, award.lines, strict=True)):
        return award.counted
    if not isinstance(rule.award, PerAmount):
        return 0
    paid = sum(line.paid for line in award.lines)
    money = sum(bought.returned_money(line, returns) for line in award.lines)
    return award.counted * money // paid


def adjust(uncut: int, model: ScoreModel, standing: Standing) -> Iterator[Adjustment]:
    """What the ceilings that hold take from the sum, each from what the one before left (B12)."""
    values: dict[str, str | int | bool | list[str]] = {}
    for measure in Measure:
        reported = standing.credit_of(measure)
        values[measure.value] = NEVER_REPORTED if reported is None else reported
    value = uncut
    for ceiling in model.ceilings:
        if value > ceiling.score_max and ceiling.condition.holds(values):
            yield Adjustment(ceiling_id=ceiling.ceiling_id, points=ceiling.score_max - value)
            value = ceiling.score_max


def profile_of(facts: Iterable[Fact], moment: Moment) -> Profile:
    """What is known of a member at a moment, itself included."""
    ordered = in_order(facts)
    standing = standing_of(ordered, instant=moment.instant)
    history = history_of(ordered, until=moment.instant + INSTANT, zone=moment.zone)
    return Profile(
        attributes=tuple(sorted(standing.attributes)),
        credit_score=standing.credit_of(Measure.SCORE),
        credit_stars=standing.credit_of(Measure.STARS),
        first_purchase_time=next(kept_times(history), None),
    )


def kept_times(history: History) -> Iterator[datetime]:
    """When each order of which something is kept was completed."""
    for bought in history.bought:
        if any(bought.kept(line) for line in bought.purchase.lines):
            yield bought.purchase.activity_time
