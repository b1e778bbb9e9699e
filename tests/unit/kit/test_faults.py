"""What a refusal is on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import (
    STATUS_BYTES_MAX,
    Fault,
    bad_field,
    precondition,
    quota,
    resource,
    status_of,
    text_of,
    unexpected_status,
)
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.programs.errors import ProgramInvalid
from laurel_kit.programs.sections import ProgramFault
from laurel_kit.refusals import RequestInvalid, TimeInFuture, Violation

DOMAIN = "tea.laurel"
REASON = ErrorReason.ERROR_REASON_NOT_SANDBOX


class TeaError(Exception):
    pass


@dataclass(eq=False, kw_only=True)
class CupEmpty(TeaError):
    cup_id: str
    drops: int
    since: datetime | None = None


def table(**more: Any) -> dict[type[Exception], Fault]:
    fault = Fault(grpc.StatusCode.NOT_FOUND, REASON, "{cup_id} holds {drops}.", **more)
    return {CupEmpty: fault}


def detail_of(status: Any, kind: Any) -> Any:
    """The one detail of that kind."""
    found = [each for each in status.details if each.Is(kind.DESCRIPTOR)]
    assert len(found) == 1, status
    message = kind()
    found[0].Unpack(message)
    return message


def test_fields_become_metadata_and_text() -> None:
    status = status_of(CupEmpty(cup_id="c-1", drops=0), table(), domain=DOMAIN)
    info = detail_of(status, details.ErrorInfo)
    assert (status.code, status.message) == (5, "c-1 holds 0.")
    assert (info.reason, info.domain) == ("NOT_SANDBOX", DOMAIN)
    assert dict(info.metadata) == {"cup_id": "c-1", "drops": "0"}


def test_a_child_has_the_row_of_its_parent() -> None:
    class CupBroken(CupEmpty):
        pass

    status = status_of(CupBroken(cup_id="c-2", drops=1), table(), domain=DOMAIN)
    assert status.message == "c-2 holds 1."


def test_an_error_without_a_row_is_raised_again() -> None:
    error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug") as raised:
        status_of(error, table(), domain=DOMAIN)
    assert raised.value is error


def test_details_are_made_of_the_refusal() -> None:
    rows = table(
        retry_after=timedelta(seconds=2),
        detail=(
            precondition("CUP", "cup_id"),
            resource("tea.Cup", "cup_id"),
            quota("drops"),
            bad_field("cup.id", "must hold more than {drops}"),
        ),
    )
    status = status_of(CupEmpty(cup_id="c-1", drops=0), rows, domain=DOMAIN)
    violation = detail_of(status, details.PreconditionFailure).violations[0]
    assert (violation.type, violation.subject) == ("CUP", "c-1")
    assert violation.description == "c-1 holds 0."
    found = detail_of(status, details.ResourceInfo)
    assert (found.resource_type, found.resource_name) == ("tea.Cup", "c-1")
    assert detail_of(status, details.QuotaFailure).violations[0].subject == "0"
    field = detail_of(status, details.BadRequest).field_violations[0]
    assert (field.field, field.description) == ("cup.id", "must hold more than 0")
    assert detail_of(status, details.RetryInfo).retry_delay.seconds == 2


def test_a_field_without_a_value_leaves_a_gap() -> None:
    rows = {CupEmpty: Fault(grpc.StatusCode.NOT_FOUND, REASON, "Empty since {since}.")}
    status = status_of(CupEmpty(cup_id="c-1", drops=0), rows, domain=DOMAIN)
    assert status.message == "Empty since ."


class Colour(Enum):
    GREEN = "green"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (7, "7"),
        (Colour.GREEN, "green"),
        (datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))), "2026-01-01T00:00:00Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(minutes=1), "60s"),
        (timedelta(milliseconds=250), "0.25s"),
        (("a", "b"), "a,b"),
    ],
)
def test_values_are_written_for_programs(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_a_long_value_is_cut() -> None:
    status = status_of(CupEmpty(cup_id="x" * 9000, drops=0), table(), domain=DOMAIN)
    assert len(detail_of(status, details.ErrorInfo).metadata["cup_id"]) == 256
    assert status.ByteSize() <= STATUS_BYTES_MAX


def test_as_many_violations_are_named_as_a_trailer_holds() -> None:
    listing = [
        Violation(f"transactions[{index}].amount", "must be positive") for index in range(5000)
    ]
    status = status_of(RequestInvalid(listing), KIT_FAULTS, domain=DOMAIN)
    named = detail_of(status, details.BadRequest).field_violations
    assert status.ByteSize() <= STATUS_BYTES_MAX
    assert 50 < len(named) < 5000
    assert named[0].field == "transactions[0].amount"
    assert detail_of(status, details.ErrorInfo).metadata["violations"] == "5000"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (["TIME_IN_FUTURE", "TIME_IN_FUTURE"], "TIME_IN_FUTURE"),
        (["TIME_IN_FUTURE", "string.max_len"], "REQUEST_INVALID"),
        (["string.max_len"], "REQUEST_INVALID"),
        ([""], "REQUEST_INVALID"),
        (["UNSPECIFIED"], "REQUEST_INVALID"),
    ],
)
def test_a_rule_named_as_a_reason_gives_the_reason(rules: list[str], reason: str) -> None:
    error = RequestInvalid([Violation("field", "is wrong", rule) for rule in rules])
    status = status_of(error, KIT_FAULTS, domain=DOMAIN)
    assert detail_of(status, details.ErrorInfo).reason == reason
    named = detail_of(status, details.BadRequest).field_violations
    assert [each.reason for each in named] == rules


def test_a_fact_of_the_future_names_its_field() -> None:
    present = datetime(2026, 1, 1, tzinfo=UTC)
    error = TimeInFuture(field="order.time", time=present + timedelta(1), current_time=present)
    status = status_of(error, KIT_FAULTS, domain=DOMAIN)
    (field,) = detail_of(status, details.BadRequest).field_violations
    assert (field.field, field.reason) == ("order.time", "TIME_IN_FUTURE")


def test_faults_of_a_program_file_come_with_their_lines() -> None:
    faults = [ProgramFault("ledger.assets[0]", "is wrong", line=7), ProgramFault("x", "is missing")]
    status = status_of(ProgramInvalid(faults), KIT_FAULTS, domain=DOMAIN)
    named = detail_of(status, details.BadRequest).field_violations
    assert [(each.field, each.description) for each in named] == [
        ("ledger.assets[0]", "line 7: is wrong"),
        ("x", "is missing"),
    ]


def test_a_bug_is_told_by_its_log_id_alone() -> None:
    status = unexpected_status(log_id="0199", domain=DOMAIN)
    info = detail_of(status, details.ErrorInfo)
    assert (status.code, info.reason, dict(info.metadata)) == (13, "UNEXPECTED", {"log_id": "0199"})


def test_every_reason_of_the_kit_is_answered_by_a_row_or_the_chain() -> None:
    answered = {fault.reason for fault in KIT_FAULTS.values()} | {
        ErrorReason.ERROR_REASON_UNEXPECTED  # whatever has no row
    }
    ours = {number for number in ErrorReason.values() if 1 <= number <= 99}
    assert answered == ours
