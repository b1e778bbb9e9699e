"""The names of writes, which every contract of this service carries alike."""

from __future__ import annotations

from google.protobuf.message import Message
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.ids import MemberId, ProgramId, RequestId
from laurel_benefits.handlers.repeats import WriteKey


def read_write_key(request: Message) -> WriteKey:
    """The write a request names; its method is that of the request's kind."""
    member_id = getattr(request, "member_id", None)
    return WriteKey(
        program_id=ProgramId(getattr(request, "program_id", "")),
        member_id=None if member_id is None else MemberId(member_id),
        request_id=RequestId(getattr(request, "request_id", "")),
        method=request.DESCRIPTOR.name.removesuffix("Request"),
        fingerprint=fingerprint(request).encoded,
    )
