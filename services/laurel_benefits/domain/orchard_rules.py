"""What a program says of its orchard: stages, speeds, water, helpers and fruits (L5 to L9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import FruitId, ScoreModelId, WaterTaskId
from laurel_benefits.domain.program_checks import Fault

PERCENT = 100
"""A whole, in percent; also how many hundredths a unit has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeStage:
    """A stage of a tree, up to the next one (L5)."""

    stage_id: str
    display_name: str
    from_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSpeed:
    """What a level makes faster and bigger (L2, L7)."""

    speed_percent: int = PERCENT
    harvest_percent: int = PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class HourWindow:
    """Hours of a day; the last one does not belong to it."""

    from_hour: int
    to_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterTask:
    """Something that gives water (L6)."""

    task_id: WaterTaskId
    display_name: str
    drops: int
    daily_max: int
    windows: tuple[HourWindow, ...] = ()
    distinct_subjects: bool = False
    least_duration: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRules:
    """What helpers bring (L6), and how often (L9)."""

    drops: int
    bonus_helpers: int
    bonus_drops: int
    helpers_daily_max: int
    device_daily_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fruit:
    """What a ripe tree gives: a parcel, points, or both (L8)."""

    fruit_id: FruitId
    display_name: str
    grams: int
    points: int
    asset_id: str
    funding_account_id: str
    stock: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchard:
    """The whole game."""

    score_model_id: ScoreModelId
    score_source: ScoreSource
    pour_drops: int
    pour_units: int
    stages: tuple[TreeStage, ...]
    ripe_units: int
    tier_speeds: Mapping[str, TierSpeed] = field(default_factory=dict)
    tasks: Mapping[WaterTaskId, WaterTask] = field(default_factory=dict)
    help: HelpRules | None = None
    fruits: Mapping[FruitId, Fruit] = field(default_factory=dict)

    def speed_of(self, level_id: str) -> TierSpeed:
        """What a level brings; one that is not named brings nothing."""
        return self.tier_speeds.get(level_id, TierSpeed())


def stage_faults(stages: Sequence[TreeStage], ripe_units: int, path: str) -> Iterator[Fault]:
    """Stages that leave a tree without one, or come to no end."""
    starts = [stage.from_units for stage in stages]
    if starts[0] != 0:
        yield f"{path}.stages[0].from_units", "the first stage must begin at 0"
    for position in range(1, len(starts)):
        if starts[position] <= starts[position - 1]:
            yield f"{path}.stages[{position}].from_units", "must be above the stage before"
    if ripe_units <= starts[-1]:
        yield f"{path}.ripe_units", "must be above the beginning of the last stage"


def window_faults(windows: Sequence[HourWindow], path: str) -> Iterator[Fault]:
    """Hours that are none, or belong to two windows."""
    end = 0
    for position, window in enumerate(windows):
        if window.to_hour <= window.from_hour:
            yield f"{path}[{position}].to_hour", "must be after from_hour"
        elif window.from_hour < end:
            yield f"{path}[{position}].from_hour", "must not be before the window before is over"
        end = window.to_hour
