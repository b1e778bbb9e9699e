"""Budgets of funding accounts: how many points members may have got of them, less what was taken
back.

A budget is divided over the shards, so that none waits for another: each may issue up to its
allowance. Who finds that of a shard too small decides again upon all of them together, and divides
what is left anew (I15).
"""

from __future__ import annotations

from collections.abc import Mapping

from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.errors import FundingBudgetExhausted
from laurel_ledger.domain.pages import Page
from laurel_ledger.domain.transactions import Draft, Transaction, TransactionType


class AllowanceShort(Exception):  # It has the batch decided again and never leaves the storage.
    """A shard's allowance does not cover an earning, though the budget may."""


def budget_of(draft: Draft, terms: Terms) -> int | None:
    """How much the account that funds an earning may issue of its asset; None for no limit."""
    account = terms.accounts.get(draft.counter_account_id)
    return account.budgets.get(draft.asset_id) if account else None


def draw(page: Page, draft: Draft, terms: Terms) -> None:
    """Take an earning from the budget of who funds it, if there is one.

    Raises AllowanceShort, or FundingBudgetExhausted where all shards are decided upon together.
    """
    budget = budget_of(draft, terms)
    if budget is None:
        return
    allowances = page.allowances
    assert allowances is not None, "who draws on a budget has gathered its allowances"
    stripe = allowances.stripe_of(draft.account_key, draft.counter_account_id)
    undrawn = allowances.left(stripe, budget)
    if undrawn is None:
        raise AllowanceShort
    left = undrawn - page.drawn_from(stripe)
    if draft.amount > left:
        if allowances.issued is None:
            raise AllowanceShort
        raise FundingBudgetExhausted(
            funding_account_id=draft.counter_account_id,
            asset_id=draft.asset_id,
            budget=budget,
            left=max(0, left),
            amount=draft.amount,
        )
    page.drawn[stripe] = page.drawn.get(stripe, 0) + draft.amount


def put_back(page: Page, transaction: Transaction) -> None:
    """What was taken back of an earning may be issued again by who funded it."""
    if page.allowances is not None and transaction.type is TransactionType.EARN_REVERSAL:
        stripe = page.allowances.stripe_of(transaction.key, transaction.counter_account_id)
        page.drawn[stripe] = page.drawn.get(stripe, 0) - transaction.amount


def divided(budget: int, issued: Mapping[int, int]) -> dict[int, int]:
    """The allowance of each shard: what it has issued and a share of what is left, all of them
    together the budget. When too much was issued, the first one owes it.
    """
    left = budget - sum(issued.values())
    share, odd = divmod(max(0, left), len(issued))
    order = sorted(issued)
    allowances = {
        shard_id: issued[shard_id] + share + (1 if place < odd else 0)
        for place, shard_id in enumerate(order)
    }
    allowances[order[0]] += min(0, left)
    return allowances
