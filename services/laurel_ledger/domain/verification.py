"""What verifying the books finds: each difference with its table, its row and what is wrong.

Nothing here shares the way of posting: balances and lots are folded from what is recorded, once
more and by themselves, so that a fault of posting shows as well as a row that somebody changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import AccountKey, AccountKind, Hold
from laurel_ledger.domain.cohorts import LotMonths
from laurel_ledger.domain.transactions import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something in the books that is not as it must be."""

    table: str
    shard_id: int
    row: str
    """Which row, by its key within the shard: `position 17`, `account 4 lot 2`."""
    column: str
    """What of it; empty when the whole row is missing, or should not be there."""
    expected: str
    found: str


MISSING = "nothing"
"""What is found of a row that is not there, and expected of one that should not be."""


def differing(
    table: str, shard_id: int, row: str, **columns: tuple[object, object]
) -> Iterator[Difference]:
    """A difference for each column whose values, expected and found, are not the same."""
    for column, (expected, found) in columns.items():
        if expected != found:
            yield Difference(
                table=table,
                shard_id=shard_id,
                row=row,
                column=column,
                expected=shown(expected),
                found=shown(found),
            )


def missing(table: str, shard_id: int, row: str) -> Difference:
    """A row that is not there."""
    return Difference(
        table=table, shard_id=shard_id, row=row, column="", expected="a row", found=MISSING
    )


def unexpected(table: str, shard_id: int, row: str) -> Difference:
    """A row that should not be there."""
    return Difference(
        table=table, shard_id=shard_id, row=row, column="", expected=MISSING, found="a row"
    )


def shown(value: object) -> str:
    """A value for people."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return MISSING if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record as it stands in the books, with the columns that its value does not show."""

    position: int
    record: Record | None
    """None when the row cannot be read as a record at all."""
    account_id: int
    holder_no: int
    counter_no: int | None
    account_kind: int
    account_holder_no: int
    account_open_time: datetime
    ordinals: tuple[int, ...]
    """Of its rows in lot_movement; none for a record whose movement stands in its own row."""
    single: bool
    """Whether its one movement stands in its own row."""
    flaws: tuple[tuple[str, str, str], ...] = ()
    """Columns that say the same as others in another way and do not: name, expected, found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as it stands in the books."""

    shard_id: int
    account_id: int
    kind: int
    key: AccountKey
    """For one of the program's own accounts its name stands in place of the member's."""
    holder_no: int
    first_of_holder: int
    """The lowest number of any account of the same holder."""
    open_time: datetime
    lots_opened: int
    posted: int
    version: int
    next_due_time: datetime | None
    held: int = 0
    withheld: bool = False

    @property
    def of_member(self) -> bool:
        """Whether it is a member's."""
        return self.kind == AccountKind.MEMBER

    def differing(self, **columns: tuple[object, object]) -> Iterator[Difference]:
        """A difference for each column that is not as expected."""
        return differing("account", self.shard_id, f"account {self.account_id}", **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLot:
    """A lot as it stands in the books."""

    account_id: int
    lot_no: int
    funding_account_id: str
    funding_kind: int
    expire_time: datetime | None
    create_time: datetime
    earned: int
    consumed: int
    expired: bool
    months: LotMonths | None
    """None when they cannot be read."""
    reserved: int = 0
    active_time: datetime | None = None
    activation_key: str | None = None
    activated: bool = False
    freeze_key: str | None = None
    parent_lot_no: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHold:
    """A hold as it stands in the books."""

    account_id: int
    holder_no: int
    position: int
    hold: Hold | None
    """None when it cannot be read."""
    hold_key: str

    @property
    def row(self) -> str:
        """Which row it is."""
        return f"holder {self.holder_no} hold {self.hold_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """The head of a shard as it stands in the books."""

    shard_id: int
    next_account_id: int
    next_position: int
    next_batch: int
    last_commit_time: datetime
    chain_hash: bytes
    periods_closed: int
    periods: int
    """How many closed periods there are."""
    changes: int
    changes_made: int
    """How many changes of the shard's accounts there are."""
