"""What is refused, a line for each: what happened before, when it is asked, what is said.

Where two things are wrong, the one that comes first in the order of precedence is said.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from laurel_ledger.domain.conditions import AccountConditions as On
from laurel_ledger.domain.errors import (
    AccountNotFound,
    AmountTooLarge,
    AssetNotFound,
    BalanceConditionFailed,
    BalanceLimitExceeded,
    CaptureExceedsHold,
    DebtRepaid,
    ExpiryNotAfterActive,
    HoldAlreadyCaptured,
    HoldAlreadyReleased,
    HoldExpired,
    HoldNotFound,
    InsufficientPoints,
    LineExceedsRemaining,
    LineNotFound,
    LinesNotSumming,
    LotNotFound,
    LotsNotFound,
    RequestIdReused,
    ReversalExceedsRemaining,
    TimeInFuture,
    TransactionNotFound,
    TransactionNotReversible,
    TransferNotAllowed,
    VersionMismatch,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.spendings import AskedLine, Line, Spending, SpendShortfall

from tests.support.ledger import (
    NOON,
    SKEW,
    activate,
    capture,
    earn,
    extend,
    freeze,
    group,
    hold,
    prolong,
    release,
    reverse,
    spend,
    thaw,
    transfer,
    void,
)

HOUR = timedelta(hours=1)
EARNED = earn(100)
SPENT = spend(10)
HELD = hold(20, minutes=30)
TAKEN = capture(HELD)
GIVEN_UP = release(HELD)
LINES = (Line("a", 6), Line("b", 4))
LINED = spend(10, spending=Spending(requested=10, lines=LINES))
LENT = spend(30, spending=Spending(requested=30, shortfall=SpendShortfall.DEBT))
BACK = reverse(SPENT)
A, C, ALL_OF_A = (AskedLine("a", 1),), (AskedLine("c", 1),), (AskedLine("a"),)


def said(shortfall: SpendShortfall, *lines: Line) -> Spending:
    return Spending(requested=10, shortfall=shortfall, lines=lines)


@pytest.mark.parametrize(
    ("before", "hours", "asked", "refusal"),
    [
        ([], 0, earn(1, asset_id="gold"), AssetNotFound),
        ([], 0, spend(1, asset_id="gold"), AssetNotFound),
        ([], 0, hold(1, asset_id="gold"), AssetNotFound),
        ([], 0, freeze(asset_id="gold"), AssetNotFound),
        ([], 0, transfer(1, asset_id="gold"), AssetNotFound),
        ([], 0, earn(1, counter_account_id="nobody"), AccountNotFound),
        ([], 0, earn(1, counter_account_id="checkout"), AccountNotFound),
        ([], 0, spend(1, counter_account_id="platform"), AccountNotFound),
        ([], 0, spend(1, asset_id="gold", counter_account_id="nobody"), AssetNotFound),
        ([EARNED, HELD], 0, capture(HELD, counter_account_id="platform"), AccountNotFound),
        ([], 0, earn(1, effective_time=NOON + HOUR), TimeInFuture),
        ([], 0, spend(1, effective_time=NOON + HOUR), TimeInFuture),
        ([EARNED, SPENT], 0, reverse(SPENT, effective_time=NOON + HOUR), TimeInFuture),
        ([], 0, earn(101, asset_id="stamp"), AmountTooLarge),
        ([], 0, spend(101, asset_id="stamp"), AmountTooLarge),
        ([], 0, hold(101, asset_id="stamp"), AmountTooLarge),
        ([], 0, earn(101, asset_id="stamp", effective_time=NOON + HOUR), TimeInFuture),
        ([], 0, earn(1, expire_time=NOON), ExpiryNotAfterActive),
        ([], 2, earn(1, expire_time=NOON + HOUR), ExpiryNotAfterActive),
        ([], 0, earn(1, expire_time=NOON + HOUR, active_time=NOON + HOUR), ExpiryNotAfterActive),
        ([EARNED], 0, prolong(NOON), ExpiryNotAfterActive),
        ([earn(90, asset_id="stamp")], 0, earn(61, asset_id="stamp"), BalanceLimitExceeded),
        ([], 0, spend(1), InsufficientPoints),
        ([EARNED], 0, spend(101), InsufficientPoints),
        ([EARNED], 0, hold(101), InsufficientPoints),
        ([EARNED, HELD], 0, spend(81), InsufficientPoints),
        ([earn(9, expire_time=NOON + HOUR)], 1, spend(1), InsufficientPoints),
        ([earn(9, activation_key="paid")], 0, spend(1), InsufficientPoints),
        ([earn(9, active_time=NOON + HOUR)], 0, spend(1), InsufficientPoints),
        ([EARNED, freeze()], 0, spend(1), InsufficientPoints),
        ([EARNED, freeze()], 0, hold(1), InsufficientPoints),
        ([], 0, spend(10, spending=said(SpendShortfall.PARTIAL)), InsufficientPoints),
        (
            [EARNED],
            0,
            spend(10, spending=said(SpendShortfall.REJECT, Line("a", 9))),
            LinesNotSumming,
        ),
        ([EARNED], 0, spend(1, conditions=On(expected_version=0)), VersionMismatch),
        ([EARNED], 0, spend(1, conditions=On(expected_version=2)), VersionMismatch),
        ([], 0, earn(1, conditions=On(expected_version=1)), VersionMismatch),
        ([], 0, transfer(1, conditions=On(expected_version=1)), VersionMismatch),
        ([EARNED], 0, spend(999, conditions=On(expected_version=2)), VersionMismatch),
        ([EARNED], 0, spend(999, conditions=On(expected_version=1)), InsufficientPoints),
        ([EARNED], 0, spend(1, conditions=On(posted_min=101)), BalanceConditionFailed),
        ([EARNED], 0, spend(999, conditions=On(posted_min=100)), InsufficientPoints),
        ([EARNED], 0, spend(1, conditions=On(posted_max=99)), BalanceConditionFailed),
        ([EARNED], 0, spend(999, conditions=On(posted_max=100)), InsufficientPoints),
        ([EARNED, HELD], 0, spend(1, conditions=On(available_min=81)), BalanceConditionFailed),
        ([EARNED, HELD], 0, spend(81, conditions=On(available_min=80)), InsufficientPoints),
        ([EARNED, HELD], 0, spend(1, conditions=On(available_max=79)), BalanceConditionFailed),
        ([EARNED, HELD], 0, spend(81, conditions=On(available_max=80)), InsufficientPoints),
        ([EARNED], 0, spend(1, asset_id="gold", conditions=On(posted_min=101)), AssetNotFound),
        ([EARNED], 0, transfer(1, asset_id="bean"), TransferNotAllowed),
        ([], 0, transfer(1), InsufficientPoints),
        ([EARNED], 0, earn(101, request_id=EARNED.request_id), RequestIdReused),
        ([EARNED], 0, spend(100, request_id=EARNED.request_id), RequestIdReused),
        ([EARNED], 0, earn(1, request_id=EARNED.request_id, asset_id="gold"), RequestIdReused),
        ([], 0, reverse(EARNED), TransactionNotFound),
        ([EARNED, SPENT, BACK], 0, reverse(BACK), TransactionNotReversible),
        ([EARNED, HELD], 0, reverse(HELD), TransactionNotReversible),
        ([EARNED, SPENT], 0, reverse(SPENT, 11), ReversalExceedsRemaining),
        ([EARNED, SPENT, reverse(SPENT)], 0, reverse(SPENT), ReversalExceedsRemaining),
        ([EARNED, SPENT, reverse(SPENT, 4)], 0, reverse(SPENT, 7), ReversalExceedsRemaining),
        ([EARNED, HELD, TAKEN], 0, reverse(TAKEN, 21), ReversalExceedsRemaining),
        ([EARNED, SPENT], 0, reverse(SPENT, lines=A), LineNotFound),
        ([EARNED, LINED], 0, reverse(LINED, lines=C), LineNotFound),
        ([EARNED, LINED], 0, reverse(LINED, lines=(AskedLine("a", 7),)), LineExceedsRemaining),
        (
            [EARNED, LINED, reverse(LINED, lines=ALL_OF_A)],
            0,
            reverse(LINED, lines=A),
            LineExceedsRemaining,
        ),
        ([LENT, earn(30)], 0, reverse(LENT), DebtRepaid),
        ([], 0, capture(HELD), HoldNotFound),
        ([], 0, release(HELD), HoldNotFound),
        ([], 0, extend(HELD, minutes=5), HoldNotFound),
        ([EARNED, HELD, TAKEN], 0, capture(HELD, 1), HoldAlreadyCaptured),
        ([EARNED, HELD, TAKEN], 0, release(HELD), HoldAlreadyCaptured),
        ([EARNED, HELD, TAKEN], 0, extend(HELD, minutes=5), HoldAlreadyCaptured),
        ([EARNED, HELD, GIVEN_UP], 0, capture(HELD, 1), HoldAlreadyReleased),
        ([EARNED, HELD, GIVEN_UP], 0, release(HELD), HoldAlreadyReleased),
        ([EARNED, HELD], 1, capture(HELD, 1), HoldExpired),
        ([EARNED, HELD], 1, release(HELD), HoldExpired),
        ([EARNED, HELD], 1, extend(HELD, minutes=90), HoldExpired),
        ([EARNED, HELD], 0, capture(HELD, 21), CaptureExceedsHold),
        ([EARNED, HELD, capture(HELD, 5)], 0, capture(HELD, 16), CaptureExceedsHold),
        ([EARNED, HELD, TAKEN], 0, capture(HELD, 21), HoldAlreadyCaptured),
        ([EARNED], 0, freeze(lot_nos=(2,)), LotNotFound),
        ([EARNED], 0, activate(lot_nos=(2,)), LotNotFound),
        ([EARNED], 0, activate(activation_key="paid"), LotsNotFound),
        ([EARNED], 0, thaw(), LotsNotFound),
        ([EARNED, freeze()], 0, freeze(), LotsNotFound),
        ([EARNED, freeze()], 0, thaw(freeze_key="other"), LotsNotFound),
        ([], 0, void(), LotsNotFound),
        ([EARNED, spend(100)], 0, void(), LotsNotFound),
        ([EARNED], 0, prolong(NOON + HOUR), LotsNotFound),
    ],
)
def test_what_cannot_be_is_refused_for_its_first_reason(before, hours, asked, refusal) -> None:
    decision = decide_batch(
        Books(accounts={}, records={}), [group(*before)], now=NOON, skew_max=SKEW
    )
    assert all(isinstance(each, Posted) for each in decision.outcomes[0])
    amounts = {}
    lines = {}
    for each in decision.records:
        if reversal := each.reversal:
            key = each.draft.reversed_key
            amounts[key] = amounts.get(key, 0) + each.amount
            if done := reversal.of_lines:
                lines[key] = {name: earlier + now for name, earlier, now in done.lines}
    books = Books(
        accounts=decision.accounts,
        records={each.request_key: each for each in decision.records},
        reversed_amounts=amounts,
        reversed_lines=lines,
        holds={("jd", "m-1", each.hold_id): each for each in decision.holds},
    )
    now = NOON + hours * HOUR + timedelta(seconds=hours == 0)
    ((outcome,),) = decide_batch(books, [group(asked)], now=now, skew_max=SKEW).outcomes
    assert not isinstance(outcome, Posted)
    assert type(outcome.error) is refusal
