"""What the mall and coupons refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_benefits.domain.errors import BenefitsError
from laurel_benefits.domain.ids import (
    CouponId,
    CouponTypeId,
    DrawId,
    LotteryId,
    RedemptionId,
    RewardId,
)


@dataclass(eq=False, kw_only=True)
class RewardNotFound(BenefitsError):
    """The program has no such reward."""

    reward_id: RewardId


@dataclass(eq=False, kw_only=True)
class RewardPriceChanged(BenefitsError):
    """The reward costs something else than the member was told."""

    reward_id: RewardId
    price_points: int
    price_fen: int


@dataclass(eq=False, kw_only=True)
class RedemptionNotFound(BenefitsError):
    """The member has no such redemption."""

    redemption_id: RedemptionId


@dataclass(eq=False, kw_only=True)
class RedemptionNotConfirmable(BenefitsError):
    """The redemption cannot be confirmed: because of its state, too late, or it need not be."""

    redemption_id: RedemptionId
    state: str
    confirm_end_time: datetime | None


@dataclass(eq=False, kw_only=True)
class RedemptionNotCancellable(BenefitsError):
    """The redemption cannot be given back, because of its state or because it is too late."""

    redemption_id: RedemptionId
    state: str
    cancel_end_time: datetime | None


@dataclass(eq=False, kw_only=True)
class LotteryNotFound(BenefitsError):
    """The program has no such lottery."""

    lottery_id: LotteryId


@dataclass(eq=False, kw_only=True)
class DrawNotFound(BenefitsError):
    """The member has no such draw."""

    draw_id: DrawId


@dataclass(eq=False, kw_only=True)
class CouponTypeNotFound(BenefitsError):
    """The program has no such coupon."""

    coupon_type_id: CouponTypeId


@dataclass(eq=False, kw_only=True)
class CouponNotFound(BenefitsError):
    """The member has no such coupon."""

    coupon_id: CouponId


@dataclass(eq=False, kw_only=True)
class CouponNotAvailable(BenefitsError):
    """The coupon cannot be used or taken away, because of its state."""

    coupon_id: CouponId
    state: str


@dataclass(eq=False, kw_only=True)
class CouponWithoutCodes(BenefitsError):
    """The coupon carries no code of a partner."""

    coupon_type_id: CouponTypeId
