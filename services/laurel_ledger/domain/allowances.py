"""What shards may issue of the budgets of funding accounts, each for itself or all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.shards import shard_of

TOGETHER = -1
"""Stands for the shard where all of them are decided upon together."""


class Purse(NamedTuple):
    """The budget of a funding account for an asset, by its name."""

    program_id: str
    funding_account_id: str
    asset_id: str


class Stripe(NamedTuple):
    """A shard's part of a budget."""

    shard_id: int
    program_id: str
    funding_account_id: str
    asset_id: str

    @property
    def purse(self) -> Purse:
        """The budget that it is a part of."""
        return Purse(*self[1:])


class Allowance(NamedTuple):
    """What a shard may issue of a budget, and what it has issued."""

    budget: int
    """The budget that was divided; another one is to be divided anew."""
    allowance: int
    issued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """Those of the budgets that a batch draws on."""

    shards: int
    by_stripe: Mapping[Stripe, Allowance] = field(default_factory=dict)
    issued: Mapping[Purse, int] | None = None
    """What was issued of each by all shards; None where each decides for itself."""

    def stripe_of(self, key: AccountKey, funding_account_id: str) -> Stripe:
        """What earnings of an account draw on, by who funds them."""
        purse = Purse(key.program_id, funding_account_id, key.asset_id)
        if self.issued is not None:
            return Stripe(TOGETHER, *purse)
        return Stripe(shard_of(key.program_id, key.member_id, shards=self.shards), *purse)

    def left(self, stripe: Stripe, budget: int) -> int | None:
        """How many points may be issued still, before this batch; None where that budget was not
        divided.
        """
        if self.issued is not None:
            return budget - self.issued.get(stripe.purse, 0)
        found = self.by_stripe.get(stripe)
        if found is None or found.budget != budget:
            return None
        return found.allowance - found.issued
