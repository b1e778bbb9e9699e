"""Verifying the journal between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import journal_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_ledger.domain.verification import Difference
from laurel_ledger.handlers.verification import VerifiedJournal, VerifyJournal


def read_verify_journal(request: pb.VerifyJournalRequest) -> VerifyJournal:
    """Who asks."""
    return VerifyJournal(request_id=request.request_id, fingerprint=fingerprint(request).encoded)


def write_verify_journal(verified: VerifiedJournal) -> pb.VerifyJournalResponse:
    """What was found."""
    return pb.VerifyJournalResponse(
        record_count=verified.record_count,
        account_count=verified.account_count,
        checkpoint_count=verified.checkpoint_count,
        difference_count=verified.difference_count,
        differences=[write_difference(each) for each in verified.differences],
    )


def write_difference(difference: Difference) -> pb.Difference:
    """Something that is not as it must be."""
    return pb.Difference(
        table=difference.table,
        shard_id=difference.shard_id,
        row=difference.row,
        column=difference.column,
        expected=difference.expected,
        found=difference.found,
    )
