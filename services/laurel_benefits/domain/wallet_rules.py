"""What a program says of cash: the wallet, and what checking in pays into it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletRules:
    """Where cash is kept, and from how much on it is paid out (L4)."""

    asset_id: str
    redemption_account_id: str
    pay_out_min_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CashRules:
    """Cash that checking in pays beside points (L3), and what all members share a day (L4)."""

    asset_id: str
    funding_account_id: str
    ladder_fen: tuple[int, ...]
    daily_budget_fen: int

    def fen_of(self, streak_days: int) -> int:
        """Cash of a day in a row, from 1; after the last one the ladder begins again."""
        return self.ladder_fen[(streak_days - 1) % len(self.ladder_fen)]
