"""How accounts stand, as a part of what is read of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laurel_ledger.domain.standings import USUAL, AccountLimits, AccountState, Standing

STANDING = "s.state, s.balance_max, s.earn_max, s.spend_max, s.change_no"
"""Columns that say how an account stands; null where nobody ever changed it."""

LAST_CHANGE = """
left join lateral (
    select c.state, c.balance_max, c.earn_max, c.spend_max, c.change_no
    from account_change c
    where c.shard_id = a.shard_id and c.account_id = a.account_id
    order by c.change_no desc
    limit 1
) s on true
"""
"""The join they need; goes after a `from` with an account `a`."""


def standing_of(row: Mapping[str, Any]) -> Standing:
    """How an account stands, from its row."""
    if row["change_no"] is None:
        return USUAL
    return Standing(
        state=AccountState(row["state"]),
        limits=AccountLimits(
            balance_max=row["balance_max"], earn_max=row["earn_max"], spend_max=row["spend_max"]
        ),
        change_no=row["change_no"],
    )
