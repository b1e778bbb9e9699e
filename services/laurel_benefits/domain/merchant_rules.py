"""What a program says of merchants and of the memberships of their shops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from laurel_benefits.domain.ids import ShopId, ShopProgramId

FEN_PER_YUAN = 100
"""Points are bought for yuan; money is counted in fen (X1)."""


class ShopProgramKind(StrEnum):
    """Whose a shop membership is (H8)."""

    SINGLE_SHOP = "SINGLE_SHOP"
    JOINT = "JOINT"
    BRAND_EXTERNAL = "BRAND_EXTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopProgram:
    """A membership of one shop or of several."""

    shop_program_id: ShopProgramId
    display_name: str
    kind: ShopProgramKind
    shop_ids: frozenset[ShopId]


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRules:
    """How merchants buy points and give them to members."""

    asset_id: str
    points_per_yuan: int
    grant_max_points: int | None
    funding_account_ids: frozenset[str]
    by_shop: Mapping[ShopId, ShopProgram]

    def points_for(self, paid_fen: int) -> int:
        """What a payment buys, whole points only (H1)."""
        return paid_fen * self.points_per_yuan // FEN_PER_YUAN
