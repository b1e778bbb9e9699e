"""What a caller makes a condition of a posting: where the account stands, and what it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import Account, available_at
from laurel_ledger.domain.errors import BalanceConditionFailed, VersionMismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConditions:
    """Bounds of an account; None for any."""

    expected_version: int | None = None
    posted_min: int | None = None
    posted_max: int | None = None
    available_min: int | None = None
    available_max: int | None = None


def check_conditions(account: Account, conditions: AccountConditions | None, now: datetime) -> None:
    """Raise VersionMismatch or BalanceConditionFailed, in this order, for the first that fails."""
    if conditions is None:
        return
    expected = conditions.expected_version
    if expected is not None and expected != account.version:
        raise VersionMismatch(
            member_id=account.key.member_id,
            asset_id=account.key.asset_id,
            expected_version=expected,
            version=account.version,
        )
    available = available_at(account, now)
    bounds = (
        ("posted_min", conditions.posted_min, account.posted, 1),
        ("posted_max", conditions.posted_max, account.posted, -1),
        ("available_min", conditions.available_min, available, 1),
        ("available_max", conditions.available_max, available, -1),
    )
    for name, bound, points, direction in bounds:
        if bound is not None and (points - bound) * direction < 0:
            raise BalanceConditionFailed(
                member_id=account.key.member_id,
                asset_id=account.key.asset_id,
                condition=name,
                bound=bound,
                points=points,
                version=account.version,
            )
