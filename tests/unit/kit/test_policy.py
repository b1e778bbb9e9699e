"""What the contracts say about methods."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest
from google.longrunning import operations_pb2
from laurel.program.v1 import program_service_pb2
from laurel.sandbox.v1 import clock_pb2
from laurel_kit.interceptors.deadline import limit_of
from laurel_kit.interceptors.policy import OPERATIONS, policies_of
from laurel_kit.interceptors.validation import validate
from laurel_kit.refusals import RequestInvalid
from laurel_kit.settings import ServiceSettings

CLOCKS = "laurel.sandbox.v1.ClockService"
PROGRAMS = "laurel.program.v1.ProgramService"


class TeaSettings(ServiceSettings):
    service: ClassVar[str] = "tea"


SETTINGS = TeaSettings(
    database_url="postgresql://tea",
    sandbox=True,
    write_deadline_max=timedelta(seconds=1),
    read_time_max=timedelta(seconds=2),
    stream_time_max=timedelta(seconds=3),
)


@pytest.mark.parametrize(
    ("path", "scope", "write", "seconds"),
    [
        (f"/{CLOCKS}/GetClock", "sandbox.read", False, 2),
        (f"/{CLOCKS}/AdvanceClock", "sandbox.admin", True, 1),
        (f"/{PROGRAMS}/ApplyRevision", "program.admin", True, 1),
        (f"/{PROGRAMS}/ListRevisions", "program.read", False, 2),
        (f"/{OPERATIONS}/GetOperation", "operations.read", False, 2),
        (f"/{OPERATIONS}/WaitOperation", "operations.read", False, 3),
        (f"/{OPERATIONS}/CancelOperation", "operations.admin", True, 1),
    ],
)
def test_scope_and_limit_come_from_the_contract(
    path: str, scope: str, write: bool, seconds: float
) -> None:
    policy = policies_of([CLOCKS, PROGRAMS, OPERATIONS])[path]
    assert (policy.scope, policy.write) == (scope, write)
    assert limit_of(policy, SETTINGS) == seconds


def test_every_method_of_a_service_has_a_policy() -> None:
    for module, name in ((clock_pb2, CLOCKS), (program_service_pb2, PROGRAMS)):
        methods = module.DESCRIPTOR.services_by_name[name.rpartition(".")[2]].methods
        assert set(policies_of([name])) == {f"/{name}/{method.name}" for method in methods}
    methods = operations_pb2.DESCRIPTOR.services_by_name["Operations"].methods
    assert len(policies_of([OPERATIONS])) == len(methods)


def test_a_violation_without_a_field_names_the_oneof() -> None:
    with pytest.raises(RequestInvalid) as raised:
        validate(clock_pb2.AdvanceClockRequest())
    (violation,) = raised.value.listing
    assert (violation.field, violation.rule) == ("destination", "required")
