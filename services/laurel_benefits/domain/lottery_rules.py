"""What a program says of lotteries: prizes, odds, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from laurel_benefits.domain.ids import CouponTypeId, LotteryId, PrizeId
from laurel_benefits.domain.program_checks import Fault

LOTS = 1_000_000
"""How many lots there are; odds are counted in them."""

BASIS_POINTS = 10_000
"""A whole, in basis points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """Something that can be won."""

    prize_id: PrizeId
    display_name: str
    odds_ppm: int
    points: int
    coupon_type_id: CouponTypeId | None
    value_fen: int
    stock: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lottery:
    """Draws for points."""

    lottery_id: LotteryId
    display_name: str
    asset_id: str
    redemption_account_id: str
    funding_account_id: str
    price_points: int
    price_value_fen: int
    payout_max_bps: int
    prize_value_max_fen: int
    per_member_daily_max: int | None
    prizes: tuple[Prize, ...]

    @property
    def nothing_ppm(self) -> int:
        """Lots that win nothing."""
        return LOTS - sum(prize.odds_ppm for prize in self.prizes)


def lottery_faults(lottery: Lottery, path: str) -> Iterator[Fault]:
    """Why a table of prizes may not go live (O45)."""
    if lottery.nothing_ppm < 0:
        yield f"{path}.prizes", f"their odds come to more than {LOTS}"
    for position, prize in enumerate(lottery.prizes):
        if prize.value_fen > lottery.prize_value_max_fen:
            yield f"{path}.prizes[{position}].value_fen", "is above prize_value_max_fen"
        if prize.points and prize.coupon_type_id:
            yield f"{path}.prizes[{position}].coupon_type_id", "a prize is points or a coupon"
    expected = sum(prize.odds_ppm * prize.value_fen for prize in lottery.prizes)
    if expected * BASIS_POINTS > lottery.price_value_fen * lottery.payout_max_bps * LOTS:
        yield f"{path}.prizes", "are expected to pay out more than payout_max_bps of the price"


def by_id(lotteries: Sequence[Lottery]) -> Mapping[LotteryId, Lottery]:
    """Lotteries by their names."""
    return {lottery.lottery_id: lottery for lottery in lotteries}
