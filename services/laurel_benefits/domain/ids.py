"""Names of things; each kind has a type of its own, so that two of them cannot be swapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

ProgramId = NewType("ProgramId", str)
MemberId = NewType("MemberId", str)
RequestId = NewType("RequestId", str)
RevisionId = NewType("RevisionId", str)
OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
PlanId = NewType("PlanId", str)
FamilyId = NewType("FamilyId", str)
ChannelId = NewType("ChannelId", str)
QuoteId = NewType("QuoteId", str)
MembershipId = NewType("MembershipId", str)
BenefitId = NewType("BenefitId", str)
BenefitUseId = NewType("BenefitUseId", str)
ScoreModelId = NewType("ScoreModelId", str)
ActivityId = NewType("ActivityId", str)
ReviewCaseId = NewType("ReviewCaseId", str)
CampaignId = NewType("CampaignId", str)
CouponId = NewType("CouponId", str)
CouponTypeId = NewType("CouponTypeId", str)
RewardId = NewType("RewardId", str)
RedemptionId = NewType("RedemptionId", str)
LotteryId = NewType("LotteryId", str)
PrizeId = NewType("PrizeId", str)
DrawId = NewType("DrawId", str)
PayOutId = NewType("PayOutId", str)
WaterTaskId = NewType("WaterTaskId", str)
FruitId = NewType("FruitId", str)
HarvestId = NewType("HarvestId", str)
MerchantId = NewType("MerchantId", str)
ShopId = NewType("ShopId", str)
ShopProgramId = NewType("ShopProgramId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKey:
    """A member of a program: the beginning of every key of this service."""

    program_id: ProgramId
    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """An order of a member."""

    member: MemberKey
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationKey:
    """A reservation of an order."""

    order: OrderKey
    reservation_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnKey:
    """A return of goods of an order."""

    order: OrderKey
    return_no: int
