"""What a program says of the mall: rewards and their prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from laurel_benefits.domain.gate_terms import Gate, ScoreSource
from laurel_benefits.domain.ids import CouponTypeId, RewardId, ScoreModelId


@dataclass(frozen=True, slots=True, kw_only=True)
class MallReward:
    """Something that points buy, alone or with money."""

    reward_id: RewardId
    display_name: str
    asset_id: str
    """What pays for it."""
    price_points: int
    price_fen: int
    coupon_type_id: CouponTypeId | None
    stock: int | None
    per_member_max: int | None
    per_member_daily_max: int | None
    gate: Gate
    cancel_lifetime: timedelta | None
    confirm_lifetime: timedelta | None = None
    """How long the member has to confirm it; None where nothing has to be confirmed (J5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MallRules:
    """What points buy."""

    asset_id: str
    redemption_account_id: str
    score_model_id: ScoreModelId
    score_source: ScoreSource
    rewards: Mapping[RewardId, MallReward]
