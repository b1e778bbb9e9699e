"""What refusals of the mall and of coupons are on the wire."""

from __future__ import annotations

import grpc
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, precondition, resource

from laurel_benefits.domain import mall_errors

Code = grpc.StatusCode

MALL_FAULTS: FaultTable = {
    mall_errors.RewardNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_REWARD_NOT_FOUND,
        "The program has no reward {reward_id}.",
        detail=resource("laurel.program.v1.MallReward", "reward_id"),
    ),
    mall_errors.RewardPriceChanged: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REWARD_PRICE_CHANGED,
        "The reward {reward_id} costs {price_points} points and {price_fen} fen.",
        detail=precondition("REWARD", "reward_id"),
    ),
    mall_errors.RedemptionNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_REDEMPTION_NOT_FOUND,
        "The member has no redemption {redemption_id}.",
        detail=resource("laurel.benefits.v1.Redemption", "redemption_id"),
    ),
    mall_errors.RedemptionNotCancellable: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REDEMPTION_NOT_CANCELLABLE,
        "The redemption {redemption_id} is {state} and cannot be given back.",
        detail=precondition("REDEMPTION", "redemption_id"),
    ),
    mall_errors.RedemptionNotConfirmable: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REDEMPTION_NOT_CONFIRMABLE,
        "The redemption {redemption_id} is {state} and cannot be confirmed.",
        detail=precondition("REDEMPTION", "redemption_id"),
    ),
    mall_errors.LotteryNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_LOTTERY_NOT_FOUND,
        "The program has no lottery {lottery_id}.",
        detail=resource("laurel.program.v1.Lottery", "lottery_id"),
    ),
    mall_errors.DrawNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_DRAW_NOT_FOUND,
        "The member has no draw {draw_id}.",
        detail=resource("laurel.benefits.v1.Draw", "draw_id"),
    ),
    mall_errors.CouponTypeNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_COUPON_TYPE_NOT_FOUND,
        "The program has no coupon {coupon_type_id}.",
        detail=resource("laurel.program.v1.CouponType", "coupon_type_id"),
    ),
    mall_errors.CouponNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_COUPON_NOT_FOUND,
        "The member has no coupon {coupon_id}.",
        detail=resource("laurel.benefits.v1.Coupon", "coupon_id"),
    ),
    mall_errors.CouponNotAvailable: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_COUPON_NOT_AVAILABLE,
        "The coupon {coupon_id} is {state}.",
        detail=precondition("COUPON", "coupon_id"),
    ),
    mall_errors.CouponWithoutCodes: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_COUPON_WITHOUT_CODES,
        "The coupon {coupon_type_id} carries no code.",
        detail=precondition("COUPON_TYPE", "coupon_type_id"),
    ),
}
