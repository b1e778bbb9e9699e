"""Every account's total by asset: they sum to zero, or the books are wrong (I13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from laurel_ledger.domain.accounts import AccountKind

ALL_MEMBERS = ""
"""In place of an account's name: all members together."""


class Line(NamedTuple):
    """What one of the program's own accounts, or all members together, have of an asset."""

    asset_id: str
    kind: AccountKind
    account_id: str
    posted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBalance:
    """The lines of one asset, members first."""

    asset_id: str
    lines: tuple[Line, ...]

    @property
    def difference(self) -> int:
        """What they sum to: zero."""
        return sum(line.posted for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """The totals of a program at an instant."""

    program_id: str
    as_of_time: datetime
    assets: tuple[AssetBalance, ...]


def balance_of(program_id: str, lines: Iterable[Line], as_of_time: datetime) -> TrialBalance:
    """The lines put in order, by asset, kind and name."""
    by_asset: dict[str, list[Line]] = {}
    for line in sorted(lines):
        by_asset.setdefault(line.asset_id, []).append(line)
    return TrialBalance(
        program_id=program_id,
        as_of_time=as_of_time,
        assets=tuple(
            AssetBalance(asset_id=asset_id, lines=tuple(found))
            for asset_id, found in by_asset.items()
        ),
    )
