"""What steps of a funnel may give: M12 to M15 and Q15 as tables and as laws."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel_benefits.domain.errors import FunnelRises
from laurel_benefits.domain.funnels import (
    Funnel,
    FunnelStep,
    check_funnel,
    plan_in_expectation,
    plan_per_buyer,
)

from tests.support.benefits_cases import FUNNELS


def funnel(budget_points: int, conversions_bps) -> Funnel:
    steps = [
        FunnelStep(step_id=f"s-{position}", conversion_bps=each)
        for position, each in enumerate(conversions_bps)
    ]
    return Funnel(steps=tuple(steps), budget_points=budget_points)


def points_of(plan) -> tuple[int, ...]:
    return tuple(step.points for step in plan.steps)


@pytest.mark.parametrize(("budget", "percents", "per_buyer", "in_expectation"), FUNNELS)
def test_a_budget_is_read_in_two_ways_p65_p66(budget, percents, per_buyer, in_expectation) -> None:
    planned = funnel(budget, [each * 100 for each in percents])
    assert points_of(plan_per_buyer(planned)) == per_buyer
    assert points_of(plan_in_expectation(planned)) == in_expectation


def test_the_first_reading_shows_what_everybody_together_cost() -> None:
    plan = plan_per_buyer(funnel(10000, [6000, 1000]))
    # Six log in for each who pays: 6 x 1,429 + 8,571.
    assert (plan.buyer_points, plan.expected_points) == (10000, 17145)
    assert plan.left_points == -7145
    assert [(step.weight_bps, step.reach_bps) for step in plan.steps] == [
        (10000, 60000),
        (60000, 10000),
    ]


def test_a_step_that_is_taken_by_more_people_than_the_one_before_is_refused() -> None:
    check_funnel(funnel(100, [6000, 6000, 1000]))
    with pytest.raises(FunnelRises) as refused:
        check_funnel(funnel(100, [6000, 1000, 1001]))
    assert refused.value.step_id == "s-2"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**11),
    st.lists(st.integers(1, 10000), min_size=1, max_size=12),
)
def test_the_first_reading_spends_the_budget_exactly_and_the_second_never_exceeds_it(
    budget, conversions
) -> None:
    planned = funnel(budget, sorted(conversions, reverse=True))
    assert plan_per_buyer(planned).buyer_points == budget
    second = plan_in_expectation(planned)
    assert second.expected_points + second.left_points == budget
    assert second.left_points >= 0
