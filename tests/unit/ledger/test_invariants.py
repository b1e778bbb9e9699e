"""What is checked before anything is stored: a decision with a value changed in it is noticed, by
the invariant that it breaks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest
from laurel_ledger.domain.accounts import Account, AccountKey, HoldState, Pin
from laurel_ledger.domain.assets import AMOUNT_MAX
from laurel_ledger.domain.errors import InvariantViolation
from laurel_ledger.domain.invariants import check_batch
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Group, Posted, decide_batch
from laurel_ledger.domain.spendings import AskedLine, Line, LineReversal, Spending, SpendShortfall
from laurel_ledger.domain.transactions import Transaction, TransactionType

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    capture,
    earn,
    group,
    hold,
    release,
    reverse,
    spend,
)

KEY = AccountKey(PROGRAM, MEMBER, "bean")
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
LATER = NOON + HOUR


class Decided(NamedTuple):
    """One more transaction of an account, and the account before and after it."""

    before: Account
    after: Account
    record: Transaction
    now: object


def decided(*drafts, now=NOON) -> Decided:
    """The last of some drafts, or what is due after all of them."""
    books = Books(accounts={}, records={})
    for each in drafts:
        last = group(each) if not isinstance(each, Group) else each
        found = decide_batch(books, [last], now=now, skew_max=SKEW)
        assert all(isinstance(outcome, Posted) for outcome in found.outcomes[0]), found.outcomes
        earlier, books = (
            books,
            Books(
                accounts={**books.accounts, **found.accounts},
                records={**books.records, **{one.request_key: one for one in found.records}},
                holds={**books.holds, **{one_of(one): one for one in found.holds}},
            ),
        )
        now += MICROSECOND
    return Decided(earlier.account(KEY), books.accounts[KEY], found.records[-1], now)


def one_of(held) -> tuple:
    return (PROGRAM, MEMBER, held.hold_id)


EARNED = earn(100, expire_time=LATER)
HELD = hold(20)
MORE_HELD = hold(30)
LINED = spend(10, spending=Spending(requested=10, lines=(Line("a", 6), Line("b", 4))))
LENT = spend(9, spending=Spending(requested=9, shortfall=SpendShortfall.DEBT))
SPENT = spend(30)
TWO_LOTS = earn(5, counter_account_id="merchant", expire_time=LATER)

AN_EARNING = decided(EARNED)
A_SPENDING = decided(EARNED, SPENT)
A_HOLD = decided(EARNED, TWO_LOTS, HELD, MORE_HELD)
A_CAPTURE = decided(EARNED, HELD, capture(HELD))
A_RELEASE = decided(EARNED, HELD, release(HELD))
A_REVERSAL = decided(EARNED, SPENT, reverse(SPENT, 12))
A_REVERSAL_OF_LINES = decided(EARNED, LINED, reverse(LINED, lines=(AskedLine("a"),)))
A_LOAN = decided(LENT)
A_REPAYMENT = decided(LENT, earn(4))
UNPAID = {"record": {"movements": A_REPAYMENT.record.movements[:1]}}
AT_MOST = decided(earn(AMOUNT_MAX - 1), earn(1))
MORE = {
    "record": {"amount": 2, "posted_after": AMOUNT_MAX + 1},
    "movement": {"amount": 2},
    "lot": {"earned": AMOUNT_MAX + 1},
    "account": {"posted": AMOUNT_MAX + 1},
}
OTHER_LINES = replace(
    A_REVERSAL_OF_LINES.record.reversal.of_lines, lines=(LineReversal("a", 0, 5),)
)


def changed(case: Decided, fields: dict[str, dict]) -> Decided:
    """The same with other values in the parts of it that are named."""
    before, after, record, now = case
    first_lot, first_hold, first_moved = after.lots[:1], after.holds[:1], record.movements[:1]
    for lot in first_lot:
        lots = (replace(lot, **fields.get("lot", {})), *after.lots[1:])
        after = replace(after, lots=lots)
    for held in first_hold:
        holds = (replace(held, **fields.get("hold", {})), *after.holds[1:])
        after = replace(after, holds=holds)
    for moved in first_moved:
        movements = (replace(moved, **fields.get("movement", {})), *record.movements[1:])
        record = replace(record, movements=movements)
    if record.reversal is not None:
        back = replace(record.reversal, **fields.get("reversal", {}))
        record = replace(record, reversal=back)
    after = replace(after, **fields.get("account", {}))
    record = replace(record, **fields.get("record", {}))
    return Decided(before, after, record, now)


@pytest.mark.parametrize(
    ("case", "fields", "refusal", "invariant"),
    [
        (AN_EARNING, {"record": {}}, None, ""),
        (A_SPENDING, {"record": {}}, None, ""),
        (A_HOLD, {"record": {}}, None, ""),
        (A_CAPTURE, {"record": {}}, None, ""),
        (A_RELEASE, {"record": {}}, None, ""),
        (A_REVERSAL, {"record": {}}, None, ""),
        (A_REVERSAL_OF_LINES, {"record": {}}, None, ""),
        (A_LOAN, {"record": {}}, None, ""),
        (A_REPAYMENT, {"record": {}}, None, ""),
        (AN_EARNING, {"movement": {"amount": 101}}, InvariantViolation, "I1"),
        (AN_EARNING, {"movement": {"amount": 99}}, InvariantViolation, "I4"),
        (A_SPENDING, {"movement": {"amount": -29}}, InvariantViolation, "I1"),
        (A_SPENDING, {"movement": {"amount": -31}}, InvariantViolation, "I1"),
        (A_SPENDING, {"record": {"movements": ()}}, InvariantViolation, "I1"),
        (A_SPENDING, {"record": {"amount": 29}}, InvariantViolation, "I1"),
        (A_REPAYMENT, {"record": {"type": TransactionType.SPEND}}, InvariantViolation, "I1"),
        (A_SPENDING, {"record": {"posted_after": 71}}, InvariantViolation, "I2"),
        (A_SPENDING, {"account": {"posted": 71}}, InvariantViolation, "I2"),
        (A_SPENDING, {"record": {"version": 1}}, InvariantViolation, "I3"),
        (A_SPENDING, {"record": {"version": 3}}, InvariantViolation, "I3"),
        (A_SPENDING, {"account": {"version": 3}}, InvariantViolation, "I3"),
        (A_SPENDING, {"lot": {"consumed": 29}}, InvariantViolation, "I4"),
        (A_SPENDING, {"lot": {"consumed": 31}}, InvariantViolation, "I4"),
        (A_SPENDING, {"lot": {"earned": 99}}, InvariantViolation, "I4"),
        (A_SPENDING, {"account": {"lots": ()}}, InvariantViolation, "I4"),
        (A_LOAN, {"account": {"lots_opened": 9}}, None, ""),
        (A_SPENDING, {"lot": {"earned": 69, "consumed": -1}}, InvariantViolation, "I6"),
        (A_SPENDING, {"lot": {"consumed": 101}}, InvariantViolation, "I6"),
        (A_SPENDING, {"lot": {"reserved": -1}}, InvariantViolation, "I6"),
        (A_SPENDING, {"lot": {"reserved": 71}}, InvariantViolation, "I6"),
        (A_REPAYMENT, UNPAID | {"lot": {"consumed": 0, "expire_time": NOON}}, None, ""),
        (A_REPAYMENT, UNPAID | {"lot": {"consumed": 0}}, InvariantViolation, "I5"),
        (AT_MOST, {}, None, ""),
        (AT_MOST, MORE, InvariantViolation, "I8"),
        (A_SPENDING, {"account": {"held": 1}}, InvariantViolation, "I7"),
        (A_HOLD, {"account": {"held": 49}}, InvariantViolation, "I7"),
        (A_HOLD, {"account": {"holds": ()}}, InvariantViolation, "I7"),
        (A_HOLD, {"hold": {"amount": 21}}, InvariantViolation, "I7"),
        (A_HOLD, {"hold": {"pins": (Pin(1, 19),)}}, InvariantViolation, "I7"),
        (A_HOLD, {"hold": {"pins": (Pin(2, 20),)}}, InvariantViolation, "I7"),
        (A_HOLD, {"hold": {"pins": (Pin(3, 20),)}}, InvariantViolation, "I7"),
        (A_HOLD, {"hold": {"state": HoldState.CAPTURED}}, InvariantViolation, "I9"),
        (A_HOLD, {"hold": {"released": 20}}, InvariantViolation, "I9"),
        (A_REVERSAL, {"reversal": {"requested": 11}}, InvariantViolation, "I10"),
        (A_REVERSAL, {"reversal": {"requested": 30}}, None, ""),
        (A_REVERSAL, {"reversal": {"requested": 31}}, InvariantViolation, "I10"),
        (A_REVERSAL, {"reversal": {"reversed_before": 18}}, None, ""),
        (A_REVERSAL, {"reversal": {"reversed_before": 19}}, InvariantViolation, "I10"),
        (A_REVERSAL_OF_LINES, {"reversal": {"of_lines": None}}, None, ""),
        (A_REVERSAL_OF_LINES, {"reversal": {"of_lines": OTHER_LINES}}, InvariantViolation, "I10"),
        (A_SPENDING, {"movement": {"expire_time": None}}, None, ""),
        (A_SPENDING, {"movement": {"expire_time": NOON}}, InvariantViolation, "I16"),
        (
            A_SPENDING,
            {"movement": {"expire_time": A_SPENDING.record.commit_time}},
            InvariantViolation,
            "I16",
        ),
        (
            A_SPENDING,
            {"movement": {"expire_time": A_SPENDING.record.commit_time + MICROSECOND}},
            None,
            "",
        ),
        (A_CAPTURE, {"movement": {"expire_time": NOON}}, None, ""),
        (A_REVERSAL, {"movement": {"expire_time": NOON}}, None, ""),
        (AN_EARNING, {"movement": {"expire_time": NOON}}, InvariantViolation, "I16"),
        (A_SPENDING, {"record": {"type": TransactionType.EXPIRY}}, InvariantViolation, "I16"),
        (
            A_SPENDING,
            {"record": {"type": TransactionType.EXPIRY, "effective_time": LATER}},
            None,
            "",
        ),
    ],
)
def test_a_decision_that_disagrees_with_itself_is_not_stored(
    case: Decided, fields: dict, refusal, invariant: str
) -> None:
    found = changed(case, fields)
    if refusal is None:
        check_batch({KEY: found.before}, {KEY: found.after}, [found.record], now=found.now)
        return
    with pytest.raises(InvariantViolation) as refused:
        check_batch({KEY: found.before}, {KEY: found.after}, [found.record], now=found.now)
    assert refused.value.invariant == invariant
