"""Changes by hand: who may propose and approve what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentState,
    Operator,
    approve,
    decide_adjustment,
    reject,
)
from laurel_ledger.domain.assets import AdjustmentRole, AdjustmentRules, check_adjustments
from laurel_ledger.domain.errors import (
    AccountNotFound,
    AdjustmentDecided,
    AdjustmentLimitExceeded,
    AdjustmentReasonNotFound,
    AmountTooLarge,
    AssetNotFound,
    ExpiryNotAfterActive,
    LedgerError,
    SelfApproval,
)
from laurel_ledger.domain.transactions import TransactionType

from tests.support.ledger import NOON, PROGRAM, TERMS

RULES = AdjustmentRules(
    reasons={"goodwill": "Goodwill"},
    roles=(
        AdjustmentRole(role_id="agent", create_max=100),
        AdjustmentRole(role_id="lead", create_max=1000, approve_max=1000),
    ),
)
RULED = replace(TERMS, adjustments=RULES)
AGENT = Operator(operator_id="ann", role_ids=frozenset({"agent"}))
LEAD = Operator(operator_id="bob", role_ids=frozenset({"agent", "lead"}))
NOBODY = Operator(operator_id="eve")
DRAFT = AdjustmentDraft(
    key=AdjustmentKey(PROGRAM, "m-1", "a-1"),
    asset_id="bean",
    amount=100,
    funding_account_id="platform",
    reason_id="goodwill",
    comment="",
)


def proposed(amount: int = 100, maker: Operator = AGENT) -> Adjustment:
    return decided(replace(DRAFT, amount=amount), maker)


def decided(draft: AdjustmentDraft, maker: Operator) -> Adjustment:
    return decide_adjustment(draft, maker, terms=RULED, now=NOON, transaction_id="t-1")


def outcome_of(decide) -> type:
    try:
        return type(decide())
    except LedgerError as refusal:
        return type(refusal)


@pytest.mark.parametrize(
    ("maker", "fields", "outcome"),
    [
        (AGENT, {}, Adjustment),
        (AGENT, {"amount": -100}, Adjustment),
        (AGENT, {"amount": 101}, AdjustmentLimitExceeded),
        (AGENT, {"amount": -101}, AdjustmentLimitExceeded),
        (LEAD, {"amount": 1000}, Adjustment),
        (NOBODY, {"amount": 1}, AdjustmentLimitExceeded),
        (AGENT, {"asset_id": "gold", "reason_id": "none"}, AssetNotFound),
        (AGENT, {"funding_account_id": "none", "reason_id": "none"}, AccountNotFound),
        (AGENT, {"funding_account_id": "checkout"}, AccountNotFound),
        (AGENT, {"reason_id": "none", "amount": 10**16}, AdjustmentReasonNotFound),
        (AGENT, {"amount": 10**16}, AmountTooLarge),
        (AGENT, {"expire_time": NOON, "amount": 101}, ExpiryNotAfterActive),
        (AGENT, {"expire_time": NOON + timedelta(microseconds=1)}, Adjustment),
    ],
)
def test_adjustments_are_proposed_within_the_limits_of_roles(maker, fields, outcome) -> None:
    assert outcome is outcome_of(lambda: decided(replace(DRAFT, **fields), maker))


@pytest.mark.parametrize(
    ("maker", "checker", "amount", "outcome"),
    [
        (AGENT, LEAD, 100, Adjustment),
        (LEAD, LEAD, 100, SelfApproval),
        (LEAD, replace(LEAD, operator_id="carl"), 1000, Adjustment),
        (LEAD, AGENT, 100, AdjustmentLimitExceeded),
        (LEAD, NOBODY, -1, AdjustmentLimitExceeded),
    ],
)
def test_the_checker_is_never_the_maker(maker, checker, amount, outcome) -> None:
    adjustment = proposed(amount, maker)
    assert outcome is outcome_of(lambda: approve(adjustment, checker, "", terms=RULED, now=NOON))


def test_whoever_proposed_an_adjustment_may_take_it_back() -> None:
    taken_back = reject(proposed(), AGENT, "a slip", now=NOON)
    assert (taken_back.state, taken_back.checker_id) == (AdjustmentState.REJECTED, "ann")
    assert taken_back.decision_comment == "a slip"


@pytest.mark.parametrize(
    ("state", "checker", "outcome"),
    [
        (AdjustmentState.PENDING, LEAD, Adjustment),
        (AdjustmentState.PENDING, AGENT, SelfApproval),
        (AdjustmentState.APPROVED, LEAD, AdjustmentDecided),
        (AdjustmentState.POSTED, LEAD, AdjustmentDecided),
        (AdjustmentState.FAILED, LEAD, AdjustmentDecided),
        (AdjustmentState.REJECTED, LEAD, AdjustmentDecided),
        (AdjustmentState.REJECTED, AGENT, AdjustmentDecided),
        (AdjustmentState.APPROVED, NOBODY, AdjustmentDecided),
    ],
)
def test_what_is_decided_stays_decided(state, checker, outcome) -> None:
    now = replace(proposed(), state=state)
    assert outcome is outcome_of(lambda: approve(now, checker, "", terms=RULED, now=NOON))
    # Whoever may not approve it may still say no: nothing is given.
    rejected = Adjustment if state is AdjustmentState.PENDING else AdjustmentDecided
    assert rejected is outcome_of(lambda: reject(now, checker, "", now=NOON))


def test_an_adjustment_becomes_the_same_transaction_whenever_it_is_made() -> None:
    given = approve(proposed(60), LEAD, "", terms=RULED, now=NOON)
    draft = given.transaction_draft
    assert draft == replace(given, state=AdjustmentState.POSTED).transaction_draft
    assert (draft.type, draft.amount) == (TransactionType.ADJUSTMENT_CREDIT, 60)
    assert draft.counter_account_id == "platform"
    assert draft.labels == {"adjustment_id": "a-1", "maker_id": "ann", "checker_id": "bob"}
    assert draft.reason == "goodwill"
    taken = proposed(-60).transaction_draft
    assert (taken.type, taken.amount) == (TransactionType.ADJUSTMENT_DEBIT, 60)


def test_rules_that_nobody_could_follow_are_faults() -> None:
    roles = (
        AdjustmentRole(role_id="lead", create_max=10, approve_max=9),
        AdjustmentRole(role_id="lead"),
    )
    faults = list(check_adjustments(["slip", "slip"], roles))
    assert [fault.path for fault in faults] == [
        "adjustments.reasons[1].reason_id",
        "adjustments.roles[1].role_id",
        "adjustments.roles[0].create_max",
    ]
    assert not list(check_adjustments(["slip"], RULES.roles))
