"""Verifying how accounts stood and what was decided by hand: what must not be is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_ledger.domain.account_verification import AccountFold
from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.adjustment_verification import (
    StoredAdjustment,
    check_adjustments,
    posted_by_hand,
)
from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentState,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.standing_verification import Standings, StoredChange
from laurel_ledger.domain.standings import NO_LIMITS, AccountLimits, AccountState, ChangeKind
from laurel_ledger.domain.transactions import RequestKey
from laurel_ledger.domain.verification import StoredRecord

from tests.support.ledger import NOON, PROGRAM, SKEW, capture, earn, group, hold, release, spend

OPEN, SUSPENDED, CLOSED = AccountState


def records_of(*drafts) -> list[StoredRecord]:
    """What drafts became, at positions 1, 2, 3."""
    decision = decide_batch(
        Books(accounts={}, records={}), [group(*drafts)], now=NOON, skew_max=SKEW
    )
    assert all(isinstance(each, Posted) for each in decision.outcomes[0])
    return [
        StoredRecord(
            position=number,
            record=record,
            account_id=1,
            holder_no=1,
            counter_no=2,
            account_kind=AccountKind.MEMBER,
            account_holder_no=1,
            account_open_time=NOON,
            ordinals=(),
            single=True,
        )
        for number, record in enumerate(decision.records, start=1)
    ]


def changed(kind: ChangeKind, position: int, **content: object) -> StoredChange:
    """The first change of the account, after a position."""
    usual = {
        "state": {ChangeKind.SUSPENSION: SUSPENDED, ChangeKind.CLOSURE: CLOSED}.get(kind, OPEN),
        "limits": NO_LIMITS,
        "change_no": 1,
        "of_member": True,
        "sound": True,
    }
    return StoredChange(
        shard_id=0, account_id=1, kind=kind, position=position, **{**usual, **content}
    )


def found_in(drafts: list, *changes: StoredChange) -> list[tuple[str, str, str]]:
    """What verifying finds: table, row and column."""
    fold, standings, found = AccountFold(shard_id=0, account_id=1), Standings.of(changes), []
    for stored in records_of(*drafts):
        found += standings.check(stored, fold)
        assert not list(fold.add(stored))
    found += standings.check_end({1: fold}, 0)
    return [(each.table, each.row, each.column) for each in found]


HELD = hold(5)
GIVEN_BACK = [earn(9), spend(9)]


@pytest.mark.parametrize(
    ("drafts", "changes", "found"),
    [
        ([earn(9), spend(3)], [], []),
        ([earn(9), spend(3)], [changed(ChangeKind.SUSPENSION, 2)], []),
        ([earn(9), spend(3)], [changed(ChangeKind.SUSPENSION, 1)], ["type"]),
        ([earn(9), earn(3)], [changed(ChangeKind.SUSPENSION, 1)], ["type"]),
        ([earn(9), HELD, capture(HELD)], [changed(ChangeKind.SUSPENSION, 2)], []),
        ([earn(9), HELD, release(HELD)], [changed(ChangeKind.SUSPENSION, 1)], ["type"]),
        (
            [earn(9), spend(3)],
            [
                changed(ChangeKind.SUSPENSION, 1),
                changed(ChangeKind.RESUMPTION, 1, change_no=2),
            ],
            [],
        ),
        (
            [earn(9), spend(3)],
            [changed(ChangeKind.LIMITING, 1, limits=AccountLimits(spend_max=3))],
            [],
        ),
        (
            [earn(9), spend(3)],
            [changed(ChangeKind.LIMITING, 1, limits=AccountLimits(spend_max=2))],
            ["amount"],
        ),
        (
            [earn(9), earn(3)],
            [changed(ChangeKind.LIMITING, 1, limits=AccountLimits(earn_max=2))],
            ["amount"],
        ),
        (
            [earn(9), earn(3)],
            [changed(ChangeKind.LIMITING, 1, limits=AccountLimits(balance_max=11))],
            ["posted_after"],
        ),
        (
            [earn(9), HELD],
            [changed(ChangeKind.LIMITING, 1, limits=AccountLimits(spend_max=4))],
            ["amount"],
        ),
        (GIVEN_BACK, [changed(ChangeKind.CLOSURE, 2)], []),
        (GIVEN_BACK, [changed(ChangeKind.CLOSURE, 1)], ["kind", "type"]),
        (
            GIVEN_BACK,
            [changed(ChangeKind.CLOSURE, 2), changed(ChangeKind.RESUMPTION, 2, change_no=2)],
            ["kind"],
        ),
        ([earn(9)], [changed(ChangeKind.SUSPENSION, 1, state=OPEN)], ["state"]),
        ([earn(9)], [changed(ChangeKind.SUSPENSION, 1, change_no=2)], ["change_no"]),
        ([earn(9)], [changed(ChangeKind.SUSPENSION, 1, sound=False)], ["digest"]),
        ([earn(9)], [changed(ChangeKind.RESUMPTION, -1)], ["position"]),
        (
            [earn(9)],
            [changed(ChangeKind.SUSPENSION, 1, limits=AccountLimits(spend_max=2))],
            ["limits"],
        ),
        ([earn(9)], [changed(9, 1)], ["kind"]),
        ([earn(9)], [changed(ChangeKind.SUSPENSION, 1, of_member=False)], [""]),
    ],
)
def test_what_an_account_did_not_allow_is_found(drafts: list, changes: list, found: list) -> None:
    assert [column for _, _, column in found_in(drafts, *changes)] == found


ADJUSTMENT = Adjustment(
    draft=AdjustmentDraft(
        key=AdjustmentKey(PROGRAM, "m-1", "a-1"),
        asset_id="bean",
        amount=5,
        funding_account_id="platform",
        reason_id="goodwill",
        comment="",
    ),
    state=AdjustmentState.POSTED,
    maker_id="ann",
    checker_id="bob",
    create_time=NOON,
    decide_time=NOON,
    program_revision="sha256:first",
    transaction_id="t-1",
)


@pytest.mark.parametrize(
    ("content", "posted", "found"),
    [
        ({}, True, []),
        ({"state": AdjustmentState.APPROVED}, True, []),
        ({"state": AdjustmentState.APPROVED}, False, []),
        ({"state": AdjustmentState.PENDING}, False, []),
        ({"state": AdjustmentState.FAILED}, False, []),
        ({}, False, ["state"]),
        ({"state": AdjustmentState.FAILED}, True, ["state"]),
        ({"state": AdjustmentState.REJECTED}, True, ["state"]),
        ({"checker_id": "ann"}, True, ["checker_id", "transaction_id"]),
        ({"maker_id": "eve"}, True, ["transaction_id"]),
        ({"draft": replace(ADJUSTMENT.draft, amount=6)}, True, ["transaction_id"]),
        ({"transaction_id": "t-2"}, True, ["state", ""]),
    ],
)
def test_only_what_two_people_decided_is_posted(content: dict, posted: bool, found: list) -> None:
    stored = StoredAdjustment(
        key=ADJUSTMENT.draft.key, adjustment=replace(ADJUSTMENT, **content), sound=True
    )
    records = records_of(ADJUSTMENT.transaction_draft) if posted else []
    by_hand = {key: each for record in records for key, each in posted_by_hand(record).items()}
    differences = check_adjustments(0, [stored], by_hand)
    assert [each.column for each in differences] == found


def test_a_row_that_cannot_be_read_or_was_changed_is_named() -> None:
    stored = StoredAdjustment(key=ADJUSTMENT.draft.key, adjustment=None, sound=False)
    assert [each.column for each in check_adjustments(0, [stored], {})] == ["digest", ""]


def test_what_nobody_has_to_approve_is_not_asked_for() -> None:
    assert posted_by_hand(records_of(earn(5))[0]) == {}
    key = RequestKey(PROGRAM, "m-1", "t-1")
    assert posted_by_hand(records_of(ADJUSTMENT.transaction_draft)[0]).keys() == {key}
