"""Score models as data: how facts become points, points a value, a value a level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from laurel_scoring.domain.medal_rules import Medal
from laurel_scoring.domain.segment_rules import InsightRules
from laurel_scoring.domain.tier_policies import TierPolicy


class Condition(Protocol):
    """A compiled condition of a rule; asking it never fails."""

    def holds(self, values: Mapping[str, str | int | bool | list[str]]) -> bool:
        """Whether it is met by these values."""


class Measure(Enum):
    """A number reported about a member's credit."""

    SCORE = "credit_score"
    STARS = "credit_stars"


class DistinctKey(Enum):
    """What facts may differ in; the value is the name of the field."""

    CATEGORY = "category_id"
    SHOP = "shop_id"
    SKU = "sku_id"
    SUBJECT = "subject_id"


class Period(Enum):
    """A span of days that is active or not."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class CapScope(Enum):
    """What a cap is counted over."""

    ORDER = "order"
    DAY = "day"
    MONTH = "month"
    CATEGORY = "category"
    SHOP = "shop"
    TOTAL = "total"


class CapUnit(Enum):
    """What a cap counts."""

    POINTS = "points"
    TIMES = "times"


WHOLE_BPS = 10_000
"""Basis points of a rate of one to one."""


LAST_DAY = 31
"""The last day of a month, whatever its number: scores are published at its end (K3)."""


class TermEnd(Enum):
    """What the end of a level's term does to a running balance."""

    DEDUCT = "deduct"
    """Takes the level's deduction (A17)."""
    RESTART = "restart"
    """The points decide the next term, which begins with none (K7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The span whose behaviour counts (C1); without `months` everything ever reported."""

    months: int | None
    live_until_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPurchases:
    """What the member bought and kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEngagements:
    """What the member did beside buying."""

    kinds: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FromProfile:
    """An attribute of the account as it stands (C5)."""

    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCredit:
    """A credit measure as reported last (C10)."""

    measure: Measure
    refresh_day: int = 0
    """The day of the month from which on a report counts (B2); 0 means at once."""


Source = FromPurchases | FromEngagements | FromProfile | FromCredit


@dataclass(frozen=True, slots=True, kw_only=True)
class PerAmount:
    """`points` for every `minor_units` paid, floored once an order (C6, X3).

    With `payment_methods`, only the part of the order paid by these counts (A5); orders of which
    less than `order_minor_units_min` counts give nothing (A6).
    """

    points: int
    minor_units: int
    payment_methods: frozenset[str]
    order_minor_units_min: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCount:
    """The same points for each fact (C7)."""

    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerDistinct:
    """The same points for each different key in the window (C6)."""

    points: int
    key: DistinctKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PerActivePeriod:
    """The same points for each period with enough different days (C6)."""

    points: int
    period: Period
    days_min: int
    posting_day: int = 0
    """In a balance, the day of the month after the period on which it is posted (A7)."""
    consecutive: bool = False
    """Only months of the run that reaches the end of the window count (I7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhileSet:
    """Points as long as the attribute is set (C5, C12)."""

    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """Points for each unit of the measure (C10)."""

    points: int

    def points_of(self, value: int) -> int:
        """The points of a value."""
        return value * self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class PointBand:
    """Points that hold from a value on, up to where the next band begins."""

    from_value: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerBand:
    """Points for the band in which the measure lies (I9)."""

    bands: tuple[PointBand, ...]

    def points_of(self, value: int) -> int:
        """The points of the highest band that begins at or below a value; none below all."""
        return next((each.points for each in reversed(self.bands) if each.from_value <= value), 0)


AwardRule = PerAmount | PerCount | PerDistinct | PerActivePeriod | WhileSet | PerUnit | PerBand


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most `limit` points or times in each scope (C7)."""

    scope: CapScope
    unit: CapUnit
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason for points."""

    rule_id: str
    display_name: str
    source: Source
    award: AwardRule
    condition: Condition | None
    order_age_months_max: int
    """0 means any age (C8)."""
    caps: tuple[Cap, ...]
    window: Window | None
    """Instead of the model's."""
    after_purchase: bool = False
    """Counts only from the first purchase on (A3)."""
    repeat_order_days: int = 0
    """Of one subject, facts of orders so close count once (A11); 0 means that each counts."""
    while_item_kept: bool = False
    """Goes when the article it is about goes back (A14)."""
    reads_item: bool = False
    """Whether the condition looks at the article the fact is about."""

    @property
    def is_plain(self) -> bool:
        """Whether each fact gives points by itself, or by its key or period, and nothing else."""
        match self.award:
            case PerAmount(order_minor_units_min=least):
                plain = not least
            case PerActivePeriod(period=period, consecutive=consecutive):
                plain = period is not Period.DAY and not consecutive
            case award:
                plain = not isinstance(award, PerBand)
        chooses = self.after_purchase or self.repeat_order_days or self.while_item_kept
        return plain and not chooses and not self.reads_item


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Bad engagements give nothing (A12), and too many of them stop the rest for a while (A13)."""

    condition: Condition
    bad_max: int
    months: int
    reads_item: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFactor:
    """The points of an earlier dimension by a divisor, with one added where `plus_one` (I10)."""

    dimension_id: str
    divisor: int
    plus_one: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How what a dimension counts becomes points, floored once (I10)."""

    units_per_point: int
    factors: tuple[ScaleFactor, ...]
    points_max: int
    """0 means without limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A named part of the score, with limits of what its rules give together (C4)."""

    dimension_id: str
    display_name: str
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...]
    suspension: Suspension | None = None
    scale: Scale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A rate that holds from a value on, up to where the next band begins (B5)."""

    from_value: int
    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRatio:
    """A rate by the share of orders of which anything went back (B6)."""

    months: int
    orders_min: int
    """With fewer orders the rate is one to one."""
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """What points are multiplied by, at the time of each fact (B1, B7)."""

    coefficient_id: str
    display_name: str
    dimension_ids: frozenset[str]
    """Empty means all of them (Q5)."""
    credit: FromCredit
    bands: tuple[Band, ...]
    return_ratio: ReturnRatio | None

    def covers(self, dimension_id: str) -> bool:
        """Whether the points of a dimension are multiplied."""
        return not self.dimension_ids or dimension_id in self.dimension_ids


def rate_of(bands: tuple[Band, ...], value: int) -> int:
    """The rate of the highest band that begins at or below a value; the first for lower ones."""
    reached = [band for band in bands if band.from_value <= value]
    return (reached[-1] if reached else bands[0]).rate_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """Holds the finished sum down while its condition holds (B12)."""

    ceiling_id: str
    display_name: str
    condition: Condition
    score_max: int
    reads_violations: bool = False
    """Whether the condition looks at how many rules were broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level by threshold; it reaches up to the next one (C14)."""

    level_id: str
    display_name: str
    from_score: int
    position: int
    """1 for the lowest."""
    after_purchase: bool = False
    """Only for members who ever bought something (A15, Q29)."""
    term_months: int = 0
    """How long it is held, in a balance or by invitation; 0 means without end (A16, I18)."""
    term_deduction: int = 0
    """What the end of the term takes (A17)."""
    rank_size: int = 0
    """How many members it holds, by rank (K2); 0 means by score."""
    one_in: int = 0
    """By invitation, for less than one in so many members (I17); 0 means by score alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreModel:
    """How a member is valued."""

    model_id: str
    display_name: str
    window: Window
    dimensions: tuple[Dimension, ...]
    ceilings: tuple[Ceiling, ...]
    levels: tuple[Level, ...]
    settlement_day: int | None
    """Day of the month on which scores are published (C1), LAST_DAY for its last one; None when
    they are not.
    """
    coefficient: Coefficient | None = None
    at_term_end: TermEnd | None = None
    """Makes the score a running balance; None means that it is a sum over a window."""
    definition: bytes = b""
    """The model as the program file has it, for those who ask for it; no rule looks at it."""

    def level(self, level_id: str) -> Level:
        """The level of that name, which is one of the model's."""
        return next(level for level in self.levels if level.level_id == level_id)

    @property
    def is_plain(self) -> bool:
        """Whether the score is a sum over windows, cut by caps and ceilings, and nothing else."""
        rules = [rule for dimension in self.dimensions for rule in dimension.rules]
        return (
            self.at_term_end is None
            and self.coefficient is None
            and not self.asks_for_purchase
            and not self.by_rank
            and not any(each.suspension or each.scale for each in self.dimensions)
            and all(rule.is_plain for rule in rules)
        )

    @property
    def by_rank(self) -> bool:
        """Whether a level is of the members with the highest scores (K1)."""
        return any(level.rank_size for level in self.levels)

    @property
    def asks_for_purchase(self) -> bool:
        """Whether a level is only for members who ever bought something."""
        return any(level.after_purchase for level in self.levels)

    def level_of(self, value: int, *, bought: bool = True) -> Level:
        """The highest level that begins at or below a value of zero or more, by score alone.

        Ranks are taken by settlements (K3), invitations are accepted (I17). Who never bought
        anything (`bought` false) stays below the levels that ask for it (A3, Q29).
        """
        reached = [
            level
            for level in self.levels
            if level.from_score <= value
            and (bought or not level.after_purchase)
            and not level.one_in
            and not level.rank_size
        ]
        return reached[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Whole numbers from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words of a program, and the values its credit measures may have."""

    engagement_kinds: frozenset[str]
    goods_classes: frozenset[str]
    payment_methods: frozenset[str]
    profile_attributes: frozenset[str]
    violation_kinds: frozenset[str] = frozenset()
    credit: Mapping[Measure, Range]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringProgram:
    """The scoring section of one program revision, compiled."""

    vocabulary: Vocabulary
    models: tuple[ScoreModel, ...]
    tier_policies: tuple[TierPolicy, ...] = ()
    insight: InsightRules | None = None
    medals: tuple[Medal, ...] = ()

    def model(self, model_id: str) -> ScoreModel | None:
        """The model of that name, if there is one."""
        return next((model for model in self.models if model.model_id == model_id), None)

    def tier_policy(self, model_id: str) -> TierPolicy | None:
        """How the levels of a model are held, if they are held as tiers at all."""
        return next((each for each in self.tier_policies if each.model_id == model_id), None)
