"""What a service's error says to the person at the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A failed call, read back from its status details."""

    code: str
    reason: str
    message: str
    metadata: Mapping[str, str]
    violations: tuple[str, ...]
    """What is wrong with which field, when the request itself was."""

    @property
    def unreachable(self) -> bool:
        """Whether nobody answered, rather than somebody refusing."""
        return self.code == grpc.StatusCode.UNAVAILABLE.name and not self.reason

    def sentence(self) -> str:
        """The refusal for people."""
        named = f"{self.code} {self.reason}".strip()
        return "\n".join([f"{named}: {self.message}", *(f"  {each}" for each in self.violations)])

    def as_json(self) -> dict[str, object]:
        """The refusal for programs."""
        return asdict(self)


def read_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    """Unpack ErrorInfo and BadRequest; an error that carries neither keeps its code and text."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        for known in (info, bad_request):
            if detail.Is(known.DESCRIPTOR):
                detail.Unpack(known)
    return Refusal(
        code=error.code().name,
        reason=info.reason,
        message=error.details() or "",
        metadata=dict(info.metadata),
        violations=tuple(
            f"{each.field}: {each.description}" for each in bad_request.field_violations
        ),
    )
