"""Program files: checked here without any service running, applied to all three."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path

import grpc
from laurel.program.v1.program_pb2 import Program
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest, GetRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_kit.programs.loading import examine, load_program
from laurel_kit.programs.sections import ProgramFault

from laurel_cli.clocks import timestamp
from laurel_cli.connections import Connections
from laurel_cli.suite import SERVICES

SECTIONS = {
    "ledger": "laurel_ledger.wire.program",
    "scoring": "laurel_scoring.wire.program",
    "benefits": "laurel_benefits.wire.programs",
}
"""Where each service says how it understands a program."""
APPLY_DEADLINE = 30.0
READ_DEADLINE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all three services say of a program file."""

    program_id: str
    revision_id: str
    faults: tuple[ProgramFault, ...]
    """Every fault once, in the order of the file."""


def shipped_program(name: str) -> Path:
    """A program file that comes with the distribution, from a checkout or an installed package."""
    here = Path(__file__).parent
    for folder in (here.parent / "programs", here / "programs"):
        if (path := folder / f"{name}.yaml").exists():
            return path
    raise FileNotFoundError(f"{name}.yaml is not part of this installation")


def check_program(text: str) -> Verdict:
    """Every fault that any of the services finds."""
    examinations = [examine(text, import_module(SECTIONS[name]).SECTION) for name in SERVICES]
    faults = {fault for examination in examinations for fault in examination.faults}
    return Verdict(
        program_id=examinations[0].program_id,
        revision_id=examinations[0].revision_id,
        faults=in_file_order(faults),
    )


def in_file_order(faults: set[ProgramFault]) -> tuple[ProgramFault, ...]:
    """The faults as they come in the file."""
    return tuple(sorted(faults, key=lambda fault: (fault.line, fault.column, fault.path)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A program file to be put in force."""

    text: str
    verdict: Verdict
    effective_time: datetime | None = None
    """From when on; None means from now on."""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a service did with a program file."""

    service: str
    revision_id: str
    applied: bool
    """False when this very file was in force there already."""


async def apply_program(connections: Connections, proposal: Proposal) -> Sequence[Application]:
    """Store the file in all three services, where it is not in force already."""
    return [await apply_to(name, channel, proposal) for name, channel in connections.items()]


async def apply_to(service: str, channel: grpc.aio.Channel, proposal: Proposal) -> Application:
    """Store the file in one service."""
    revision_id = proposal.verdict.revision_id
    if proposal.effective_time is None and await in_force(channel, proposal.verdict):
        return Application(service=service, revision_id=revision_id, applied=False)
    request = ApplyRevisionRequest(request_id=proposal.request_id, source=proposal.text)
    if proposal.effective_time:
        request.effective_time.CopyFrom(timestamp(proposal.effective_time))
    answer = await ProgramServiceStub(channel).ApplyRevision(request, timeout=APPLY_DEADLINE)
    return Application(service=service, revision_id=revision_id, applied=not answer.replayed)


async def in_force(channel: grpc.aio.Channel, verdict: Verdict) -> bool:
    """Whether the service applies this very file at present."""
    try:
        answer = await ProgramServiceStub(channel).GetRevision(
            GetRevisionRequest(program_id=verdict.program_id), timeout=READ_DEADLINE
        )
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return False
        raise
    return answer.revision.revision_id == verdict.revision_id


async def read_program(connections: Connections, program_id: str) -> Program:
    """The program as benefits applies it at present."""
    answer = await ProgramServiceStub(connections.benefits).GetRevision(
        GetRevisionRequest(program_id=program_id), timeout=READ_DEADLINE
    )
    return load_program(answer.revision.source)
