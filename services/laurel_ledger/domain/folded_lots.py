"""Lots and holds as the records make them, for verifying those in the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import Hold
from laurel_ledger.domain.changes import Activation
from laurel_ledger.domain.transactions import Transaction

AT_ONCE = Activation()


@dataclass(slots=True, kw_only=True)
class FoldedLot:
    """A lot as the movements make it."""

    funding_account_id: str
    expire_time: datetime | None
    create_time: datetime
    earned: int = 0
    consumed: int = 0
    reserved: int = 0
    activation: Activation = AT_ONCE
    activated: bool = False
    freeze_key: str | None = None
    parent_lot_no: int | None = None

    @property
    def remaining(self) -> int:
        """Points in it."""
        return self.earned - self.consumed

    @property
    def free(self) -> int:
        """Points in it that no hold keeps."""
        return self.remaining - self.reserved

    def void(self, now: datetime) -> bool:
        """Whether its points are void at an instant."""
        return self.expire_time is not None and self.expire_time <= now

    def usable(self, now: datetime) -> bool:
        """Whether its free points can be spent at an instant."""
        time, key = self.activation
        waiting = not self.activated and (key is not None or (time is not None and time > now))
        return not (waiting or self.freeze_key is not None or self.void(now))

    def continued(
        self, parent_lot_no: int, *, expire_time: datetime | None, now: datetime
    ) -> FoldedLot:
        """A lot without points yet, for points that go on in it as they were in this one."""
        return FoldedLot(
            funding_account_id=self.funding_account_id,
            expire_time=expire_time,
            create_time=now,
            activation=self.activation,
            activated=self.activated,
            freeze_key=self.freeze_key,
            parent_lot_no=parent_lot_no,
        )

    @property
    def kept(self) -> bool:
        """Whether it is frozen with points in it, which so do not expire."""
        return self.freeze_key is not None and self.remaining > 0


@dataclass(slots=True, kw_only=True)
class FoldedHold:
    """A hold as the last transaction that changed it left it."""

    hold: Hold
    position: int
    """Of the transaction that placed it."""
    holder_no: int


def opened_by_merge(transaction: Transaction) -> dict[int, FoldedLot]:
    """Lots that a merge opened for points which wait, or waited, without points yet."""
    carried = transaction.transfer.lots if transaction.transfer else ()
    moved = {each.lot_no: each for each in transaction.movements} if carried else {}
    return {
        lot.lot_no: FoldedLot(
            funding_account_id=moved[lot.lot_no].funding_account_id,
            expire_time=moved[lot.lot_no].expire_time,
            create_time=transaction.commit_time,
            activation=Activation(lot.active_time, lot.activation_key),
            activated=lot.activated,
        )
        for lot in carried
        if lot.lot_no in moved
    }
