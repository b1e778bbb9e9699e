"""Trials and their frozen rebate: F13 to F17 and Q17 as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.errors import (
    MembershipActive,
    MembershipStateMismatch,
    PlanKindMismatch,
)
from laurel_benefits.domain.frozen_rebates import FrozenGrant, FrozenState, fit
from laurel_benefits.domain.ids import MembershipId, OrderId, PlanId
from laurel_benefits.domain.memberships import Membership, MembershipState, decide_purchase
from laurel_benefits.domain.orders import decide_completion
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.terms import ByHand, decide_extension
from laurel_benefits.domain.trials import (
    decide_trial,
    find_trial,
    make_trial,
    open_trial,
    rebate_holder,
    take_over,
)

from tests.support.benefits_cases import RELEASES, TRIAL_POINTS, TRIAL_START
from tests.support.benefits_rules import (
    MEMBER,
    NOON,
    REVISION,
    SHANGHAI,
    earning_rules,
    jd,
    line,
    order,
    sight,
)
from tests.support.benefits_terms import MEMBERSHIP_ID, membership, quote

MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
TRIAL = PlanId("plus-trial")
BY_HAND = ByHand(reason="a promotion", maker="clerk")
TRIAL_ID = MembershipId("019aa000-0000-7000-8000-000000000002")


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def decide(seen=None, held=(), *, at=NOON):
    plan = find_trial(jd(), TRIAL)
    return decide_trial(plan, seen or sight(), held, risk=None, now=at, program_revision=REVISION)


def trial(*, at: datetime = NOON, frozen: int = 0) -> Membership:
    """A trial begun at a time, that has earned so many points."""
    made = make_trial(
        decide(at=at),
        find_trial(jd(), TRIAL),
        membership_id=TRIAL_ID,
        member=MEMBER,
        zone=SHANGHAI,
        now=at,
    )
    assert made
    assert made.frozen
    book = replace(made.frozen, frozen_points=frozen)
    return replace(made, rebate_granted_points=frozen, frozen=book)


def grants(*points: int) -> list[FrozenGrant]:
    return [
        FrozenGrant(order_id=OrderId(f"o-{position}"), points=each)
        for position, each in enumerate(points)
    ]


def buy(at: datetime, *held: Membership) -> Membership:
    return decide_purchase(
        quote(at=at), held, risk=None, membership_id=MEMBERSHIP_ID, payment_reference="", now=at
    )


@pytest.mark.parametrize(("bought", "released"), RELEASES)
def test_a_purchase_releases_what_is_frozen_until_the_thirtieth_day_p28_p30_o26(
    bought, released
) -> None:
    held = trial(at=noon(TRIAL_START), frozen=TRIAL_POINTS)
    found = open_trial([held], held.family_id, noon(bought))
    assert (found is not None) is bool(released)
    if found:
        taken = take_over(found, grants(500, 360), buy(noon(bought), held), noon(bought))
        assert taken.trial.frozen
        assert taken.trial.frozen.released_points == released
        assert taken.bought.rebate_granted_points == released


def test_a_purchase_is_in_time_until_the_last_instant_of_its_day_q17() -> None:
    held = trial(at=noon(TRIAL_START))
    assert held.frozen
    end = datetime(2026, 4, 29, 16, tzinfo=UTC)
    assert held.frozen.release_expire_time == end
    assert open_trial([held], held.family_id, end - MOMENT)
    assert open_trial([held], held.family_id, end) is None


def test_a_trial_has_thirty_business_days_f13() -> None:
    held = trial(at=noon(TRIAL_START))
    assert held.term.expire_time == datetime(2026, 3, 30, 16, tzinfo=UTC)
    assert held.state_at(held.term.expire_time - MOMENT) is MembershipState.TRIAL
    assert held.state_at(held.term.expire_time) is MembershipState.TRIAL_EXPIRED


def test_a_purchase_ends_the_trial_at_the_payment_f16() -> None:
    held = trial(frozen=860)
    now = NOON + DAY
    taken = take_over(held, grants(860), buy(now, held), now)
    assert taken.trial.term.expire_time == now
    assert taken.trial.state_at(now) is MembershipState.TRIAL_EXPIRED
    assert taken.bought.term.start_time == now


def test_what_a_trial_earned_counts_against_the_cap_of_the_term_p31() -> None:
    held = trial(frozen=3000)
    bought = take_over(held, grants(3000), buy(NOON, held), NOON).bought
    earned = decide_completion(order(line(960000)), earning_rules(), bought, RiskState.NORMAL)
    assert earned.rebate_points == 47000


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (None, [400, 300, 200]),
        (900, [400, 300, 200]),
        (899, [400, 300, 199]),
        (500, [400, 100, 0]),
        (400, [400, 0, 0]),
        (0, [0, 0, 0]),
    ],
)
def test_what_crosses_the_cap_of_the_term_is_forfeited_f9(room, kept) -> None:
    assert [each.points for each in fit(grants(400, 300, 200), room)] == kept


def test_a_book_that_is_released_in_part_forfeits_the_rest() -> None:
    held = trial(frozen=900)
    bought = replace(buy(NOON, held), rebate_cap_points=500)
    taken = take_over(held, grants(400, 300, 200), bought, NOON)
    book = taken.trial.frozen
    assert book
    assert (book.state, book.frozen_points) == (FrozenState.RELEASED, 0)
    assert (book.released_points, book.forfeited_points) == (500, 400)
    assert book.successor_id == bought.membership_id
    assert taken.bought.rebate_room_points == 0


def test_a_book_is_cleared_to_zero_when_nothing_was_bought_f14() -> None:
    book = trial(frozen=860).frozen
    assert book
    closed = book.forfeited()
    assert (closed.state, closed.frozen_points) == (FrozenState.FORFEITED, 0)
    assert (closed.released_points, closed.forfeited_points) == (0, 860)


@pytest.mark.parametrize(("credit", "allowed"), [(None, False), (30, False), (31, True)])
def test_a_trial_needs_more_credit_than_thirty_f17(credit, allowed) -> None:
    assert decide(sight(credit_score=credit)).allowed is allowed


def test_a_member_has_one_trial_ever_f17() -> None:
    first = trial()
    decision = decide(held=[first], at=NOON + 400 * DAY)
    assert not decision.allowed
    assert [each.code for each in decision.reasons] == [ReasonCode.QUOTA_USED]
    assert decision.quota
    assert (decision.quota.limit, decision.quota.used, decision.quota.remaining) == (1, 1, 0)


@pytest.mark.parametrize("running", [trial(), membership()])
def test_no_trial_begins_while_a_term_of_the_family_runs(running) -> None:
    with pytest.raises(MembershipActive):
        decide(held=[running], at=NOON + DAY)


def test_a_trial_is_not_bought_and_a_bought_plan_is_not_tried() -> None:
    with pytest.raises(PlanKindMismatch):
        find_trial(jd(), PlanId("plus-year"))


def test_an_order_of_a_trial_earns_into_its_book_while_that_is_open_f13() -> None:
    held = trial()
    end = held.term.expire_time
    holder = rebate_holder([held], order_time=end - MOMENT, now=end + DAY)
    assert holder == held
    earned = decide_completion(order(line(10000)), earning_rules(), holder, RiskState.NORMAL)
    assert earned.rebate_frozen
    assert earned.rebate_points == 500


def test_what_is_bought_between_trial_and_purchase_earns_no_rebate_f15_o27() -> None:
    held = trial()
    end = held.term.expire_time
    taken = take_over(held, (), buy(end + DAY, held), end + DAY)
    both = [taken.bought, taken.trial]
    assert rebate_holder(both, order_time=end, now=end + 2 * DAY) is None
    assert rebate_holder(both, order_time=end + DAY, now=end + 2 * DAY) == taken.bought


def test_an_order_of_a_trial_that_was_taken_over_earns_for_the_bought_term() -> None:
    held = trial()
    taken = take_over(held, (), buy(NOON + DAY, held), NOON + DAY)
    holder = rebate_holder([taken.bought, taken.trial], order_time=NOON, now=NOON + 2 * DAY)
    assert holder == taken.bought


def test_an_order_of_a_trial_that_was_lost_earns_no_rebate() -> None:
    held = trial()
    assert held.frozen
    late = held.frozen.release_expire_time
    assert rebate_holder([held], order_time=NOON, now=late) is None
    lost = replace(held, frozen=held.frozen.forfeited())
    assert rebate_holder([lost], order_time=NOON, now=NOON + DAY) is None


def test_a_trial_that_is_over_runs_again_while_its_book_is_open_f13_f15() -> None:
    first = trial(frozen=860)
    over = first.term.expire_time
    now = over + 3 * DAY + timedelta(hours=5)
    (again,) = decide_extension(first, [first], 10, BY_HAND, now)
    assert again.state_at(now) is MembershipState.TRIAL
    assert again.term.expire_time == over + 13 * DAY
    assert again.frozen
    assert first.frozen
    assert again.frozen.release_expire_time == first.frozen.release_expire_time + 13 * DAY
    assert again.frozen.frozen_points == 860
    assert rebate_holder([again], order_time=over - MOMENT, now=now) == again
    assert rebate_holder([again], order_time=over, now=now) is None
    assert rebate_holder([again], order_time=now - MOMENT, now=now) is None
    assert rebate_holder([again], order_time=now, now=now) == again


def test_a_trial_whose_book_is_closed_does_not_run_again_f14() -> None:
    first = trial(frozen=860)
    assert first.frozen
    too_late = first.frozen.release_expire_time
    with pytest.raises(MembershipStateMismatch):
        decide_extension(first, [first], 10, BY_HAND, too_late)
    taken = take_over(first, (), membership(), NOON + DAY)
    with pytest.raises(MembershipStateMismatch):
        decide_extension(taken.trial, [taken.trial], 10, BY_HAND, NOON + DAY)
