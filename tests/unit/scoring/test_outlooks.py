"""Simulations equal what really comes, and forecasts what every single day is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from laurel_scoring.domain.errors import (
    ActivityIdReused,
    ActivityInUse,
    ActivityNotFound,
    FactRefused,
    PurchaseLineReused,
    ReturnNotBought,
)
from laurel_scoring.domain.facts import Fact, Purchase, PurchaseReturn
from laurel_scoring.domain.forecasts import forecast
from laurel_scoring.domain.history import in_order
from laurel_scoring.domain.intake import Accepted, Books, Recorded, Reported, decide_activities
from laurel_scoring.domain.models import Cap, CapScope, CapUnit, Window
from laurel_scoring.domain.simulations import suppose
from laurel_scoring.domain.windows import Moment

from tests.support.scoring_lives import MOMENTS, lives
from tests.support.scoring_worlds import (
    at,
    back,
    did,
    jingxiang,
    live,
    model,
    purchase,
    rule,
    value,
)

NOW, MEMBER = at("2026-06-15T12:00"), "m"


def report(fact: Fact) -> Reported:
    digest = blake2b(repr(fact).encode(), digest_size=16).digest()
    return Reported(member_id=MEMBER, fact=fact, digest=digest)


def supposed(standing: list[Fact], added: list[Fact], *retracted: str) -> list[Fact]:
    """The facts that would stand, where all standing ones have their names in use."""
    recorded = {
        fact.activity_id: Recorded(digest=report(fact).digest, record_time=NOW) for fact in standing
    }
    reports = [report(fact) for fact in added]
    return suppose(standing, reports, retracted, member_id=MEMBER, recorded=recorded, now=NOW)


@settings(max_examples=60, deadline=None)
@given(lives(), some.randoms(use_true_random=False))
def test_what_is_supposed_is_worth_what_it_is_when_it_comes(
    facts: list[Fact], chance: object
) -> None:
    """Any part of a life is recorded, the rest supposed; facts of nobody are supposed gone."""
    recorded = [fact for place, fact in enumerate(in_order(facts)) if place % 2 == 0]
    kept = without_orphans(recorded)
    added = [fact for fact in facts if fact not in kept]
    gone: list[Fact] = [did("2026-03-01T10:00", "donation"), did("2026-03-02T10:00", "share")]
    names = [fact.activity_id for fact in gone]
    really = decide_activities([report(fact) for fact in facts], {MEMBER: Books()}, now=NOW)
    assert all(isinstance(outcome, Accepted) for outcome in really)
    simulated = supposed([*kept, *gone], added, *names)
    for moment in MOMENTS:
        assert value(simulated, moment) == value(facts, moment)


def without_orphans(facts: list[Fact]) -> list[Fact]:
    """Facts without the returns whose purchase is not among them."""
    bought = {fact.order_id for fact in facts if isinstance(fact, Purchase)}
    return [
        fact for fact in facts if not isinstance(fact, PurchaseReturn) or fact.order_id in bought
    ]


BOUGHT = purchase("2026-06-01T10:00", 100, order_id="o")
SENT_BACK = back("2026-06-02T10:00", "o", _1=1)
AGAIN = purchase("2026-06-01T11:00", 200, order_id="o")
LATE = purchase("2026-06-03T11:00", 200, order_id="o")


@pytest.mark.parametrize(
    ("standing", "added", "retracted", "refusal"),
    [
        ([BOUGHT], [SENT_BACK], [], None),
        ([], [SENT_BACK], [], ReturnNotBought),
        ([BOUGHT], [AGAIN], [], PurchaseLineReused),
        ([BOUGHT], [AGAIN], [BOUGHT.activity_id], None),
        ([BOUGHT, SENT_BACK], [AGAIN], [BOUGHT.activity_id], None),
        ([BOUGHT, SENT_BACK], [LATE], [BOUGHT.activity_id], ActivityInUse),
        ([BOUGHT, SENT_BACK], [], [BOUGHT.activity_id], ActivityInUse),
        ([BOUGHT, SENT_BACK], [], [BOUGHT.activity_id, SENT_BACK.activity_id], None),
        ([BOUGHT], [], ["unknown"], ActivityNotFound),
        ([BOUGHT], [replace(AGAIN, activity_id=BOUGHT.activity_id)], [], ActivityIdReused),
        ([BOUGHT], [BOUGHT], [], None),
    ],
)
def test_what_is_supposed_is_judged_as_what_is_reported(
    standing: list[Fact], added: list[Fact], retracted: list[str], refusal: type[FactRefused] | None
) -> None:
    if refusal is None:
        facts = supposed(standing, added, *retracted)
        assert {fact.activity_id for fact in facts}.isdisjoint(retracted)
    else:
        with pytest.raises(refusal):
            supposed(standing, added, *retracted)


@settings(max_examples=15, deadline=None)
@given(lives(), some.sampled_from([live("2026-02-27T12:00"), live("2026-03-01T00:00")]))
def test_a_forecast_is_what_every_day_will_be_worth(facts: list[Fact], moment: Moment) -> None:
    known = [fact for fact in facts if fact.activity_time <= moment.instant]
    steps = {step.day: step for step in forecast(known, jingxiang(), moment, days=60)}
    before = value(known, moment).value
    for ahead in range(1, 61):
        day = moment.today + timedelta(days=ahead)
        then = value(known, live(day.isoformat()))
        assert (then.value != before) == (day in steps)
        if day in steps:
            assert (steps[day].value, steps[day].level) == (then.value, then.level)
        before = then.value


def test_a_forecast_says_what_rolls_off() -> None:
    facts = [purchase("2026-03-10T10:00", 500_00), purchase("2026-03-20T10:00", 300_00)]
    of = model(rule(), window=Window(months=1, live_until_now=False))
    first, second = forecast(facts, of, live("2026-04-01T12:00"), days=30)
    assert [(each.day.day, each.value) for each in (first, second)] == [(11, 300), (21, 0)]
    assert [each.activity_id for each in first.rolled_off] == [facts[0].activity_id]
    assert list(forecast(facts, of, live("2026-04-01T12:00"), days=9)) == []


def test_a_forecast_sees_what_a_cap_held_back_come_in() -> None:
    cap = Cap(scope=CapScope.TOTAL, unit=CapUnit.POINTS, limit=600)
    facts = [purchase("2026-03-10T10:00", 500_00), purchase("2026-03-20T10:00", 300_00)]
    of = model(rule(caps=(cap,)), window=Window(months=1, live_until_now=False))
    steps = forecast(facts, of, live("2026-04-01T12:00"), days=30)
    assert [(each.day.day, each.value) for each in steps] == [(11, 300), (21, 0)]
