"""The refusals any service may give, as they are on the wire; the server puts them under its
own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
from google.rpc import error_details_pb2
from laurel.type.v1.error_reason_pb2 import ErrorReason

from laurel_kit.database import Contention, DatabaseUnavailable
from laurel_kit.faults import (
    VALUE_LENGTH_MAX,
    Fault,
    bad_field,
    precondition,
    quota,
    reason_name,
    resource,
    shorten,
    text_of,
)
from laurel_kit.operations import OperationNotFound, OperationRunning
from laurel_kit.pages import PageTokenInvalid
from laurel_kit.programs.errors import (
    ProgramInvalid,
    ProgramNotFound,
    RevisionNotFound,
    RevisionOutOfOrder,
)
from laurel_kit.refusals import (
    DeadlineExceeded,
    DeadlineRequired,
    DependencyDown,
    QueueFull,
    RequestInvalid,
    ScopeMissing,
    ShuttingDown,
    TimeInFuture,
    TokenInvalid,
)
from laurel_kit.requests import RequestIdReused
from laurel_kit.sandbox import NotSandbox


def bad_request(error: RequestInvalid) -> Any:
    """Every violation of a request, its rule as the reason."""
    detail = error_details_pb2.BadRequest()
    for violation in error.listing:
        detail.field_violations.add(
            field=violation.field,
            description=shorten(violation.description, VALUE_LENGTH_MAX),
            reason=violation.rule,
        )
    return detail


def field_in_future(error: TimeInFuture) -> Any:
    """BadRequest naming the field."""
    detail = error_details_pb2.BadRequest()
    detail.field_violations.add(
        field=error.field,
        description=f"must not be after {text_of(error.current_time)}",
        reason=reason_name(ErrorReason.ERROR_REASON_TIME_IN_FUTURE),
    )
    return detail


def faults_of_program(error: ProgramInvalid) -> Any:
    """BadRequest with every fault of the file, each with its line."""
    detail = error_details_pb2.BadRequest()
    for fault in error.listing:
        text = f"line {fault.line}: {fault.message}" if fault.line else fault.message
        detail.field_violations.add(field=fault.path, description=shorten(text, VALUE_LENGTH_MAX))
    return detail


SOON = timedelta(seconds=1)
"""When a part of ours that is away is likely to be back."""

AT_ONCE = timedelta(milliseconds=50)
"""When a lost race is likely to be over."""

KIT_FAULTS: dict[type[Exception], Fault] = {
    RequestInvalid: Fault(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_REQUEST_INVALID,
        "The request breaks {violations} rules of its contract; see BadRequest.",
        detail=bad_request,
    ),
    DeadlineRequired: Fault(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_DEADLINE_REQUIRED,
        "A write needs a deadline, at most {deadline_max} away.",
    ),
    PageTokenInvalid: Fault(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_PAGE_TOKEN_INVALID,
        "The page token is damaged or belongs to another query.",
        detail=bad_field("page_token", "is damaged or belongs to another query"),
    ),
    TokenInvalid: Fault(
        grpc.StatusCode.UNAUTHENTICATED,
        ErrorReason.ERROR_REASON_TOKEN_INVALID,
        "The caller could not be made out: token or certificate is {cause}.",
    ),
    ScopeMissing: Fault(
        grpc.StatusCode.PERMISSION_DENIED,
        ErrorReason.ERROR_REASON_SCOPE_MISSING,
        "The caller lacks the scope {scope}.",
    ),
    DependencyDown: Fault(
        grpc.StatusCode.UNAVAILABLE,
        ErrorReason.ERROR_REASON_DEPENDENCY_DOWN,
        "The service {dependency} does not answer; repeat with the same request id.",
        retry_after=SOON,
    ),
    DeadlineExceeded: Fault(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED,
        "The time of the call was over; repeat with the same request id.",
    ),
    ShuttingDown: Fault(
        grpc.StatusCode.UNAVAILABLE,
        ErrorReason.ERROR_REASON_SHUTTING_DOWN,
        "The server is shutting down and did not begin the call.",
        retry_after=SOON,
    ),
    TimeInFuture: Fault(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_TIME_IN_FUTURE,
        "{field} is {time}, after the present {current_time}.",
        detail=field_in_future,
    ),
    QueueFull: Fault(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        ErrorReason.ERROR_REASON_QUEUE_FULL,
        "More than {limit} calls wait; this one was not begun.",
        retry_after=SOON,
        detail=quota("calls"),
    ),
    RequestIdReused: Fault(
        grpc.StatusCode.ALREADY_EXISTS,
        ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
        "The request id {request_id} was used with other content: {mismatched_fields}.",
        detail=bad_field("request_id", "was used with other content: {mismatched_fields}"),
    ),
    OperationNotFound: Fault(
        grpc.StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_OPERATION_NOT_FOUND,
        "There is no {operation} here, or no longer.",
        detail=resource("google.longrunning.Operation", "operation"),
    ),
    OperationRunning: Fault(
        grpc.StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_OPERATION_RUNNING,
        "{operation} has not ended: wait for it, or cancel it first.",
        detail=precondition("OPERATION_ENDED", "operation"),
    ),
    NotSandbox: Fault(
        grpc.StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_NOT_SANDBOX,
        "The server is not in sandbox mode; its clock is the machine's.",
    ),
    DatabaseUnavailable: Fault(
        grpc.StatusCode.UNAVAILABLE,
        ErrorReason.ERROR_REASON_DATABASE_UNAVAILABLE,
        "The database does not answer; repeat with the same request id.",
        retry_after=SOON,
    ),
    Contention: Fault(
        grpc.StatusCode.ABORTED,
        ErrorReason.ERROR_REASON_CONTENTION,
        "Lost a race for the same rows {attempts} times; repeat with the same request id.",
        retry_after=AT_ONCE,
    ),
    ProgramInvalid: Fault(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.ERROR_REASON_PROGRAM_INVALID,
        "The program file has {faults} faults; see BadRequest.",
        detail=faults_of_program,
    ),
    ProgramNotFound: Fault(
        grpc.StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND,
        "No revision of the program {program_id} holds at that time.",
        detail=resource("laurel.program.v1.Program", "program_id"),
    ),
    RevisionNotFound: Fault(
        grpc.StatusCode.NOT_FOUND,
        ErrorReason.ERROR_REASON_REVISION_NOT_FOUND,
        "The program {program_id} has no revision {revision_id}.",
        detail=resource("laurel.program.v1.Revision", "revision_id"),
    ),
    RevisionOutOfOrder: Fault(
        grpc.StatusCode.FAILED_PRECONDITION,
        ErrorReason.ERROR_REASON_REVISION_OUT_OF_ORDER,
        "A revision holds from {latest_effective_time} on; a new one must begin later.",
        detail=precondition("EFFECTIVE_TIME", "latest_effective_time"),
    ),
}
