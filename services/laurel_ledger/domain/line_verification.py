"""Verifying the lines of spendings: what was given back of each, folded from the records (I10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from laurel_ledger.domain.reversal_terms import Reversal
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.domain.verification import Difference, differing


@dataclass(slots=True)
class LinesFold:
    """What was paid for and given back of each line, by the request id of its spending."""

    paid: dict[str, dict[str, int]] = field(default_factory=dict)
    reversed: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, shard_id: int, position: int, transaction: Transaction) -> Iterator[Difference]:
        """Go on with the next transaction of the account."""
        if transaction.spending is not None:
            self.paid[transaction.request_id] = dict(transaction.lines)
        if transaction.reversal is not None:
            yield from self._reverse(shard_id, position, transaction.reversal)

    def _reverse(self, shard_id: int, position: int, reversal: Reversal) -> Iterator[Difference]:
        """What was given back before is what earlier reversals say, and never too much."""
        done = reversal.of_lines
        paid = self.paid.get(reversal.reversed_request_id, {})
        for line_id, before, amount in done.lines if done else ():
            name = (reversal.reversed_request_id, line_id)
            yield from differing(
                "spend_event",
                shard_id,
                f"position {position}",
                reversed_before=(self.reversed.get(name, 0), before),
                amount=(True, 0 <= amount <= paid.get(line_id, 0) - before),
            )
            self.reversed[name] = before + amount
