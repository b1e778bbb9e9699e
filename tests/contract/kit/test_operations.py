"""google.longrunning.Operations, as every service serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from laurel_kit.clock import SettableClock

from tests.contract.kit.echo import refusal
from tests.contract.kit.sandboxes import Bench, bench
from tests.support.databases import DatabaseOf

IN_TIME: dict[str, Any] = {"timeout": 10}
UNKNOWN = "operations/01990000-0000-7000-8000-000000000000"


@pytest.fixture
async def service(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[Bench]:
    async with bench(database_of, clock) as made:
        yield made


@pytest.fixture
def stub(service: Bench) -> Any:
    return OperationsStub(service.channel)


async def ended(stub: Any, name: str) -> Any:
    return await stub.WaitOperation(operations_pb2.WaitOperationRequest(name=name), **IN_TIME)


async def test_wait_operation_answers_when_it_has_ended(stub: Any, service: Bench) -> None:
    name = (await service.counting.start()).name
    operation = await ended(stub, name)
    assert operation.done
    assert operation.metadata.type_url.endswith("laurel.type.v1.OperationProgress")


@pytest.mark.parametrize("seconds", [-5, 0, 2**63 - 1])
async def test_wait_operation_bears_any_timeout(stub: Any, service: Bench, seconds: int) -> None:
    name = (await service.counting.start(steps=0)).name
    await ended(stub, name)
    request = operations_pb2.WaitOperationRequest(name=name, timeout=Duration(seconds=seconds))
    assert (await stub.WaitOperation(request, **IN_TIME)).done


async def test_get_operation_answers_how_it_stands(stub: Any, service: Bench) -> None:
    name = (await service.counting.start()).name
    operation = await stub.GetOperation(operations_pb2.GetOperationRequest(name=name), **IN_TIME)
    assert operation.name == name


async def test_list_operations_goes_page_by_page(stub: Any, service: Bench) -> None:
    names = [(await service.counting.start(f"r-{number}")).name for number in range(3)]
    request = operations_pb2.ListOperationsRequest(name="operations", page_size=2)
    first = await stub.ListOperations(request, **IN_TIME)
    request.page_token = first.next_page_token
    second = await stub.ListOperations(request, **IN_TIME)
    assert [each.name for each in [*first.operations, *second.operations]] == names[::-1]
    assert second.next_page_token == ""


async def test_list_operations_refuses_filters(stub: Any) -> None:
    request = operations_pb2.ListOperationsRequest(name="projects/x", filter="done", page_size=-1)
    refused = await refusal(stub.ListOperations(request, **IN_TIME))
    assert refused.fields == ["name", "filter", "page_size"]


async def test_cancel_operation_ends_it_at_its_next_step(stub: Any, service: Bench) -> None:
    service.counting.hang_at = 1
    name = (await service.counting.start(steps=100_000)).name
    await service.counting.hanging.wait()
    cancelled = stub.CancelOperation(operations_pb2.CancelOperationRequest(name=name), **IN_TIME)
    service.counting.go_on.set()
    await cancelled
    operation = await ended(stub, name)
    assert operation.done
    assert operation.error.code == code_pb2.CANCELLED


async def test_delete_operation_forgets_what_has_ended(stub: Any, service: Bench) -> None:
    name = (await service.counting.start()).name
    await ended(stub, name)
    await stub.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name), **IN_TIME)
    refused = await refusal(
        stub.GetOperation(operations_pb2.GetOperationRequest(name=name), **IN_TIME)
    )
    assert refused.reason == "OPERATION_NOT_FOUND"


async def test_delete_operation_refuses_what_still_runs(stub: Any, service: Bench) -> None:
    service.counting.hang_at = 1
    name = (await service.counting.start()).name
    await service.counting.hanging.wait()
    refused = await refusal(
        stub.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name), **IN_TIME)
    )
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "OPERATION_RUNNING"


@pytest.mark.parametrize("method", ["Get", "Wait", "Cancel", "Delete"])
async def test_an_operation_that_is_unknown_is_not_found(stub: Any, method: str) -> None:
    request = getattr(operations_pb2, f"{method}OperationRequest")(name=UNKNOWN)
    refused = await refusal(getattr(stub, f"{method}Operation")(request, **IN_TIME))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert refused.metadata == {"operation": UNKNOWN}
