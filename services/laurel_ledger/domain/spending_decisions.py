"""Spending as far as points go or beyond, and which lines a reversal gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import Account, Lot, Movement
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.errors import (
    InsufficientPoints,
    LineExceedsRemaining,
    LineNotFound,
    LinesNotSumming,
)
from laurel_ledger.domain.spendings import (
    Line,
    LineReversal,
    LineReversals,
    LotPolicy,
    Spending,
    SpendShortfall,
    spread,
)
from laurel_ledger.domain.transactions import ReversalDraft, Transaction


def check_lines(amount: int, lines: Sequence[Line]) -> None:
    """Raise LinesNotSumming when there are lines and they are not the whole."""
    together = sum(line.amount for line in lines)
    if lines and together != amount:
        raise LinesNotSumming(amount=amount, lines_total=together)


RANKS: Mapping[LotPolicy, Callable[[Lot], Any]] = {
    LotPolicy.SOONEST_EXPIRY: accounts.spending_rank,
    LotPolicy.OLDEST: lambda lot: lot.lot_no,
    LotPolicy.NEWEST: lambda lot: -lot.lot_no,
}
"""In which order lots are spent: whichever has the least of it first."""


def spend_what_is_there(
    account: Account, spending: Spending, *, now: datetime
) -> tuple[int, Account, tuple[Movement, ...]]:
    """Spend all that was asked for, what is available of it, or more than that, as was asked.

    How much was spent, the account after it and what left its lots. What a member comes to owe is
    repaid before anything else (E18, E24).
    """
    requested, shortfall = spending.requested, spending.shortfall
    available = accounts.available_at(account, now)
    taken = min(requested, available)
    owed = requested - taken if shortfall is SpendShortfall.DEBT else 0
    refused = taken < requested if shortfall is SpendShortfall.REJECT else not taken + owed
    if refused or account.posted - taken - owed < -AMOUNT_MAX:
        raise InsufficientPoints(
            asset_id=account.key.asset_id, available=available, requested=requested
        )
    movements: tuple[Movement, ...] = ()
    after = account
    if taken:
        rank = RANKS[spending.lot_policy]
        after, movements = accounts.spend(account, taken, now=now, rank=rank)
    after = replace(after, posted=after.posted - owed, version=account.version + 1)
    return taken + owed, after, movements


def reverse_lines(
    draft: ReversalDraft, original: Transaction, requested: int, before: Mapping[str, int]
) -> LineReversals | None:
    """Which lines a reversal gives back; None when what it reverses has none.

    Raises LineNotFound, LineExceedsRemaining.
    """
    paid = original.lines
    asked = dict(draft.lines)
    for line_id in asked:
        if line_id not in {line.line_id for line in paid}:
            raise LineNotFound(request_id=original.request_id, line_id=line_id)
    if not paid:
        return None
    if not asked:
        return LineReversals(lines=spread(paid, before, requested))
    lines = tuple(_part_of(original, line, asked, before.get(line.line_id, 0)) for line in paid)
    return LineReversals(asked=draft.lines, lines=lines)


def _part_of(
    original: Transaction, line: Line, asked: Mapping[str, int | None], before: int
) -> LineReversal:
    """What is to be given back of one line."""
    if line.line_id not in asked:
        return LineReversal(line.line_id, before, 0)
    left = line.amount - before
    wanted = asked[line.line_id]
    amount = left if wanted is None else wanted
    if not 0 < amount <= left:
        raise LineExceedsRemaining(
            request_id=original.request_id,
            line_id=line.line_id,
            requested=amount,
            reversible=left,
        )
    return LineReversal(line.line_id, before, amount)


def requested_amount(
    draft: ReversalDraft, original: Transaction, reversible: int, before: Mapping[str, int]
) -> int:
    """How many points a reversal is to give back or take back."""
    if draft.lines:
        done = reverse_lines(draft, original, 0, before)
        return sum(line.amount for line in done.lines) if done else 0
    return reversible if draft.amount is None else draft.amount
