"""From a refusal to what the caller sees: status code, reason, metadata, details.

Every service has one table `FAULTS` from the classes of its refusals to `Fault`; the kit's own
is in `kit_faults`. The fields of the refusal become the metadata, so that everything variable in
the text is there for programs too. Nothing else in a service knows a status code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from laurel.type.v1.error_reason_pb2 import ErrorReason

from laurel_kit.refusals import RequestInvalid

STATUS_BYTES_MAX = 6000
"""A status travels in a trailer; gRPC peers drop trailers above 8 KiB, the other keys need room
too."""

TEXT_LENGTH_MAX = 500
"""The text is sent twice, as `grpc-message` and inside the status."""

VALUE_LENGTH_MAX = 256
"""Longest value in the metadata; a longer one is cut and ends in an ellipsis."""

REASON_PREFIX = "ERROR_REASON_"
REASON_NAMES = frozenset(ErrorReason.keys())

Detail = Callable[[Any], Message]
"""Makes one more detail of a status from the refusal."""


@dataclass(frozen=True)
class Fault:
    """What one class of refusals is on the wire."""

    code: grpc.StatusCode
    reason: ErrorReason.ValueType
    text: str
    """For people; `{field}` is replaced by the refusal's field."""
    retry_after: timedelta | None = field(default=None, kw_only=True)
    """When a repeat may succeed (RetryInfo); none when a repeat alone does not help."""
    detail: Detail | tuple[Detail, ...] = field(default=(), kw_only=True)
    """Further details: `precondition(...)`, `resource(...)`, `quota(...)`, `bad_field(...)`."""


FaultTable = Mapping[type[Exception], Fault]


def status_of(error: Exception, table: FaultTable, *, domain: str) -> status_pb2.Status:
    """The refusal as `google.rpc.Status`, for the end of a call or one result of a batch.

    `domain` is `<service>.laurel`. An error that no row of the table covers is a bug, not a
    refusal: it is raised again.
    """
    fault = fault_of(error, table)
    if fault is None:
        raise error
    metadata = metadata_of(error)
    text = shorten(filled(fault.text, metadata), TEXT_LENGTH_MAX)
    reason = shared_reason(error) or fault.reason
    status = new_status(fault.code, reason, text, domain=domain, metadata=metadata)
    for detail in details_of(fault):
        add_detail(status, explained(detail(error), text))
    if fault.retry_after is not None:
        add_detail(status, retry_info(fault.retry_after))
    return status


def fault_of(error: Exception, table: FaultTable) -> Fault | None:
    """The row for the error's class or the nearest parent that has one."""
    for kind in type(error).__mro__:
        if fault := table.get(kind):
            return fault
    return None


def shared_reason(error: Exception) -> ErrorReason.ValueType | None:
    """The reason that every violated rule of a request is named after, None when there is none."""
    if not isinstance(error, RequestInvalid):
        return None
    rules = {REASON_PREFIX + violation.rule for violation in error.listing}
    name = rules.pop()
    return None if rules or name not in REASON_NAMES else ErrorReason.Value(name)


def filled(text: str, metadata: Mapping[str, str]) -> str:
    """The text with its fields; one that has no value leaves a gap."""
    return text.format_map(defaultdict(str, metadata))


def explained(detail: Any, text: str) -> Any:
    """The detail, its violations with the text where they have none of their own."""
    for violation in getattr(detail, "violations", ()):
        violation.description = violation.description or text
    return detail


def unexpected_status(*, log_id: str, domain: str) -> status_pb2.Status:
    """What a caller sees of a bug: the id under which we find it in our log, and nothing else."""
    text = f"Unexpected error; it is logged as {log_id}."
    reason = ErrorReason.ERROR_REASON_UNEXPECTED
    return new_status(
        grpc.StatusCode.INTERNAL, reason, text, domain=domain, metadata={"log_id": log_id}
    )


def new_status(
    code: grpc.StatusCode,
    reason: ErrorReason.ValueType,
    text: str,
    *,
    domain: str,
    metadata: Mapping[str, str],
) -> status_pb2.Status:
    """A status with its ErrorInfo, which every refusal carries."""
    status = status_pb2.Status(code=code_number(code), message=text)
    info = error_details_pb2.ErrorInfo(reason=reason_name(reason), domain=domain, metadata=metadata)
    status.details.add().Pack(info)
    return status


def code_number(code: grpc.StatusCode) -> int:
    """The number of a code on the wire."""
    return int(code_pb2.Code.Value(code.name))


def reason_name(reason: ErrorReason.ValueType) -> str:
    """The reason as it is sent: without the prefix of the enum."""
    return ErrorReason.Name(reason).removeprefix(REASON_PREFIX)


def details_of(fault: Fault) -> tuple[Detail, ...]:
    """The makers of further details, however many were given."""
    return fault.detail if isinstance(fault.detail, tuple) else (fault.detail,)


def add_detail(status: status_pb2.Status, detail: Message) -> None:
    """Append a detail; of a BadRequest only as many violations as fit beside the rest."""
    if isinstance(detail, error_details_pb2.BadRequest):
        fit_violations(detail, STATUS_BYTES_MAX - status.ByteSize())
    if status.ByteSize() + detail.ByteSize() <= STATUS_BYTES_MAX:
        status.details.add().Pack(detail)


def fit_violations(detail: error_details_pb2.BadRequest, space: int) -> None:
    """Cut the list from its end until it takes no more than `space` bytes."""
    total = 0
    for count, violation in enumerate(detail.field_violations):
        total += violation.ByteSize() + 4
        if total > space - 64:
            del detail.field_violations[count:]
            return


def metadata_of(error: Exception) -> dict[str, str]:
    """The fields of a refusal as strings; a field that is None is left out."""
    if is_dataclass(error):
        values = {each.name: getattr(error, each.name) for each in fields(error)}
    else:
        values = {name: value for name, value in vars(error).items() if is_scalar(value)}
    return {
        name: shorten(text_of(value), VALUE_LENGTH_MAX)
        for name, value in values.items()
        if value is not None
    }


def is_scalar(value: object) -> bool:
    """Whether a value of a refusal that is no dataclass is for the metadata."""
    return isinstance(value, str | int | date | timedelta | Enum)


def text_of(value: object) -> str:
    """A value as programs read it: RFC 3339 instants, spans in seconds, true and false."""
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():g}s"
        case list() | tuple() | set() | frozenset():
            return ",".join(text_of(item) for item in value)
    return str(value)


def shorten(text: str, length: int) -> str:
    """The text, cut with an ellipsis where it is too long."""
    return text if len(text) <= length else text[: length - 1] + "…"


def retry_info(delay: timedelta) -> Any:
    """When to try again."""
    detail: Any = error_details_pb2.RetryInfo()
    detail.retry_delay.FromTimedelta(delay)
    return detail


def precondition(kind: str, subject: str) -> Detail:
    """PreconditionFailure: `kind` is a constant such as `BALANCE`, `subject` a field of the
    refusal.
    """

    def make(error: Exception) -> Message:
        violation = error_details_pb2.PreconditionFailure.Violation(
            type=kind, subject=text_of(getattr(error, subject))
        )
        detail: Message = error_details_pb2.PreconditionFailure(violations=[violation])
        return detail

    return make


def resource(kind: str, name: str) -> Detail:
    """ResourceInfo: `kind` is a constant such as `laurel.ledger.v1.Lot`, `name` a field of the
    refusal.
    """

    def make(error: Exception) -> Message:
        detail: Message = error_details_pb2.ResourceInfo(
            resource_type=kind, resource_name=text_of(getattr(error, name))
        )
        return detail

    return make


def quota(subject: str) -> Detail:
    """QuotaFailure: `subject` is a field of the refusal, or a constant where there is no such
    field.
    """

    def make(error: Exception) -> Message:
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=text_of(getattr(error, subject, subject))
        )
        detail: Message = error_details_pb2.QuotaFailure(violations=[violation])
        return detail

    return make


def bad_field(path: str, description: str) -> Detail:
    """BadRequest for a refusal that is about one field: `path` as in the contract."""

    def make(error: Exception) -> Message:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=path, description=filled(description, metadata_of(error))
        )
        detail: Message = error_details_pb2.BadRequest(field_violations=[violation])
        return detail

    return make
