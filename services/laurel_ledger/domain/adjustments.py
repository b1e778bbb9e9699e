"""Changes of balances by hand: who may propose and approve them, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.assets import AdjustmentRole, AdjustmentRules, Terms
from laurel_ledger.domain.errors import (
    AccountNotFound,
    AdjustmentDecided,
    AdjustmentLimitExceeded,
    AdjustmentReasonNotFound,
    AmountTooLarge,
    AssetNotFound,
    ExpiryNotAfterActive,
    SelfApproval,
)
from laurel_ledger.domain.transactions import Draft, TransactionType


class AdjustmentState(IntEnum):
    """What became of an adjustment. The numbers are stored and the contract's."""

    PENDING = 1
    APPROVED = 2
    POSTED = 3
    FAILED = 4
    REJECTED = 5


class AdjustmentKey(NamedTuple):
    """The name of an adjustment."""

    program_id: str
    member_id: str
    adjustment_id: str


class AdjustmentPlace(NamedTuple):
    """Where an adjustment stands in a list, the latest first."""

    create_time: datetime
    member_id: str
    adjustment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who acts, and the roles of the program that count for it."""

    operator_id: str
    role_ids: frozenset[str] = frozenset()

    def create_max(self, rules: AdjustmentRules) -> int:
        """The most points an adjustment of theirs may give or take."""
        return max((each.create_max for each in self._roles(rules)), default=0)

    def approve_max(self, rules: AdjustmentRules) -> int:
        """The most points an adjustment that they approve may give or take."""
        return max((each.approve_max for each in self._roles(rules)), default=0)

    def _roles(self, rules: AdjustmentRules) -> list[AdjustmentRole]:
        return [each for each in rules.roles if each.role_id in self.role_ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentDraft:
    """An adjustment that somebody wants to propose."""

    key: AdjustmentKey
    asset_id: str
    amount: int
    """Above zero to give, below zero to take."""
    funding_account_id: str
    reason_id: str
    comment: str
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An adjustment that was proposed."""

    draft: AdjustmentDraft
    state: AdjustmentState
    maker_id: str
    create_time: datetime
    program_revision: str
    transaction_id: str
    """The name of its transaction, whatever becomes of it."""
    checker_id: str = ""
    decide_time: datetime | None = None
    decision_comment: str = ""
    failure_reason: str = ""

    @property
    def transaction_draft(self) -> Draft:
        """What is to be posted once it is approved."""
        draft, giving = self.draft, self.draft.amount > 0
        return Draft(
            program_id=draft.key.program_id,
            request_id=self.transaction_id,
            type=(
                TransactionType.ADJUSTMENT_CREDIT if giving else TransactionType.ADJUSTMENT_DEBIT
            ),
            member_id=draft.key.member_id,
            asset_id=draft.asset_id,
            amount=abs(draft.amount),
            counter_account_id=draft.funding_account_id,
            expire_time=draft.expire_time,
            reason=draft.reason_id,
            labels={
                "adjustment_id": draft.key.adjustment_id,
                "maker_id": self.maker_id,
                "checker_id": self.checker_id,
            },
        )


def decide_adjustment(
    draft: AdjustmentDraft,
    maker: Operator,
    *,
    terms: Terms,
    now: datetime,
    transaction_id: str,
) -> Adjustment:
    """The proposal, which waits for somebody else; `transaction_id` is free in the member's books.

    Raises AssetNotFound, AccountNotFound, AdjustmentReasonNotFound, AmountTooLarge,
    ExpiryNotAfterActive, AdjustmentLimitExceeded, in this order.
    """
    program_id, amount = terms.program_id, abs(draft.amount)
    asset = terms.assets.get(draft.asset_id)
    if asset is None:
        raise AssetNotFound(program_id=program_id, asset_id=draft.asset_id)
    account = terms.accounts.get(draft.funding_account_id)
    if account is None or account.kind is not AccountKind.FUNDING:
        raise AccountNotFound(
            program_id=program_id,
            account_id=draft.funding_account_id,
            kind=AccountKind.FUNDING.name,
        )
    if draft.reason_id not in terms.adjustments.reasons:
        raise AdjustmentReasonNotFound(program_id=program_id, reason_id=draft.reason_id)
    if amount > asset.amount_max:
        raise AmountTooLarge(asset_id=draft.asset_id, amount=amount, amount_max=asset.amount_max)
    if draft.expire_time is not None and draft.expire_time <= now:
        raise ExpiryNotAfterActive(expire_time=draft.expire_time, current_time=now)
    _check_limit(maker, amount, maker.create_max(terms.adjustments))
    return Adjustment(
        draft=draft,
        state=AdjustmentState.PENDING,
        maker_id=maker.operator_id,
        create_time=now,
        program_revision=terms.revision_id,
        transaction_id=transaction_id,
    )


def approve(
    adjustment: Adjustment, checker: Operator, comment: str, *, terms: Terms, now: datetime
) -> Adjustment:
    """The adjustment approved by somebody who did not propose it.

    Raises AdjustmentDecided, SelfApproval, AdjustmentLimitExceeded.
    """
    _check_pending(adjustment)
    if checker.operator_id == adjustment.maker_id:
        raise SelfApproval(
            adjustment_id=adjustment.draft.key.adjustment_id, operator_id=checker.operator_id
        )
    limit = checker.approve_max(terms.adjustments)
    _check_limit(checker, abs(adjustment.draft.amount), limit)
    return _decided(adjustment, AdjustmentState.APPROVED, checker, comment, now)


def reject(adjustment: Adjustment, checker: Operator, comment: str, *, now: datetime) -> Adjustment:
    """The adjustment rejected for good. Raises AdjustmentDecided."""
    _check_pending(adjustment)
    return _decided(adjustment, AdjustmentState.REJECTED, checker, comment, now)


def _check_pending(adjustment: Adjustment) -> None:
    if adjustment.state is not AdjustmentState.PENDING:
        raise AdjustmentDecided(
            adjustment_id=adjustment.draft.key.adjustment_id, state=adjustment.state.name
        )


def _check_limit(operator: Operator, amount: int, amount_max: int) -> None:
    if amount > amount_max:
        raise AdjustmentLimitExceeded(
            operator_id=operator.operator_id, amount=amount, amount_max=amount_max
        )


def _decided(
    adjustment: Adjustment,
    state: AdjustmentState,
    checker: Operator,
    comment: str,
    now: datetime,
) -> Adjustment:
    return replace(
        adjustment,
        state=state,
        checker_id=checker.operator_id,
        decide_time=now,
        decision_comment=comment,
    )
