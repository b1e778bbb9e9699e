"""Accounts as a directory shows them: what is posted, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from laurel_ledger.domain.standings import USUAL, Standing


class AccountPlace(NamedTuple):
    """Where an account lies. Neither ever changes, and new ones come after those of their shard."""

    shard_id: int
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEntry:
    """An account as it is posted."""

    shard_id: int
    account_id: int
    program_id: str
    member_id: str
    asset_id: str
    open_time: datetime
    posted: int
    version: int
    lots_opened: int
    standing: Standing = USUAL

    @property
    def place(self) -> AccountPlace:
        """Where it lies."""
        return AccountPlace(self.shard_id, self.account_id)
