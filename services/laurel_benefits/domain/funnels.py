"""What the steps of a funnel may give, when a buyer may cost so much (M12 to M15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from laurel_kit.values import BASIS_POINTS_WHOLE, split_largest_remainder

from laurel_benefits.domain.errors import FunnelRises


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """A step, and how many of 10,000 who begin take it."""

    step_id: str
    conversion_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Steps in the order in which they are taken; the last one is the purchase."""

    steps: tuple[FunnelStep, ...]
    budget_points: int
    """What one buyer may cost."""

    @property
    def weights(self) -> tuple[int, ...]:
        """Inverse to the conversions, as whole numbers: 60 % and 10 % weigh 1 and 6 (M13)."""
        conversions = [step.conversion_bps for step in self.steps]
        return tuple(lcm(*conversions) // each for each in conversions)

    @property
    def buyers_bps(self) -> int:
        """How many of 10,000 who begin buy."""
        return self.steps[-1].conversion_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """What a step gives each time it is taken."""

    step_id: str
    weight_bps: int
    """Its weight, 10,000 for the first step, rounded down."""
    points: int
    reach_bps: int
    """How often it is taken on the way to one buyer, in ten-thousandths, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsPlan:
    """What every step gives in one reading of the budget."""

    steps: tuple[PlannedStep, ...]
    expected_points: int
    """What everybody gets on the way to one buyer, rounded up."""
    left_points: int

    @property
    def buyer_points(self) -> int:
        """What one buyer gets who takes every step."""
        return sum(step.points for step in self.steps)


def check_funnel(funnel: Funnel) -> None:
    """Raises FunnelRises where a step is taken by more people than the one before."""
    for earlier, step in zip(funnel.steps, funnel.steps[1:], strict=False):
        if step.conversion_bps > earlier.conversion_bps:
            raise FunnelRises(
                step_id=step.step_id,
                conversion_bps=step.conversion_bps,
                conversion_before_bps=earlier.conversion_bps,
            )


def plan_per_buyer(funnel: Funnel) -> PointsPlan:
    """The budget split by weight over the steps of one buyer: the first reading (M14, Q15)."""
    return plan_of(funnel, split_largest_remainder(funnel.budget_points, funnel.weights))


def plan_in_expectation(funnel: Funnel) -> PointsPlan:
    """The budget spent on everybody who takes a step on the way to a buyer: the second reading.

    A step that is taken more often weighs less in just that measure, so that all steps cost the
    same together; what a step gives is rounded down, so that the budget is never exceeded.
    """
    shares = split_largest_remainder(funnel.budget_points, [1] * len(funnel.steps))
    points = [
        share * funnel.buyers_bps // step.conversion_bps
        for share, step in zip(shares, funnel.steps, strict=True)
    ]
    return plan_of(funnel, points)


def plan_of(funnel: Funnel, points: Sequence[int]) -> PointsPlan:
    """The steps with what they give, and what that costs."""
    steps = tuple(
        PlannedStep(
            step_id=step.step_id,
            weight_bps=funnel.steps[0].conversion_bps * BASIS_POINTS_WHOLE // step.conversion_bps,
            points=given,
            reach_bps=step.conversion_bps * BASIS_POINTS_WHOLE // funnel.buyers_bps,
        )
        for step, given in zip(funnel.steps, points, strict=True)
    )
    spent = expected(funnel, points)
    return PointsPlan(steps=steps, expected_points=spent, left_points=funnel.budget_points - spent)


def expected(funnel: Funnel, points: Sequence[int]) -> int:
    """What everybody gets on the way to one buyer, rounded up: a cost is never shown too low."""
    taken = sum(
        given * step.conversion_bps for given, step in zip(points, funnel.steps, strict=True)
    )
    return -(-taken // funnel.buyers_bps)
