"""What refusals about merchants and their shops are on the wire."""

from __future__ import annotations

import grpc
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, bad_field, precondition, resource

from laurel_benefits.domain import merchant_errors

Code = grpc.StatusCode

MERCHANT_FAULTS: FaultTable = {
    merchant_errors.MerchantsNotServed: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_MERCHANTS_NOT_SERVED,
        "No merchant of the program {program_id} can give points.",
        detail=precondition("PROGRAM", "program_id"),
    ),
    merchant_errors.FundingAccountUnknown: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_FUNDING_ACCOUNT_UNKNOWN,
        "The program has no funding account {funding_account_id}.",
        detail=bad_field("funding_account_id", "is no funding account of the program"),
    ),
    merchant_errors.MerchantExists: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_MERCHANT_EXISTS,
        "There is a merchant {merchant_id} already.",
        detail=resource("laurel.benefits.v1.Merchant", "merchant_id"),
    ),
    merchant_errors.MerchantNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_MERCHANT_NOT_FOUND,
        "The program has no merchant {merchant_id}.",
        detail=resource("laurel.benefits.v1.Merchant", "merchant_id"),
    ),
    merchant_errors.ShopProgramNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_SHOP_PROGRAM_NOT_FOUND,
        "No membership counts in the shop {shop_id}.",
        detail=resource("laurel.program.v1.ShopProgram", "shop_id"),
    ),
    merchant_errors.ShopMembershipNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_SHOP_MEMBERSHIP_NOT_FOUND,
        "The member has no membership of the shop {shop_id}.",
        detail=resource("laurel.benefits.v1.ShopMembership", "shop_id"),
    ),
    merchant_errors.ExternalIdMissing: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_EXTERNAL_ID_MISSING,
        "The membership of the shop {shop_id} is kept outside: its number must be given.",
        detail=bad_field("external_id", "must be given for a membership kept outside"),
    ),
}
