"""Random requests to every RPC of every service: none ends in UNKNOWN or INTERNAL.

What `buf.validate` refuses is refused as INVALID_ARGUMENT, what it allows is not refused as
REQUEST_INVALID, every refusal says its reason, and what is refused leaves no trace in any table.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import grpc
import protovalidate
import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from laurel.sandbox.v1 import clock_pb2
from laurel.type.v1.error_reason_pb2 import ErrorReason

from tests.contract.random_requests import requests
from tests.contract.worlds import Seat, World, populated_world
from tests.support.databases import TestDatabases
from tests.tidy.contracts import rpcs
from tests.tidy.tree import SERVICES, report

EXAMPLES = 10
SECONDS_PER_CALL = 30.0
# A stream that has nothing to tell is silent until its first heartbeat.
SECONDS_PER_WATCH = 0.2
BUGS = {grpc.StatusCode.UNKNOWN.value[0], grpc.StatusCode.INTERNAL.value[0]}
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]

# Refusals whose first outcome is kept under the request's id, so that a repeat gets it again. The
# ledger keeps them in its chain of what was decided, under an account it opens for the member; no
# entry, lot or movement comes of them.
KEPT = {grpc.StatusCode.FAILED_PRECONDITION.value[0], grpc.StatusCode.NOT_FOUND.value[0]}
KEPT_IN = {"request", "transaction", "log", "account"}

LATE = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]

Target = tuple[str, MethodDescriptor]


def targets() -> Iterator[Target]:
    """Every RPC of every server: its own, and those that the kit serves on all of them."""
    for rpc in rpcs():
        for service in [rpc.package] if rpc.package in SERVICES else SERVICES:
            yield service, rpc.method
    # Only who starts operations has any to ask about.
    starting = {rpc.package for rpc in rpcs() if returns_operation(rpc.method)}
    for service in starting:
        yield from ((service, method) for method in OPERATIONS.methods)


def returns_operation(method: MethodDescriptor) -> bool:
    return bool(method.output_type.full_name == operations_pb2.Operation.DESCRIPTOR.full_name)


def name_of(target: Target) -> str:
    service, method = target
    return f"{service}-{method.containing_service.name}.{method.name}"


def order_of(target: Target) -> tuple[bool, str]:
    """Moving the clocks comes last: no request of the others is about such times."""
    return target[1].containing_service.name == "ClockService", name_of(target)


@pytest.fixture(scope="module")
async def world(test_databases: TestDatabases) -> AsyncIterator[World]:
    """The suite that all requests go to."""
    async with populated_world(test_databases) as made:
        yield made


@dataclass(frozen=True)
class Outcome:
    """What became of a request."""

    response: Message | None
    status: status_pb2.Status

    @property
    def refused(self) -> bool:
        return self.response is None

    def detail(self, message: Message) -> Message | None:
        """The detail of the kind of `message`, None when the status has none."""
        for detail in self.status.details:
            if detail.Unpack(message):
                return message
        return None

    @property
    def reason(self) -> str:
        info = self.detail(error_details_pb2.ErrorInfo())
        return info.reason if info is not None else ""

    def statuses(self) -> Iterator[status_pb2.Status]:
        """The status of the call, and those of single results in the response."""
        yield self.status
        if self.response is not None:
            yield from statuses_within(self.response)


def statuses_within(message: Message) -> Iterator[status_pb2.Status]:
    """Every `google.rpc.Status` in a response."""
    if isinstance(message, status_pb2.Status):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else [value]:
            yield from statuses_within(each)


async def outcome_of(seat: Seat, method: MethodDescriptor, request: Message) -> Outcome:
    """Send the request."""
    endless = method.server_streaming and not method.client_streaming
    watched = endless and not protovalidate.collect_violations(request)
    seconds = SECONDS_PER_WATCH if watched else SECONDS_PER_CALL
    try:
        response = await seat.call(method, request, seconds)
    except grpc.aio.AioRpcError as error:
        bare = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
        return Outcome(None, rpc_status.from_call(error) or bare)
    if isinstance(response, operations_pb2.Operation) and not response.done:
        await finish(seat, response)
    return Outcome(response, status_pb2.Status())


async def finish(seat: Seat, operation: operations_pb2.Operation) -> None:
    """Wait for the end of an operation: what it does is no trace of the request after it."""
    request = operations_pb2.WaitOperationRequest(name=operation.name)
    ended = await seat.call(OPERATIONS.methods_by_name["WaitOperation"], request, SECONDS_PER_CALL)
    assert isinstance(ended, operations_pb2.Operation)
    assert ended.done
    assert ended.error.code not in BUGS, ended.error.message


def misbehaviour(service: str, request: Message, outcome: Outcome) -> Iterator[str]:
    """Everything about an outcome that no caller should see."""
    for status in outcome.statuses():
        if status.code in BUGS:
            yield f"ends in {status.code}: {status.message}"
    violations = protovalidate.collect_violations(request)
    if violations and outcome.status.code != grpc.StatusCode.INVALID_ARGUMENT.value[0]:
        yield f"breaks its contract ({violations[0].proto.message}) and is not refused for it"
    if violations and outcome.detail(error_details_pb2.BadRequest()) is None:
        yield "is refused for its fields without naming them"
    ours = request.DESCRIPTOR.full_name.startswith("laurel.")
    if ours and not violations and outcome.reason == "REQUEST_INVALID":
        yield f"keeps its contract and is refused: {outcome.status.message}"
    if outcome.refused and outcome.status.code != LATE:
        yield from silence(service, outcome)


def silence(service: str, outcome: Outcome) -> Iterator[str]:
    """A refusal that does not say why, or in whose name."""
    info = outcome.detail(error_details_pb2.ErrorInfo())
    if info is None:
        yield f"is refused without a reason: {outcome.status.code} {outcome.status.message}"
    elif f"ERROR_REASON_{info.reason}" not in ErrorReason.keys():  # noqa: SIM118  # No mapping.
        yield f"is refused for {info.reason}, which is no reason of ours"
    elif info.domain != f"{service}.laurel":
        yield f"is refused in the name of {info.domain}"


def traces(outcome: Outcome, before: dict[str, int], after: dict[str, int]) -> Iterator[str]:
    """Tables in which a refused request has left something."""
    kept = KEPT_IN if outcome.status.code in KEPT else set()
    for table in sorted(before):
        if before[table] != after[table] and table not in kept:
            yield f"is refused ({outcome.reason}) and leaves a trace in {table}"


# One process makes one world for all of them.
@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("target", sorted(targets(), key=order_of), ids=name_of)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_no_random_request_finds_a_bug(
    world: World, target: Target, data: st.DataObject
) -> None:
    service, method = target
    seat = world.seats[service]
    request = data.draw(requests(method.input_type, world.words))
    before = await seat.rows()
    outcome = await outcome_of(seat, method, request)
    report(misbehaviour(service, request, outcome))
    assert method.server_streaming or outcome.status.code != LATE, "does not answer"
    if outcome.refused:
        report(traces(outcome, before, await seat.rows()))


def refusal(code: int, *details: Message) -> Outcome:
    """An outcome made up to see the checks fail."""
    status = status_pb2.Status(code=code, message="no")
    for detail in details:
        status.details.add().Pack(detail)
    return Outcome(None, status)


INFO = error_details_pb2.ErrorInfo(reason="REQUEST_INVALID", domain="ledger.laurel")
INVALID = grpc.StatusCode.INVALID_ARGUMENT.value[0]
GOOD = clock_pb2.GetClockRequest()


@pytest.mark.parametrize(
    "outcome",
    [
        refusal(grpc.StatusCode.INTERNAL.value[0], INFO),
        refusal(grpc.StatusCode.UNKNOWN.value[0], INFO),
        refusal(INVALID, INFO),
        refusal(INVALID),
        refusal(INVALID, error_details_pb2.ErrorInfo(reason="NO_SUCH", domain="ledger.laurel")),
        refusal(INVALID, error_details_pb2.ErrorInfo(reason="CONTENTION", domain="other")),
        Outcome(status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0]), status_pb2.Status()),
    ],
)
def test_a_misbehaving_outcome_is_found(outcome: Outcome) -> None:
    assert list(misbehaviour("ledger", GOOD, outcome))


def test_a_trace_of_a_refused_request_is_found() -> None:
    before, after = {"lot": 1, "request": 1}, {"lot": 2, "request": 2}
    assert len(list(traces(refusal(INVALID), before, after))) == 2
    kept = refusal(grpc.StatusCode.NOT_FOUND.value[0])
    assert len(list(traces(kept, before, after))) == 1
