"""Verifying changes of balances by hand: what was approved, and nothing else, is posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from laurel_ledger.domain.adjustments import Adjustment, AdjustmentKey, AdjustmentState
from laurel_ledger.domain.mismatches import mismatched_fields
from laurel_ledger.domain.transactions import RequestKey, Transaction, TransactionType
from laurel_ledger.domain.verification import (
    Difference,
    StoredRecord,
    differing,
    missing,
    unexpected,
)

BY_HAND = frozenset((TransactionType.ADJUSTMENT_CREDIT, TransactionType.ADJUSTMENT_DEBIT))
"""What is posted only because two people decided it."""
PERHAPS_POSTED = frozenset((AdjustmentState.APPROVED, AdjustmentState.POSTED))
"""An approval is kept before it is posted."""
RIGHT, WRONG = "that of the row", "that of another content"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAdjustment:
    """A change by hand as it stands in the books."""

    key: AdjustmentKey
    adjustment: Adjustment | None
    """None when it cannot be read."""
    sound: bool
    """Whether its digest is that of its content."""

    @property
    def row(self) -> str:
        """Which row it is."""
        return row_of(self.key)


def row_of(key: AdjustmentKey) -> str:
    """Which row an adjustment is."""
    return f"{key.program_id} member {key.member_id} adjustment {key.adjustment_id}"


def posted_by_hand(stored: StoredRecord) -> dict[RequestKey, Transaction]:
    """A record under its name, if somebody must have approved it."""
    record = stored.record
    if isinstance(record, Transaction) and record.type in BY_HAND:
        return {record.request_key: record}
    return {}


def check_adjustments(
    shard_id: int, stored: Iterable[StoredAdjustment], posted: Mapping[RequestKey, Transaction]
) -> Iterator[Difference]:
    """Verify the adjustments of some accounts against what was posted by hand in them."""
    left = dict(posted)
    for each in stored:
        yield from differing(
            "adjustment", shard_id, each.row, digest=(RIGHT, RIGHT if each.sound else WRONG)
        )
        if each.adjustment is None:
            yield unexpected("adjustment", shard_id, each.row)
            continue
        key = RequestKey(each.key.program_id, each.key.member_id, each.adjustment.transaction_id)
        yield from _check(shard_id, each.row, each.adjustment, left.pop(key, None))
    for transaction in left.values():
        name = AdjustmentKey(
            transaction.key.program_id,
            transaction.key.member_id,
            transaction.labels.get("adjustment_id", ""),
        )
        yield missing("adjustment", shard_id, row_of(name))


def check_counts(counts: Mapping[int, tuple[int, int]]) -> Iterator[Difference]:
    """Verify that as many adjustments are there as were ever made, by shard."""
    for shard_id, (counted, present) in counts.items():
        yield from differing(
            "adjustment_count", shard_id, "all rows", adjustments=(present, counted)
        )


def _check(
    shard_id: int, row: str, adjustment: Adjustment, transaction: Transaction | None
) -> Iterator[Difference]:
    """It is posted if it says so, as it says, and by two people."""
    if transaction is None:
        unposted = adjustment.state is not AdjustmentState.POSTED
        yield from differing("adjustment", shard_id, row, state=(True, unposted))
        return
    yield from differing(
        "adjustment",
        shard_id,
        row,
        state=(True, adjustment.state in PERHAPS_POSTED),
        checker_id=(True, adjustment.checker_id not in ("", adjustment.maker_id)),
        transaction_id=((), mismatched_fields(adjustment.transaction_draft, transaction.draft)),
    )
