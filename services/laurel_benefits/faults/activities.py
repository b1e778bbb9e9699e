"""What refusals about activities are on the wire."""

from __future__ import annotations

import grpc
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, bad_field, precondition, resource

from laurel_benefits.domain import activity_errors

Code = grpc.StatusCode

ACTIVITY_FAULTS: FaultTable = {
    activity_errors.ActivitiesNotServed: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_ACTIVITIES_NOT_SERVED,
        "The program {program_id} pays for no activities.",
        detail=resource("laurel.program.v1.ActivityRules", "program_id"),
    ),
    activity_errors.ActivityNameTaken: Fault(
        Code.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_ACTIVITY_NAME_TAKEN,
        "The member has another activity {activity_id}.",
        detail=resource("laurel.benefits.v1.Activity", "activity_id"),
    ),
    activity_errors.ActivityKindUnknown: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_ACTIVITY_KIND_UNKNOWN,
        "The program has no activity of the kind {kind}.",
        detail=bad_field("activities", "{kind} is no kind of the program"),
    ),
    activity_errors.ReviewNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_REVIEW_NOT_FOUND,
        "The member has no review {review_id}.",
        detail=resource("laurel.benefits.v1.Review", "review_id"),
    ),
    activity_errors.ReviewCaseNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_REVIEW_CASE_NOT_FOUND,
        "The member has no case {case_id}.",
        detail=resource("laurel.benefits.v1.ReviewCase", "case_id"),
    ),
    activity_errors.ReviewCaseResolved: Fault(
        Code.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REVIEW_CASE_RESOLVED,
        "The case {case_id} is {state}.",
        detail=precondition("REVIEW_CASE", "case_id"),
    ),
    activity_errors.ResolverInvolved: Fault(
        Code.PERMISSION_DENIED,
        ErrorReason.ERROR_REASON_RESOLVER_INVOLVED,
        "{resolver} has raised or caused the case.",
    ),
    activity_errors.ResolverRequired: Fault(
        Code.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_RESOLVER_REQUIRED,
        "The request does not say who decides.",
        detail=bad_field("resolver", "is required where callers have no name"),
    ),
}
