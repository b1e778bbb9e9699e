"""Verifying a shard's log: every record hashed again, every batch chained again, in order.

What stands in rows that change is derived on the way: when accounts were opened, and what the
program's own accounts have (I1, I11, I12, I13).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.chain import EPOCH
from laurel_ledger.domain.checkpoints import NO_HASH, LogBatch
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import COUNTER_KIND, Record, Transaction
from laurel_ledger.domain.trees import root_of
from laurel_ledger.domain.verification import (
    Difference,
    StoredAccount,
    StoredHead,
    StoredRecord,
    differing,
    missing,
    unexpected,
)

OwnName = tuple[str, int, str, str]
"""Program, kind, name and asset of one of the program's own accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccounts:
    """The program's own accounts of a shard."""

    by_number: Mapping[int, StoredAccount]
    by_name: Mapping[OwnName, StoredAccount]

    @classmethod
    def of(cls, accounts: Sequence[StoredAccount]) -> OwnAccounts:
        """All of them, by number and by name."""
        return cls(
            by_number={each.account_id: each for each in accounts},
            by_name={
                (each.key.program_id, each.kind, each.key.member_id, each.key.asset_id): each
                for each in accounts
            },
        )


@dataclass(slots=True, kw_only=True)
class ShardLog:
    """How far the log of a shard was verified, and what it comes to."""

    shard_id: int
    shards: int
    batch_no: int = 0
    position: int = 0
    commit_time: datetime = EPOCH
    hash: bytes = NO_HASH
    accounts_opened: int = 0
    totals: dict[int, int] = field(default_factory=dict)
    """What each of the program's own accounts has, by its number."""

    def check(
        self, batch: LogBatch, records: Sequence[StoredRecord], own: OwnAccounts
    ) -> Iterator[Difference]:
        """Verify the next batch that is there with the records at its positions, and go on after
        it.
        """
        yield from self._check_place(batch)
        count = batch.item_count
        if count > RECORDS_MAX:
            yield from self._differing(batch, item_count=(f"at most {RECORDS_MAX}", count))
            count = 0
        positions = range(batch.first_position, batch.first_position + count)
        by_position = {each.position: each for each in records}
        present = [by_position[position] for position in positions if position in by_position]
        for position in positions:
            if position not in by_position:
                yield missing("transaction", self.shard_id, f"position {position}")
        yield from self._check_digests(batch, present, whole=len(present) == batch.item_count > 0)
        for each in present:
            yield from self._check_record(each, own)
        yield from self._check_opened(batch, present, own)
        yield from self._differing(batch, commit_time=(self.commit_time, batch.commit_time))
        self.batch_no, self.hash = batch.batch_no, batch.hash
        self.position = batch.record_count
        self.commit_time = batch.commit_time

    def check_end(self, head: StoredHead, own: OwnAccounts) -> Iterator[Difference]:
        """Verify the head of the shard and the program's own accounts, once all batches are."""
        for batch_no in range(self.batch_no + 1, head.next_batch)[:GAP_MAX]:
            yield missing("log", self.shard_id, f"batch {batch_no}")
        yield from differing(
            "shard_head",
            self.shard_id,
            f"shard {self.shard_id}",
            next_account_id=(self.accounts_opened + 1, head.next_account_id),
            next_position=(self.position + 1, head.next_position),
            next_batch=(self.batch_no + 1, head.next_batch),
            last_commit_time=(self.commit_time, head.last_commit_time),
            chain_hash=(self.hash, head.chain_hash),
            periods_closed=(head.periods, head.periods_closed),
            changes=(head.changes_made, head.changes),
        )
        for number, account in own.by_number.items():
            yield from account.differing(
                posted=(self.totals.get(number, 0), account.posted),
                version=(0, account.version),
                lots_opened=(0, account.lots_opened),
                next_due_time=(None, account.next_due_time),
                held=(0, account.held),
                withheld=(False, account.withheld),
                holder_no=(account.first_of_holder, account.holder_no),
            )
            if not 0 < number <= self.accounts_opened:
                yield unexpected("account", self.shard_id, f"account {number}")
        for number in self.totals.keys() - own.by_number.keys():
            yield missing("account", self.shard_id, f"account {number}")

    def _differing(self, batch: LogBatch, **columns: tuple[object, object]) -> Iterator[Difference]:
        return differing("log", self.shard_id, f"batch {batch.batch_no}", **columns)

    def _check_place(self, batch: LogBatch) -> Iterator[Difference]:
        """Its number, its first position and its link to the batch before (I12)."""
        for batch_no in range(self.batch_no + 1, batch.batch_no)[:GAP_MAX]:
            yield missing("log", self.shard_id, f"batch {batch_no}")
        yield from self._differing(batch, first_position=(self.position + 1, batch.first_position))
        link = chain.link_of(
            self.hash,
            batch.root,
            shard_id=self.shard_id,
            batch_no=batch.batch_no,
            first_position=batch.first_position,
            item_count=batch.item_count,
            commit_time=batch.commit_time,
        )
        yield from self._differing(batch, hash=(link, batch.hash))

    def _check_digests(
        self, batch: LogBatch, present: Sequence[StoredRecord], *, whole: bool
    ) -> Iterator[Difference]:
        """Whether the records are those that the batch was closed over."""
        leaves = [self._leaf_of(each) for each in present]
        marks = chain.marks_of(leaves)
        root = root_of(leaves)
        if whole and root == batch.root:
            yield from self._differing(batch, marks=(marks, batch.marks))
            return
        size = chain.MARK_BYTES
        blamed = False
        for each, leaf in zip(present, leaves, strict=True):
            start = (each.position - batch.first_position) * size
            mark = batch.marks[start : start + size]
            blamed |= leaf[:size] != mark
            yield from differing(
                "transaction",
                self.shard_id,
                f"position {each.position}",
                digest=(mark, leaf[:size]),
            )
        if whole and not blamed:
            yield from self._differing(batch, root=(root, batch.root))

    def _leaf_of(self, stored: StoredRecord) -> bytes:
        """The digest of a record; of one that cannot be read or hashed, none that fits."""
        if stored.record is None:
            return b""
        return chain.leaf_of(stored.record, shard_id=self.shard_id, position=stored.position)

    def _check_record(self, stored: StoredRecord, own: OwnAccounts) -> Iterator[Difference]:
        """What the digest does not show: order in time, accounts, and columns said twice."""
        row = f"position {stored.position}"
        for column, expected, found in stored.flaws:
            yield from differing("transaction", self.shard_id, row, **{column: (expected, found)})
        yield from differing(
            "transaction",
            self.shard_id,
            row,
            holder_no=(stored.account_holder_no, stored.holder_no),
        )
        record = stored.record
        if record is None:
            return
        if record.commit_time <= self.commit_time:
            expected = f"after {self.commit_time.isoformat()}"
            yield from differing(
                "transaction", self.shard_id, row, commit_time=(expected, record.commit_time)
            )
        self.commit_time = record.commit_time
        home = shard_of(record.key.program_id, record.key.member_id, shards=self.shards)
        yield from differing(
            "account",
            self.shard_id,
            f"account {stored.account_id}",
            kind=(int(AccountKind.MEMBER), stored.account_kind),
            holder_id=(f"of shard {home}", f"of shard {self.shard_id}"),
        )
        if isinstance(record, Transaction):
            yield from self._count_in(record, stored, own)

    def _count_in(
        self, transaction: Transaction, stored: StoredRecord, own: OwnAccounts
    ) -> Iterator[Difference]:
        """The other entry of a transaction, on one of the program's own accounts (I1)."""
        kind = COUNTER_KIND.get(transaction.type)
        if kind is None:
            return  # No points went to another account.
        number = stored.counter_no or 0
        self.totals[number] = self.totals.get(number, 0) - transaction.signed_amount
        if account := own.by_number.get(number):
            yield from account.differing(kind=(int(kind), account.kind))

    def _check_opened(
        self, batch: LogBatch, present: Sequence[StoredRecord], own: OwnAccounts
    ) -> Iterator[Difference]:
        """Accounts are numbered as they are opened, and opened when they are first named."""
        opened: dict[int, datetime] = {}
        for each in present:
            opened[each.account_id] = each.account_open_time
            for account in self._own_accounts_of(each, own):
                opened[account.account_id] = account.open_time
        new = sorted(number for number in opened if number > self.accounts_opened)
        for number in new:
            yield from differing(
                "account",
                self.shard_id,
                f"account {number}",
                account_id=(self.accounts_opened + 1, number),
                open_time=(batch.commit_time, opened[number]),
            )
            # A number out of all proportion is wrong by itself and says nothing about the next one.
            far = number - self.accounts_opened > GAP_MAX
            self.accounts_opened = self.accounts_opened + 1 if far else number

    @staticmethod
    def _own_accounts_of(stored: StoredRecord, own: OwnAccounts) -> Iterator[StoredAccount]:
        """The program's own accounts that a record names."""
        if account := own.by_number.get(stored.counter_no or 0):
            yield account
        for name in _funders(stored.record):
            if account := own.by_name.get(name):
                yield account


RECORDS_MAX = 20_000
"""More records than any batch has: 5,000 drafts, and before each what was due to expire."""
GAP_MAX = 100
"""So many missing rows in a row are believed and named."""


def _funders(record: Record | None) -> Iterator[OwnName]:
    """Who paid for the points that a transaction moved."""
    if isinstance(record, Transaction):
        for movement in record.movements:
            program_id, _, asset_id = record.key
            yield (program_id, AccountKind.FUNDING, movement.funding_account_id, asset_id)
