"""What the last batches of this process left, so that the next ones need not read it again.

All of it is as of the heads that stand here. Whoever else posts in a shard moves its head, and a
batch decided upon this is stored only if the heads it moves on still stand as here: what is known
may be out of date, what is stored never is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold, HoldState
from laurel_ledger.domain.cohorts import LotKey, LotMonths
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Decision
from laurel_ledger.domain.transactions import RequestKey
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
    lot_months: dict[LotKey, LotMonths] = field(default_factory=dict)
    account_ids: dict[StripeKey, int] = field(default_factory=dict)
    holder_nos: dict[HolderKey, int] = field(default_factory=dict)
    holds: dict[RequestKey, Hold] = field(default_factory=dict)
    """Open ones. What became of others is not known."""
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

    async def see(self, connection: Connection, wanted: Wanted) -> Mapping[int, Head]:
        """The heads of a batch's shards, read where they are not known.

        Before anything else: books that are younger than their head are found out when they are
        stored.
        """
        if shards := [shard_id for shard_id in wanted.shards if shard_id not in self.heads]:
            self.heads |= await read_heads(connection, shards)
        return {shard_id: replace(self.heads[shard_id]) for shard_id in wanted.shards}

    async def recall(
        self,
        connection: Connection,
        wanted: Wanted,
        heads: Mapping[int, Head],
        closed_until: Mapping[str, datetime],
    ) -> Gathered:
        """All that a batch needs but what its request ids stand for; what is not known is read."""
        if holders := wanted.holders - self.holders:
            found = await read_holders(connection, holders)
            self.accounts |= found.accounts
            self.lot_months |= found.lot_months
            self.account_ids |= found.account_ids
            self.holder_nos |= found.holder_nos
            self.holders |= holders
            self.holds |= {
                RequestKey(key.program_id, key.member_id, hold.hold_id): hold
                for key, account in found.accounts.items()
                for hold in account.holds
            }
        books = Books(
            accounts=self.accounts,
            records={},
            closed_until=closed_until,
            holds=self.holds,
        )
        return Gathered(
            heads=dict(heads),
            books=books,
            lot_months=self.lot_months,
            account_ids=self.account_ids,
            holder_nos=self.holder_nos,
        )

    def keep(self, gathered: Gathered, decision: Decision) -> None:
        """Know what a batch left, now that it is stored: its accounts, the heads it moved on.

        Months and numbers are known already, as they were noted here while it was written.
        """
        self.heads |= gathered.heads
        for key, account in decision.accounts.items():
            for lot in account.lots:
                if lot.expired:
                    self.lot_months.pop((key, lot.lot_no), None)
            self.accounts[key] = account.without_expired_lots()
        for hold in decision.holds:
            name = RequestKey(hold.key.program_id, hold.key.member_id, hold.hold_id)
            if hold.state is HoldState.OPEN:
                self.holds[name] = hold
            else:
                self.holds.pop(name, None)

    def follow(
        self,
        before: Mapping[int, Head],
        after: Mapping[int, Head],
        changed: Mapping[AccountKey, int],
    ) -> bool:
        """Move on past what was posted without this: accounts that it changed, each with its
        shard, are forgotten. False when that cannot be, since others posted in between.
        """
        for shard_id, head in before.items():
            if shard_id in self.heads and self.heads[shard_id] != head:
                return False
        self.heads |= {shard_id: after[shard_id] for shard_id in after if shard_id in self.heads}
        for key, shard_id in changed.items():
            program_id, member_id, _ = key
            self.holders.discard(HolderKey(shard_id, program_id, AccountKind.MEMBER, member_id))
            account = self.accounts.pop(key, None)
            for lot in account.lots if account else ():
                self.lot_months.pop((key, lot.lot_no), None)
        return True

    def shards_of(self, keys: Sequence[AccountKey], homes: Sequence[int]) -> list[int]:
        """The shards of those accounts that are known; `homes` are those of all of them."""
        return sorted({home for key, home in zip(keys, homes, strict=True) if key in self.accounts})

    def present(
        self, keys: Sequence[AccountKey], homes: Sequence[int], batches: Mapping[int, int]
    ) -> dict[AccountKey, Account]:
        """The known ones of some accounts, where no more batches were posted than are known."""
        return {
            key: self.accounts[key]
            for key, home in zip(keys, homes, strict=True)
            if key in self.accounts
            and home in batches
            and home in self.heads
            and batches[home] <= self.heads[home].next_batch
        }

    @property
    def full(self) -> bool:
        """Whether it is time to forget."""
        return len(self.accounts) > ACCOUNTS_MAX
