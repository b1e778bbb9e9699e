"""Postings of rewards, redemptions and gifts, in the ledger's contract."""

from __future__ import annotations

from laurel.ledger.v1 import lots_pb2 as lots
from laurel.ledger.v1 import transactions_pb2 as ledger

from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.wire.times import write_instant

SHORTFALLS = {PostingSource.DELETION: ledger.SHORTFALL_DEBT}
"""Reversals whose points are owed where they are no longer there (E18)."""

SPEND_SHORTFALLS = {PostingSource.PENALTY: ledger.SPEND_SHORTFALL_DEBT}
"""Charges that nobody avoids by having no points (E18, E24)."""


def write_post(posting: Posting) -> ledger.PostTransactionRequest:
    """A posting that earns or spends."""
    draft = ledger.TransactionDraft(
        request_id=posting.ledger_request_id,
        effective_time=write_instant(posting.effective_time),
        reason=posting.reason,
        labels=labels_of(posting),
        program_revision=posting.program_revision,
    )
    if posting.effect is PostingEffect.EARN:
        earn = ledger.Earn(
            member_id=posting.member.member_id,
            asset_id=posting.asset_id,
            amount=posting.amount,
            funding_account_id=posting.account_id,
        )
        if posting.activation_key:
            earn.activation_key = posting.activation_key
        draft.earn.CopyFrom(earn)
    else:
        spend = ledger.Spend(
            member_id=posting.member.member_id,
            asset_id=posting.asset_id,
            amount=posting.amount,
            redemption_account_id=posting.account_id,
            shortfall=SPEND_SHORTFALLS.get(posting.source, ledger.SPEND_SHORTFALL_UNSPECIFIED),
        )
        draft.spend.CopyFrom(spend)
    return ledger.PostTransactionRequest(program_id=posting.member.program_id, transaction=draft)


def write_reversal(posting: Posting) -> ledger.ReverseTransactionRequest:
    """A posting that takes back an earlier one, as far as there is something left of it."""
    return ledger.ReverseTransactionRequest(
        program_id=posting.member.program_id,
        member_id=posting.member.member_id,
        request_id=posting.ledger_request_id,
        reversed_request_id=posting.reversed_request_id,
        amount=posting.amount,
        effective_time=write_instant(posting.effective_time),
        reason=posting.reason,
        labels=labels_of(posting),
        shortfall=SHORTFALLS.get(posting.source, ledger.SHORTFALL_UNSPECIFIED),
    )


def write_activate(posting: Posting) -> lots.ActivateLotsRequest:
    """A posting that lets points be spent that waited for a key."""
    return lots.ActivateLotsRequest(
        program_id=posting.member.program_id,
        member_id=posting.member.member_id,
        request_id=posting.ledger_request_id,
        asset_id=posting.asset_id,
        activation_key=posting.activation_key,
        reason=posting.reason,
        labels=labels_of(posting),
    )


def write_void(posting: Posting) -> lots.VoidLotsRequest:
    """A posting that makes points void that waited for a key."""
    return lots.VoidLotsRequest(
        program_id=posting.member.program_id,
        member_id=posting.member.member_id,
        request_id=posting.ledger_request_id,
        asset_id=posting.asset_id,
        activation_key=posting.activation_key,
        reason=posting.reason,
        labels=labels_of(posting),
    )


def labels_of(posting: Posting) -> dict[str, str]:
    """What the ledger keeps with a posting."""
    return {"kind": posting.source.value, "source_id": posting.source_id}
