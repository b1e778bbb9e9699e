"""Reversals between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import transactions_pb2 as pb

from laurel_ledger.domain.reversal_terms import LateRestore, Reversal, Shortfall
from laurel_ledger.domain.spendings import AskedLine
from laurel_ledger.domain.transactions import ReversalDraft, Transaction
from laurel_ledger.handlers.transactions import PostTransaction
from laurel_ledger.wire.instants import read_instant


def read_reverse_transaction(request: pb.ReverseTransactionRequest) -> PostTransaction:
    """What is to be reversed; what is left out of the terms has its default."""
    effective_time = None
    if request.HasField("effective_time"):
        effective_time = read_instant(request.effective_time)
    return PostTransaction(
        draft=ReversalDraft(
            program_id=request.program_id,
            request_id=request.request_id,
            member_id=request.member_id,
            reversed_request_id=request.reversed_request_id,
            amount=request.amount if request.HasField("amount") else None,
            lines=tuple(
                AskedLine(each.line_id, each.amount if each.HasField("amount") else None)
                for each in request.lines
            ),
            late_restore=LateRestore(request.late_restore or LateRestore.EXPIRE),
            grace_days=request.grace_days,
            shortfall=Shortfall(request.shortfall or Shortfall.CLAMP),
            effective_time=effective_time,
            reason=request.reason,
            labels=dict(request.labels),
            program_revision=request.program_revision,
        ),
        validate_only=request.validate_only,
    )


def write_reversal(transaction: Transaction, reversal: Reversal) -> pb.Reversal:
    """What a transaction reversed."""
    late = {reversal.late_restore: reversal.late}
    given_back = transaction.signed_amount > 0
    return pb.Reversal(
        reversed_request_id=reversal.reversed_request_id,
        requested=reversal.requested,
        reversible_after=reversal.original_amount - reversal.reversed_before - transaction.amount,
        restored=transaction.amount - reversal.late if given_back else 0,
        graced=late.get(LateRestore.GRACE, 0),
        reissued=late.get(LateRestore.REISSUE, 0),
        expired=late.get(LateRestore.EXPIRE, 0),
        shortfall=reversal.requested - transaction.amount,
        lines=[
            pb.ReversedLine(line_id=line_id, amount=amount, reversed_after=before + amount)
            for line_id, before, amount in (reversal.of_lines.lines if reversal.of_lines else ())
        ],
    )
