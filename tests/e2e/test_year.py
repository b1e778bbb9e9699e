"""A membership lived through a year and more by the clocks, as `laurel demo year` tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.suites import Suite, running_suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("year"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def own_suite() -> Iterator[Suite]:
    """A suite of its own: no other test is to live in its future."""
    with running_suite() as running:
        yield running


@pytest.fixture(scope="module")
def entries(own_suite: Suite) -> list[dict]:
    outcome = own_suite.laurel("demo", "year", "--member", "m-year", "--json", patience=200)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return json.loads(outcome.stdout)["entries"]


def test_the_year_tells_every_rule_that_time_applies(entries: list[dict]) -> None:
    text = "\n".join(entry["text"] for entry in entries)
    for told in (
        "5,000 beans are frozen",
        "500 beans of the friend are frozen",
        "500 frozen beans are lost",
        "pays 15 minutes later: refused (QUOTE_EXPIRED)",
        "a new month has begun: uses a freight coupon, 4 are left",
        "the score is published: 11,",
        "claims a gift pack: given",
        "looks for a gift pack on the 21st: refused (OUTSIDE_WINDOW) until",
        "has a birthday and claims its coupon: given",
        "wants it again: refused (OUTSIDE_WINDOW) until",
        "the term of the tier is over: silver with",
        "is reminded: trial end",
        "0 beans back, only base beans",
        "5,000 frozen beans are released",
        "uses 5 freight coupons; the next is refused (QUOTA_USED)",
        "45,000 beans back, the cap has 0 left",
        "0 beans back, 100 base beans",
        "PLUS is suspended; a freight coupon is refused",
        "5 days longer",
        "is reminded: term end",
        "is reminded: expiring points",
        "is reminded: tier end",
        "stays away and is written to (dormant-short): reminder",
        "is left alone (COOLDOWN) until",
        "stays away and is written to (dormant-mid): coupon",
        "is left alone (NO_REACTION)",
        "comes back and buys books for 100 yuan: 500 beans back",
        "has saved 536 yuan for 299",
        "the second term runs, its cap has 50,000: 500 beans for 100 yuan",
        "are void",
    ):
        assert told in text, f"{told!r} is not in\n{text}"


def test_the_days_of_the_year_are_in_order_and_more_than_a_year(entries: list[dict]) -> None:
    times = [entry["time"] for entry in entries]
    assert times == sorted(times)
    assert int(times[-1][:4]) - int(times[0][:4]) >= 1


def test_frozen_beans_cannot_be_spent_before_they_are_released(entries: list[dict]) -> None:
    beans = {entry["text"].split(":")[0]: entry["beans"] for entry in entries}
    # On a member day the order earns a bonus, which is not frozen.
    assert beans["buys books for 1,000 yuan"] in (0, 500)
    released = next(entry for entry in entries if "are released" in entry["text"])
    before = entries[entries.index(released) - 1]
    assert released["beans"] == before["beans"] + 5000


def test_a_year_that_was_lived_is_not_lived_again(own_suite: Suite, entries: list[dict]) -> None:
    again = own_suite.laurel("demo", "year", "--member", "m-year")
    assert again.returncode != 0
    assert "has lived it" in again.stderr
