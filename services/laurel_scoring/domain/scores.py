"""The score of a member: one pure function of facts, model and time.

Live scores, settlements and explanations are all this function, so they cannot disagree: `worth` is
its value alone, from the same awards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from laurel_scoring.domain.awards import Award, Cut, Known
from laurel_scoring.domain.balances import Adjustment, AdjustmentKind, Step, run
from laurel_scoring.domain.caps import apply_caps, before_window, inside_window
from laurel_scoring.domain.coefficients import Rates
from laurel_scoring.domain.engagements import Conduct, conduct_of
from laurel_scoring.domain.facts import Fact, PurchaseReturn
from laurel_scoring.domain.history import (
    Bought,
    History,
    Items,
    Standing,
    history_of,
    in_order,
    standing_of,
)
from laurel_scoring.domain.models import (
    CapScope,
    Coefficient,
    Dimension,
    DistinctKey,
    Level,
    Measure,
    PerAmount,
    Rule,
    Scale,
    ScoreModel,
    Window,
)
from laurel_scoring.domain.rules import awards_of
from laurel_scoring.domain.scales import AppliedFactor, factors_of, points_of, steps_of
from laurel_scoring.domain.windows import INSTANT, Moment, Span, break_date, roll_off_date, span_of

NEVER_REPORTED = -1
"""What a ceiling's condition reads for a credit measure without a report."""

VIOLATIONS = "violations"
"""What a ceiling's condition calls the number of broken rules in the window."""

SPLITS = {CapScope.CATEGORY: DistinctKey.CATEGORY, CapScope.SHOP: DistinctKey.SHOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One reason for points: what a fact gave by a rule, or a return took back (below zero)."""

    dimension_id: str
    rule_id: str
    activity_id: str
    activity_time: datetime
    uncapped: int
    base: int
    """What is left after the cuts."""
    rate_bps: int
    """What the coefficient of the model makes of it (B7)."""
    counted: int
    cuts: tuple[Cut, ...]
    roll_off_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionTotal:
    """The sum of one dimension."""

    dimension_id: str
    display_name: str
    base: int
    """What its rules count, in the units of its scale."""
    factors: tuple[AppliedFactor, ...]
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
    term_end: date | None
    """The day at whose beginning the level's term is over; running balances only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """A score without its reasons; the same value that its explanation has."""

    value: int
    level: Level
    span: Span
    term_end: date | None = None
    reached_time: datetime | None = None
    """When the value was reached (K5); only for models with ranks, and above zero."""


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
    reader = reader_of(facts, model, moment)
    contributions: list[Contribution] = []
    totals: list[DimensionTotal] = []
    for dimension in model.dimensions:
        parts = list(dimension_contributions(dimension, model, reader))
        total, parts = total_of(dimension, parts, totals)
        contributions.extend(parts)
        totals.append(total)
    contributions.sort(key=happened_first)
    outcome = balance_of(contributions, model, reader) if model.at_term_end else None
    if outcome is None:
        outcome = sum_of(sum(total.points for total in totals), model, reader)
    value, level, adjustments, term_end = outcome
    assert value >= 0, "returns take back at most what was granted"
    return Valuation(
        value=value,
        level=level,
        span=span_of(model.window, moment),
        contributions=tuple(contributions),
        dimensions=tuple(totals),
        adjustments=adjustments,
        term_end=term_end,
    )


def worth(facts: Iterable[Fact], model: ScoreModel, moment: Moment) -> Worth:
    """The value that `score` has for the same arguments, when nobody asks for the reasons."""
    if model.at_term_end or model.by_rank:
        whole = score(facts, model, moment)
        return Worth(
            value=whole.value,
            level=whole.level,
            span=whole.span,
            term_end=whole.term_end,
            reached_time=reached_time_of(whole) if model.by_rank else None,
        )
    reader = reader_of(facts, model, moment)
    points: dict[str, int] = {}
    for dimension in model.dimensions:
        units = sum(net_points(each) for each in dimension_awards(dimension, model, reader))
        if scale := dimension.scale:
            units = points_of(scale, factors_of(scale, points), units)
        points[dimension.dimension_id] = units
    uncut = sum(points.values())
    value, level, _, _ = sum_of(uncut, model, reader)
    return Worth(value=value, level=level, span=span_of(model.window, moment))


def reached_time_of(valuation: Valuation) -> datetime | None:
    """When the last fact that still matters made the value what it is (K5)."""
    times = (each.activity_time for each in valuation.contributions if each.counted)
    return max(times, default=None) if valuation.value else None


Outcome = tuple[int, Level, tuple[Adjustment, ...], date | None]
"""Value, level, what changed the sum, and the end of the level's term."""


def sum_of(uncut: int, model: ScoreModel, reader: Reader) -> Outcome:
    """A sum over windows, held down by ceilings."""
    adjustments = tuple(adjust(uncut, model, reader))
    value = uncut + sum(adjustment.points for adjustment in adjustments)
    bought = not model.asks_for_purchase or reader.first_purchase_time is not None
    return value, model.level_of(value, bought=bought), adjustments, None


def balance_of(contributions: Iterable[Contribution], model: ScoreModel, reader: Reader) -> Outcome:
    """A running balance of what facts gave and took, in their order."""
    balance = run(
        (Step(time=each.activity_time, points=each.counted) for each in contributions),
        model,
        span_of(model.window, reader.moment),
        first_purchase_time=reader.first_purchase_time,
    )
    return balance.value, balance.level, tuple(balance.adjustments), balance.term_end


def net_points(given: Given) -> int:
    """What is left of an award after all returns: what one by one they take adds up to that."""
    award = given.award
    if award.bought is None or not award.bought.returns:
        return award.granted
    return award.granted - share_returned(given.rule, award, award.bought, award.bought.returns)


def happened_first(contribution: Contribution) -> tuple[datetime, str]:
    """The order of an explanation; within a fact the order of the model stays."""
    return contribution.activity_time, contribution.activity_id


def total_of(
    dimension: Dimension, parts: list[Contribution], before: Iterable[DimensionTotal]
) -> tuple[DimensionTotal, list[Contribution]]:
    """The sum of one dimension, and its parts in points; `before` are the dimensions before it."""
    units = points = sum(part.counted for part in parts)
    factors: tuple[AppliedFactor, ...] = ()
    if scale := dimension.scale:
        factors = factors_of(scale, {each.dimension_id: each.points for each in before})
        points = points_of(scale, factors, units)
        parts = scaled(scale, factors, parts)
    total = DimensionTotal(
        dimension_id=dimension.dimension_id,
        display_name=dimension.display_name,
        base=units,
        factors=factors,
        points=points,
    )
    return total, parts


def scaled(
    scale: Scale, factors: Sequence[AppliedFactor], parts: Iterable[Contribution]
) -> list[Contribution]:
    """By how much each fact moves the points of a dimension, in the order of time."""
    ordered = sorted(parts, key=happened_first)
    steps = steps_of(scale, factors, [part.counted for part in ordered])
    return [replace(part, counted=step) for part, step in zip(ordered, steps, strict=True)]


class Reader:
    """What rules look at, read once for each window and shared by the rules that have it."""

    def __init__(
        self, *, facts: Sequence[Fact], standing: Standing, model: ScoreModel, moment: Moment
    ) -> None:
        self.moment = moment
        self.standing = standing
        self._facts = facts
        self._model = model
        self._known: dict[Window, Known] = {}
        self._rates: Rates | None = None

    def known(self, window: Window) -> Known:
        """What a rule with this window looks at."""
        if window not in self._known:
            self._known[window] = self._read(window)
        return self._known[window]

    @property
    def first_purchase_time(self) -> datetime | None:
        """When the member bought something first, as far as the window of the model knows."""
        return self.known(self._model.window).history.first_purchase_time

    @property
    def violations(self) -> int:
        """How many rules the member broke in the window of the model (C11)."""
        known = self.known(self._model.window)
        return sum(known.span.holds(day) for day in known.history.violations)

    def rate_at(self, coefficient: Coefficient, time: datetime) -> int:
        """What the coefficient of the model was for a fact of that time."""
        if self._rates is None:
            history = self.known(self._model.window).history
            self._rates = Rates(coefficient, self.standing, history)
        return self._rates.at(time)

    def _read(self, window: Window) -> Known:
        span = span_of(window, self.moment)
        history = history_of(self._facts, until=span.until, zone=self.moment.zone)
        return Known(
            history=history,
            standing=self.standing,
            span=span,
            order_days=history.order_days(),
            items=Items(history),
            is_running=self._model.at_term_end is not None,
        )


def reader_of(facts: Iterable[Fact], model: ScoreModel, moment: Moment) -> Reader:
    """What the rules of a model look at, from facts in any order."""
    ordered = in_order(facts)
    standing = standing_of(ordered, instant=moment.instant, zone=moment.zone)
    return Reader(facts=ordered, standing=standing, model=model, moment=moment)


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
    suspends = dimension.suspension is not None
    conduct = conduct_of(dimension, reader.known(model.window)) if suspends else {}
    given = [
        each
        for rule in dimension.rules
        for each in rule_awards(rule, dimension, model, reader, conduct)
    ]
    given.sort(key=lambda each: (each.award.time, each.award.activity_id))
    inside = [each for each in given if each.inside]
    apply_caps(before_window(dimension.caps), [each.award for each in given])
    apply_caps(inside_window(dimension.caps), [each.award for each in inside])
    coefficient = model.coefficient
    if coefficient and coefficient.covers(dimension.dimension_id):
        for each in inside:
            each.award.rate_bps = reader.rate_at(coefficient, each.award.time)
    return inside


def rule_awards(
    rule: Rule, dimension: Dimension, model: ScoreModel, reader: Reader, conduct: Conduct
) -> list[Given]:
    """What a rule gives, cut by its caps; also before its window, for the caps of the dimension."""
    window = rule.window or model.window
    known = reader.known(window)
    awards = awards_of(rule, known, split=split_of(rule, dimension), conduct=conduct)
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
    if award.breaks is not None:
        breaks = break_date(award.breaks, moment, model.settlement_day)
        leaves = min(leaves, breaks) if leaves else breaks
    yield Contribution(
        dimension_id=dimension.dimension_id,
        rule_id=given.rule.rule_id,
        activity_id=award.activity_id,
        activity_time=award.time,
        uncapped=award.points,
        base=award.counted,
        rate_bps=award.rate_bps,
        counted=award.granted,
        cuts=tuple(award.cuts),
        roll_off_date=leaves,
    )
    for time, activity_id, points in losses_of(given.rule, award):
        yield Contribution(
            dimension_id=dimension.dimension_id,
            rule_id=given.rule.rule_id,
            activity_id=activity_id,
            activity_time=time,
            uncapped=-points,
            base=-points,
            rate_bps=award.rate_bps,
            counted=-points,
            cuts=(),
            roll_off_date=leaves,
        )


def losses_of(rule: Rule, award: Award) -> Iterator[tuple[datetime, str, int]]:
    """What is taken back of an award: when, by which return, and how many points."""
    if award.revoked and award.granted:
        yield *award.revoked, award.granted
    if award.bought is not None:
        for back, points in taken_back(rule, award, award.bought):
            # A review of what had gone back already: nothing is taken before it was given.
            yield max(back.activity_time, award.time), back.activity_id, points


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
        return award.granted
    if not isinstance(rule.award, PerAmount):
        return 0
    paid = sum(line.paid for line in award.lines)
    money = sum(bought.returned_money(line, returns) for line in award.lines)
    return award.granted * money // paid


def adjust(uncut: int, model: ScoreModel, reader: Reader) -> Iterator[Adjustment]:
    """What the ceilings that hold take from the sum, each from what the one before left (B12)."""
    values: dict[str, str | int | bool | list[str]] = {VIOLATIONS: reader.violations}
    for measure in Measure:
        reported = reader.standing.credit_of(measure)
        values[measure.value] = NEVER_REPORTED if reported is None else reported
    value = uncut
    for ceiling in model.ceilings:
        if value > ceiling.score_max and ceiling.condition.holds(values):
            yield Adjustment(
                kind=AdjustmentKind.CEILING,
                ceiling_id=ceiling.ceiling_id,
                points=ceiling.score_max - value,
            )
            value = ceiling.score_max


def profile_of(facts: Iterable[Fact], moment: Moment) -> Profile:
    """What is known of a member at a moment, itself included."""
    ordered = in_order(facts)
    standing = standing_of(ordered, instant=moment.instant, zone=moment.zone)
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
