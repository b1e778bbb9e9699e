"""What is left of the demo member's year, as the three services tell it."""

from __future__ import annotations

import json

import pytest

from tests.support.suites import Suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

WHO = {"program_id": "jd", "member_id": "m-1001"}


@pytest.fixture(scope="module")
def view(suite: Suite) -> dict:
    outcome = suite.laurel("member", "show", "m-1001", "--json")
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def test_the_balance_is_the_sum_of_the_lots_and_of_the_entries(suite: Suite, view: dict) -> None:
    (holding,) = view["holdings"]
    posted = int(holding["balance"]["posted"])
    assert posted == sum(int(lot["remaining"]) for lot in holding["lots"])
    listed = suite.call(
        "ledger",
        "laurel.ledger.v1.BalanceService/ListEntries",
        {**WHO, "asset_id": "bean", "page_size": 1000},
    )
    assert posted == sum(int(entry["amount"]) for entry in listed["entries"]) > 10_000


def test_beans_of_two_years_lie_in_lots_that_end_with_the_year_after(view: dict) -> None:
    (holding,) = view["holdings"]
    ends = [lot["expire_time"] for lot in holding["lots"]]
    assert ends == sorted(ends)
    assert all(end.endswith("-12-31T16:00:00Z") for end in ends)


def test_the_explanation_sums_to_the_score(suite: Suite) -> None:
    explained = suite.call(
        "scoring",
        "laurel.scoring.v1.ScoreService/ExplainScore",
        {**WHO, "model_id": "jingxiang", "basis": "SCORE_BASIS_LIVE", "page_size": 1000},
    )
    counted = sum(int(each.get("counted_points", 0)) for each in explained["contributions"])
    assert "next_page_token" not in explained
    assert counted == int(explained["score"]["value"]) > 10_000
    assert explained["score"]["level"]["level_id"] == "L4"


def test_twelve_settlements_were_published_on_the_second(suite: Suite) -> None:
    listed = suite.call(
        "scoring",
        "laurel.scoring.v1.SettlementService/ListSettlements",
        {"program_id": "jd", "model_id": "jingxiang", "page_size": 1000},
    )
    days = {each["settlement_date"]["day"] for each in listed["settlements"]}
    assert days == {2}
    assert len(listed["settlements"]) >= 11
    assert {each["state"] for each in listed["settlements"]} == {"SETTLEMENT_STATE_PUBLISHED"}


def test_plus_was_bought_at_the_price_of_the_score(view: dict) -> None:
    (membership,) = view["memberships"]
    assert membership["state"] == "MEMBERSHIP_STATE_FORMAL"
    assert membership["price"]["units"] == "198"
    score = int(membership["evidence"]["score"]["value"])
    assert 4_500 < score <= 20_000
    assert int(membership["rebate"]["granted_points"]) > 0


def test_the_return_took_its_points_back(suite: Suite) -> None:
    explained = suite.call(
        "scoring",
        "laurel.scoring.v1.ScoreService/ExplainScore",
        {**WHO, "model_id": "jingxiang", "basis": "SCORE_BASIS_LIVE", "page_size": 1000},
    )
    returned = [
        each
        for each in explained["contributions"]
        if each["activity_id"] == "m-1001-order-17-line-2-return"
    ]
    assert sum(int(each["counted_points"]) for each in returned) <= -459


def test_a_second_telling_changes_nothing(suite: Suite, view: dict) -> None:
    assert suite.laurel("demo", "--json").returncode == 0
    again = json.loads(suite.laurel("member", "show", "m-1001", "--json").stdout)
    assert again["holdings"][0]["balance"]["version"] == view["holdings"][0]["balance"]["version"]
