"""What the last batches of this process left, so that the next ones need not read it again.

All of it is as of the heads that stand here. Whoever else posts in a shard moves its head, and a
batch decided upon this is stored only if the heads it moves on still stand as here: what is known
may be out of date, what is stored never is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.posting import Books, Decision
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import (
    Gathered,
    Head,
    HolderKey,
    StripeKey,
    Wanted,
    read_heads,
    read_holders,
)

ACCOUNTS_MAX = 100_000
"""Members' accounts that are kept, about a kilobyte each; beyond them all are forgotten."""


@dataclass(slots=True, kw_only=True)
class Known:
    """Heads, and the books of holders: all accounts of each that stands in `holders`."""

    heads: dict[int, Head] = field(default_factory=dict)
    holders: set[HolderKey] = field(default_factory=set)
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    account_ids: dict[StripeKey, int] = field(default_factory=dict)
    holder_nos: dict[HolderKey, int] = field(default_factory=dict)
    in_use: set[int] = field(default_factory=set)
    """Shards in which a batch is on its way, whose new accounts are numbered here already."""

    def free(self, wanted: Wanted) -> bool:
        """Whether no other batch is on its way in these shards."""
        return self.in_use.isdisjoint(wanted.shards)

    @contextmanager
    def using(self, wanted: Wanted) -> Iterator[None]:
        """Keep others out of these shards while the block runs."""
        self.in_use.update(wanted.shards)
        try:
            yield
        finally:
            self.in_use.difference_update(wanted.shards)

    async def recall(self, connection: Connection, wanted: Wanted) -> Gathered:
        """All that a batch needs but what its request ids stand for; what is not known is read.

        The heads first: books that are younger than their head are found out when they are stored.
        """
        if shards := [shard_id for shard_id in wanted.shards if shard_id not in self.heads]:
            self.heads |= await read_heads(connection, shards)
        if holders := wanted.holders - self.holders:
            accounts, account_ids, holder_nos = await read_holders(connection, holders)
            self.accounts |= accounts
            self.account_ids |= account_ids
            self.holder_nos |= holder_nos
            self.holders |= holders
        return Gathered(
            heads={shard_id: replace(self.heads[shard_id]) for shard_id in wanted.shards},
            books=Books(accounts=self.accounts, records={}),
            account_ids=self.account_ids,
            holder_nos=self.holder_nos,
        )

    def keep(self, gathered: Gathered, decision: Decision) -> None:
        """Know what a batch left, now that it is stored."""
        self.heads |= gathered.heads
        for key, account in decision.accounts.items():
            self.accounts[key] = account.without_expired_lots()

    @property
    def full(self) -> bool:
        """Whether it is time to forget."""
        return len(self.accounts) > ACCOUNTS_MAX
