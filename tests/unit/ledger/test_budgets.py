"""Budgets as tables: how they are divided, and that no batch draws more than is left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_ledger.domain.allowances import Allowance, Allowances, Purse, Stripe
from laurel_ledger.domain.assets import ProgramAccount, check_budgets
from laurel_ledger.domain.budgets import AllowanceShort, divided
from laurel_ledger.domain.errors import FundingBudgetExhausted
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.transactions import TransactionType

from tests.support.ledger import NOON, PROGRAM, SKEW, TERMS, draft, earn, group, reverse, spend

PURSE = Purse(PROGRAM, "platform", "bean")
STINGY = replace(
    TERMS,
    accounts=TERMS.accounts
    | {"platform": replace(TERMS.accounts["platform"], budgets={"bean": 100})},
)


def decide(allowances: Allowances, *drafts, atomic: bool = False):
    books = Books(accounts={}, records={}, allowances=allowances)
    steps = [group(*drafts, terms=STINGY, atomic=atomic)]
    return decide_batch(books, steps, now=NOON, skew_max=SKEW)


def alone(allowance: int, issued: int, budget: int = 100) -> Allowances:
    """Those of the only shard."""
    stripe = Stripe(0, *PURSE)
    return Allowances(shards=1, by_stripe={stripe: Allowance(budget, allowance, issued)})


def together(issued: int) -> Allowances:
    return Allowances(shards=1, issued={PURSE: issued})


@pytest.mark.parametrize(
    ("budget", "issued", "allowances"),
    [
        (100, {0: 0, 1: 0, 2: 0}, {0: 34, 1: 33, 2: 33}),
        (100, {0: 50, 1: 49, 2: 0}, {0: 51, 1: 49, 2: 0}),
        (100, {0: 50, 1: 50}, {0: 50, 1: 50}),
        (10, {0: 8, 1: 7}, {0: 3, 1: 7}),
        (0, {0: 0}, {0: 0}),
    ],
)
def test_a_budget_is_divided_whole(budget: int, issued: dict, allowances: dict) -> None:
    """I15."""
    assert divided(budget, issued) == allowances
    assert sum(allowances.values()) == budget


def test_a_shard_issues_no_more_than_its_allowance() -> None:
    decision = decide(alone(60, 20), earn(30), earn(10))
    assert all(isinstance(each, Posted) for each in decision.outcomes[0])
    for allowances in (alone(60, 31), alone(60, 0, budget=99), Allowances(shards=1)):
        with pytest.raises(AllowanceShort):
            decide(allowances, earn(30))


@pytest.mark.parametrize(
    ("issued", "asked", "outcome"),
    [
        (0, earn(100), Posted),
        (0, earn(101), FundingBudgetExhausted),
        (99, earn(1), Posted),
        (99, earn(2), FundingBudgetExhausted),
        (100, earn(1), FundingBudgetExhausted),
        (120, earn(1), FundingBudgetExhausted),
        (100, earn(1, counter_account_id="merchant"), Posted),
        (100, earn(1, asset_id="token"), Posted),
        (100, draft(TransactionType.ADJUSTMENT_CREDIT, 1, "platform"), Posted),
    ],
)
def test_earnings_draw_on_the_budget_of_who_funds_them(issued, asked, outcome) -> None:
    """What two people decided by hand does not: nobody's earning is refused for it."""
    ((found,),) = decide(together(issued), asked).outcomes
    assert (Posted if isinstance(found, Posted) else type(found.error)) is outcome
    if not isinstance(found, Posted):
        assert (found.error.left, found.error.budget) == (max(0, 100 - issued), 100)


def test_all_shards_together_issue_exactly_the_budget() -> None:
    decision = decide(together(40), earn(50), earn(11), earn(10), earn(1))
    refused = [each.error for each in decision.outcomes[0] if not isinstance(each, Posted)]
    assert [type(each) for each in refused] == [FundingBudgetExhausted] * 2
    assert (refused[0].left, refused[0].budget, refused[1].left) == (10, 100, 0)
    assert len(decision.records) == 4  # A refusal is the outcome of its request id for ever.


def test_what_is_taken_back_may_be_issued_again_in_the_same_batch() -> None:
    """A batch comes to the same as its drafts one after the other."""
    first = earn(40)
    decision = decide(together(60), first, reverse(first, 30), earn(31), earn(30), earn(1))
    found = decision.outcomes[0]
    assert [each.error.left for each in found if not isinstance(each, Posted)] == [30, 0]
    assert isinstance(found[3], Posted)
    fitting = [first, reverse(first, 30), earn(30)]
    decision = decide(alone(60, 20), *fitting)
    assert all(isinstance(each, Posted) for each in decision.outcomes[0])
    with pytest.raises(AllowanceShort):
        decide(alone(60, 20), *fitting, earn(1))


@pytest.mark.parametrize("allowances", [alone(60, 60, budget=99), Allowances(shards=1)])
def test_what_is_taken_back_is_no_room_where_another_budget_was_divided(allowances) -> None:
    first = earn(40)
    posted = decide(together(0), first)
    records = {record.request_key: record for record in posted.records}
    books = Books(accounts=posted.accounts, records=records, allowances=allowances)
    steps = [group(reverse(first), earn(5), terms=STINGY)]
    with pytest.raises(AllowanceShort):
        decide_batch(books, steps, now=NOON + SKEW, skew_max=SKEW)


def test_a_group_that_fails_draws_nothing() -> None:
    books = Books(accounts={}, records={}, allowances=together(0))
    failing = group(earn(90), spend(500), terms=STINGY, atomic=True)
    passing = group(earn(60), earn(40), terms=STINGY, atomic=True)
    late = group(earn(1), terms=STINGY)
    decision = decide_batch(books, [failing, passing, late], now=NOON, skew_max=SKEW)
    assert [isinstance(each, Posted) for each in decision.outcomes[1]] == [True, True]
    assert isinstance(decision.outcomes[2][0].error, FundingBudgetExhausted)


def test_who_has_no_budget_draws_on_none() -> None:
    decision = decide(together(100), earn(5, counter_account_id="merchant"))
    assert isinstance(decision.outcomes[0][0], Posted)


def test_check_budgets_names_every_fault() -> None:
    accounts = [*TERMS.accounts.values()]
    assert isinstance(accounts[2], ProgramAccount)
    named = [["bean", "bean"], ["gold"], ["bean"]]
    assert [each.path for each in check_budgets(["bean"], accounts, named)] == [
        "accounts[0].budgets[1].asset_id",
        "accounts[1].budgets[0].asset_id",
        "accounts[2].budgets",
    ]
