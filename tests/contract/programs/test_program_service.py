"""ProgramService through a server in this process, as every service serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from laurel.program.v1 import program_service_pb2 as pb
from laurel.program.v1 import program_service_pb2_grpc as grpc_pb
from laurel_kit.clock import SettableClock
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.programs.revisions import Revisions
from laurel_kit.programs.servicer import SERVICE_NAME, ProgramServicer
from laurel_kit.server import build_server
from laurel_kit.service import Service
from laurel_kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict

from tests.support.databases import DatabaseOf
from tests.support.programs import WholeProgram, program_text

TIMEOUT = 50


class ProbeSettings(ServiceSettings):
    """A sandbox on a free port."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_PROBE_")
    service: ClassVar[str] = "ledger"
    database_url: str = "postgresql://nowhere"
    address: str = "127.0.0.1:0"
    sandbox: bool = True


@pytest.fixture
async def stub(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[Any]:
    """ProgramService over an empty database."""
    registry = ProgramRegistry(WholeProgram())
    revisions = Revisions(database=await database_of("kit"), clock=clock, registry=registry)
    service = Service(
        name="ledger",
        faults={},
        register=lambda server: grpc_pb.add_ProgramServiceServicer_to_server(
            ProgramServicer(revisions), server
        ),
        service_names=(SERVICE_NAME,),
    )
    server = build_server(service, ProbeSettings())
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield grpc_pb.ProgramServiceStub(channel)
    await server.calls.stop(None)
    if server.admin:
        await server.admin.stop(None)


async def apply(stub: Any, request_id: str = "r-1", **request: Any) -> pb.ApplyRevisionResponse:
    request.setdefault("source", program_text())
    return await stub.ApplyRevision(
        pb.ApplyRevisionRequest(request_id=request_id, **request), timeout=TIMEOUT
    )


def stamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def refusal(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
    """Code and reason of a call that failed."""
    info = detail_of(error, error_details_pb2.ErrorInfo)
    return error.code(), info


def detail_of(error: grpc.aio.AioRpcError, kind: Any) -> Any:
    message = kind()
    status = rpc_status.from_call(error)
    assert status, error
    assert any(detail.Unpack(message) for detail in status.details), status
    return message


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value


async def test_validate_revision_names_every_fault_and_stores_nothing(stub: Any) -> None:
    source = program_text(display_name="7", time_zone="Mars") + "\nsurprise: 1\n"
    answer = await stub.ValidateRevision(pb.ValidateRevisionRequest(source=source), timeout=TIMEOUT)
    assert [fault.path for fault in answer.faults] == ["display_name", "time_zone", "surprise"]
    lines = source.splitlines()
    assert all(lines[fault.line - 1].startswith(fault.path) for fault in answer.faults)
    assert answer.program_id == "jd"
    error = await refused(stub.GetRevision(pb.GetRevisionRequest(program_id="jd"), timeout=TIMEOUT))
    assert refusal(error)[1].reason == "PROGRAM_NOT_FOUND"


async def test_validate_revision_of_a_right_file_gives_the_name_apply_revision_stores(
    stub: Any,
) -> None:
    request = pb.ValidateRevisionRequest(source=program_text())
    checked = await stub.ValidateRevision(request, timeout=TIMEOUT)
    assert not checked.faults
    assert (await apply(stub)).revision.revision_id == checked.revision_id


async def test_apply_revision_holds_for_the_past_when_it_is_the_first(
    stub: Any, clock: SettableClock
) -> None:
    first = await apply(stub)
    assert not first.replayed
    assert first.revision.effective_time.seconds == 0
    assert first.revision.apply_time == stamp(clock.now())
    assert first.revision.source == ""
    second = await apply(stub, "r-2", source=program_text(display_name="second"))
    assert second.revision.effective_time == stamp(clock.now())


async def test_apply_revision_repeated_returns_the_first_answer(
    stub: Any, clock: SettableClock
) -> None:
    first = await apply(stub)
    clock.set(clock.now() + timedelta(days=1))
    for repeat in (await apply(stub), await apply(stub, "r-2")):
        assert repeat.replayed
        assert repeat.revision == first.revision


async def test_apply_revision_refuses_a_request_id_with_another_file(stub: Any) -> None:
    await apply(stub)
    error = await refused(apply(stub, source=program_text(display_name="other")))
    code, info = refusal(error)
    assert (code, info.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert info.metadata == {"request_id": "r-1", "mismatched_fields": "source"}


async def test_apply_revision_names_every_fault_with_its_line(stub: Any) -> None:
    error = await refused(apply(stub, source=program_text(display_name="7", time_zone="Mars")))
    code, info = refusal(error)
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PROGRAM_INVALID")
    assert info.metadata["faults"] == "2"
    violations = detail_of(error, error_details_pb2.BadRequest).field_violations
    assert [violation.field for violation in violations] == ["display_name", "time_zone"]
    assert violations[0].description.startswith("line 4: 7 is a whole number")


async def test_apply_revision_refuses_one_that_would_not_be_the_latest(
    stub: Any, clock: SettableClock
) -> None:
    await apply(stub, effective_time=stamp(clock.now()))
    other = program_text(display_name="other")
    error = await refused(apply(stub, "r-2", source=other, effective_time=stamp(clock.now())))
    code, info = refusal(error)
    assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_OUT_OF_ORDER")
    assert info.metadata == {"latest_effective_time": "2026-03-10T04:00:00Z"}


@pytest.mark.parametrize(
    "request_fields",
    [
        {"request_id": ""},
        {"request_id": "a b"},
        {"source": ""},
        {"source": "#" * 262_145},
        {"effective_time": Timestamp(seconds=-1)},
        {"effective_time": Timestamp(seconds=7258118400)},
        {"effective_time": Timestamp(seconds=1, nanos=-5)},
    ],
)
async def test_apply_revision_refuses_what_its_contract_does(
    stub: Any, request_fields: dict[str, Any]
) -> None:
    error = await refused(apply(stub, **request_fields))
    code, info = refusal(error)
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert info.metadata["violations"] == "1"


async def test_get_revision_gives_the_file_as_it_was_applied(
    stub: Any, clock: SettableClock
) -> None:
    first = program_text() + "# with a comment\n"
    applied = await apply(stub, source=first)
    second = program_text(display_name="second")
    await apply(stub, "r-2", source=second, effective_time=stamp(clock.now() + timedelta(days=1)))

    async def source(**request: Any) -> str:
        message = pb.GetRevisionRequest(program_id="jd", **request)
        return (await stub.GetRevision(message, timeout=TIMEOUT)).revision.source

    assert await source() == first
    assert await source(revision_id=applied.revision.revision_id) == first
    assert await source(effective_at=stamp(clock.now() + timedelta(days=1))) == second


async def test_get_revision_says_what_is_not_there(stub: Any) -> None:
    await apply(stub)
    unknown = f"sha256:{'0' * 64}"
    request = pb.GetRevisionRequest(program_id="jd", revision_id=unknown)
    error = await refused(stub.GetRevision(request, timeout=TIMEOUT))
    code, info = refusal(error)
    assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "REVISION_NOT_FOUND")
    assert info.metadata == {"program_id": "jd", "revision_id": unknown}
    error = await refused(stub.GetRevision(pb.GetRevisionRequest(program_id="x"), timeout=TIMEOUT))
    assert refusal(error)[1].reason == "PROGRAM_NOT_FOUND"
    request = pb.GetRevisionRequest(program_id="jd", revision_id="sha256:\x00")
    error = await refused(stub.GetRevision(request, timeout=TIMEOUT))
    assert refusal(error)[1].reason == "REQUEST_INVALID"


async def test_list_revisions_pages_from_the_latest_to_the_first(
    stub: Any, clock: SettableClock
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(5):
        source = program_text(display_name=f"day-{day}")
        await apply(stub, f"r-{day}", source=source, effective_time=stamp(start + timedelta(day)))
    seen: list[int] = []
    token = ""
    pages = 0
    while pages == 0 or token:
        request = pb.ListRevisionsRequest(program_id="jd", page_size=2, page_token=token)
        answer = await stub.ListRevisions(request, timeout=TIMEOUT)
        seen += [revision.effective_time.ToDatetime().day for revision in answer.revisions]
        assert not any(revision.source for revision in answer.revisions)
        token, pages = answer.next_page_token, pages + 1
    assert (seen, pages) == ([5, 4, 3, 2, 1], 3)


async def test_list_revisions_of_an_unknown_program_is_an_empty_page(stub: Any) -> None:
    answer = await stub.ListRevisions(pb.ListRevisionsRequest(program_id="x"), timeout=TIMEOUT)
    assert not answer.revisions
    assert not answer.next_page_token


async def test_list_revisions_refuses_the_token_of_another_query(stub: Any) -> None:
    for number in range(2):
        await apply(stub, f"r-{number}", source=program_text(display_name=f"n-{number}"))
    request = pb.ListRevisionsRequest(program_id="jd", page_size=1)
    token = (await stub.ListRevisions(request, timeout=TIMEOUT)).next_page_token
    assert token
    for program_id, page_token in (("other", token), ("jd", token[:-2]), ("jd", "nonsense")):
        request = pb.ListRevisionsRequest(program_id=program_id, page_token=page_token)
        error = await refused(stub.ListRevisions(request, timeout=TIMEOUT))
        assert refusal(error)[1].reason == "PAGE_TOKEN_INVALID"
