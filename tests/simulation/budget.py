"""The budget of one who funds points, as a simulated store keeps it: divided over shards."""

from __future__ import annotations

from laurel_ledger.domain.allowances import Allowance, Allowances, Purse, Stripe
from laurel_ledger.domain.budgets import divided
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Record, Transaction, TransactionType

from tests.simulation.requests import BUDGETED
from tests.support.ledger import PROGRAM
from tests.support.naive_drafts import ASSET

SHARDS = 2
PURSE = Purse(PROGRAM, BUDGETED, ASSET)


class Budget:
    """What each shard may issue, and has issued."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.issued = dict.fromkeys(range(SHARDS), 0)
        self.allowances: dict[int, int] = {}
        """None before it is divided for the first time."""
        self.short = False
        """Whether a batch was decided upon all shards, after which they are divided anew."""

    def apart(self) -> Allowances:
        """Each shard for itself."""
        by_stripe = {
            Stripe(shard_id, *PURSE): Allowance(self.budget, allowance, self.issued[shard_id])
            for shard_id, allowance in self.allowances.items()
        }
        return Allowances(shards=SHARDS, by_stripe=by_stripe)

    def together(self) -> Allowances:
        """All of them."""
        return Allowances(shards=SHARDS, issued={PURSE: sum(self.issued.values())})

    def keep(self, record: Record) -> None:
        """Count what was issued, or taken back."""
        if not isinstance(record, Transaction) or record.counter_account_id != BUDGETED:
            return
        shard_id = shard_of(PROGRAM, record.key.member_id, shards=SHARDS)
        if record.type is TransactionType.EARN:
            self.issued[shard_id] += record.amount
        elif record.type is TransactionType.EARN_REVERSAL:
            self.issued[shard_id] -= record.amount

    def divide(self) -> None:
        """Divide what is left anew."""
        self.allowances = divided(self.budget, self.issued)
        self.short = False

    def agrees(self) -> bool:
        """Whether no shard issued more than it may, and all may together what the budget says
        (I15), after a batch was kept.
        """
        if self.short:
            self.divide()
        whole = self.budget if self.allowances else 0
        return sum(self.allowances.values()) == whole and all(
            issued <= self.allowances.get(shard_id, 0) for shard_id, issued in self.issued.items()
        )
