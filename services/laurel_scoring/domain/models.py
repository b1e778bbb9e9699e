"""Score models as data: how facts become points, points a value, a value a level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


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


Source = FromPurchases | FromEngagements | FromProfile | FromCredit


@dataclass(frozen=True, slots=True, kw_only=True)
class PerAmount:
    """`points` for every `minor_units` paid, floored once an order (C6, X3).

    With `payment_methods`, only the part of the order paid by these counts (A5).
    """

    points: int
    minor_units: int
    payment_methods: frozenset[str]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WhileSet:
    """Points as long as the attribute is set (C5, C12)."""

    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """Points for each unit of the measure (C10)."""

    points: int


AwardRule = PerAmount | PerCount | PerDistinct | PerActivePeriod | WhileSet | PerUnit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A named part of the score, with limits of what its rules give together (C4)."""

    dimension_id: str
    display_name: str
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """Holds the finished sum down while its condition holds (B12)."""

    ceiling_id: str
    display_name: str
    condition: Condition
    score_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level by threshold; it reaches up to the next one (C14)."""

    level_id: str
    display_name: str
    from_score: int
    position: int
    """1 for the lowest."""


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
    """Day of the month on which scores are published (C1); None when they are not."""
    definition: bytes = b""
    """The model as the program file has it, for those who ask for it; no rule looks at it."""

    def level(self, level_id: str) -> Level:
        """The level of that name, which is one of the model's."""
        return next(level for level in self.levels if level.level_id == level_id)

    def level_of(self, value: int) -> Level:
        """The highest level that begins at or below a value of zero or more."""
        reached = [level for level in self.levels if level.from_score <= value]
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
    credit: Mapping[Measure, Range]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringProgram:
    """The scoring section of one program revision, compiled."""

    vocabulary: Vocabulary
    models: tuple[ScoreModel, ...]

    def model(self, model_id: str) -> ScoreModel | None:
        """The model of that name, if there is one."""
        return next((model for model in self.models if model.model_id == model_id), None)
