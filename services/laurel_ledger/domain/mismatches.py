"""Where two drafts of one request id differ."""

from __future__ import annotations

from laurel_ledger.domain.transactions import (
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    ReversalDraft,
    TransactionType,
)

_FIELD_NAMES = {
    TransactionType.EARN: {"counter_account_id": "funding_account_id"},
    TransactionType.SPEND: {"counter_account_id": "redemption_account_id"},
    TransactionType.CAPTURE: {"counter_account_id": "redemption_account_id"},
    TransactionType.ADJUSTMENT_CREDIT: {"counter_account_id": "funding_account_id"},
    TransactionType.ADJUSTMENT_DEBIT: {"counter_account_id": "funding_account_id"},
    TransactionType.ACTIVATION: {"lot_nos": "lot_ids"},
    TransactionType.FREEZE: {"lot_nos": "lot_ids"},
    TransactionType.THAW: {"lot_nos": "lot_ids"},
    TransactionType.VOIDING: {"lot_nos": "lot_ids"},
    TransactionType.LOT_EXTENSION: {"lot_nos": "lot_ids"},
}
_COMPARED = (
    "amount",
    "counter_account_id",
    "expire_time",
    "effective_time",
    "reason",
    "labels",
    "program_revision",
    "active_time",
    "activation_key",
    "lines",
    "shortfall",
    "lot_policy",
    "cost",
    "to_member_id",
    "to_asset_id",
)
_COMPARED_OF_LOTS = (
    "lot_nos",
    "activation_key",
    "freeze_key",
    "expire_time",
    "reason",
    "labels",
    "program_revision",
)
_COMPARED_OF_HOLD = (
    "hold_id",
    "amount",
    "lifetime",
    "final",
    "counter_account_id",
    "reason",
    "labels",
    "program_revision",
)
_COMPARED_OF_REVERSAL = (
    "reversed_request_id",
    "amount",
    "lines",
    "late_restore",
    "grace_days",
    "shortfall",
    "effective_time",
    "reason",
    "labels",
    "program_revision",
)


def mismatched_fields(earlier: AnyDraft, later: AnyDraft) -> tuple[str, ...]:
    """Where two drafts of one request id differ, by the contract's names; empty when nowhere."""
    if isinstance(earlier, ReversalDraft) and isinstance(later, ReversalDraft):
        return _differences(earlier, later, _COMPARED_OF_REVERSAL)
    if type(earlier) is not type(later) or earlier.type is not later.type:
        return ("effect",)
    compared: tuple[str, ...] = _COMPARED
    if isinstance(later, HoldDraft):
        compared = _COMPARED_OF_HOLD
    elif isinstance(later, LotDraft):
        compared = _COMPARED_OF_LOTS
    placing = later.type is TransactionType.HOLD or isinstance(later, Draft | LotDraft)
    names = _FIELD_NAMES.get(later.type, {})
    asset = ("asset_id",) if placing and earlier.asset_id != later.asset_id else ()
    return asset + tuple(names.get(name, name) for name in _differences(earlier, later, compared))


def _differences(earlier: object, later: object, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if getattr(earlier, name) != getattr(later, name))
