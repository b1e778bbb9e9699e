"""Messages of the program service from and to values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.program.v1 import program_service_pb2 as pb

from laurel_kit.pages import PageTokenInvalid, PageTokens
from laurel_kit.programs.decisions import Application, StoredRevision
from laurel_kit.programs.loading import Examination
from laurel_kit.programs.sections import ProgramFault
from laurel_kit.refusals import RequestInvalid, Violation


def read_instant(message: Message, field: str) -> datetime | None:
    """The instant in a field, None where it is not set. Raises RequestInvalid."""
    if not message.HasField(field):
        return None
    try:
        instant: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    except ValueError as fault:
        raise RequestInvalid([Violation(field, str(fault))]) from fault
    return instant


def read_cursor(tokens: PageTokens, page_token: str) -> datetime | None:
    """The effective time to go on from, None for the first page. Raises PageTokenInvalid."""
    cursor = tokens.decode(page_token, str)
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(str(cursor[0]))
    except ValueError as damage:
        raise PageTokenInvalid from damage


def write_validated(examination: Examination[Any]) -> pb.ValidateRevisionResponse:
    """What the check of a file found."""
    return pb.ValidateRevisionResponse(
        program_id=examination.program_id,
        revision_id=examination.revision_id,
        faults=[write_fault(fault) for fault in examination.faults],
    )


def write_fault(fault: ProgramFault) -> pb.ProgramFault:
    """A fault of a file."""
    return pb.ProgramFault(
        path=fault.path, line=fault.line, column=fault.column, message=fault.message
    )


def write_applied(application: Application) -> pb.ApplyRevisionResponse:
    """The stored revision; its source is what the caller has just sent."""
    return pb.ApplyRevisionResponse(
        revision=write_revision(application.revision), replayed=application.replayed
    )


def write_listed(
    revisions: Sequence[StoredRevision], go_on: datetime | None, tokens: PageTokens
) -> pb.ListRevisionsResponse:
    """A page of revisions."""
    return pb.ListRevisionsResponse(
        revisions=[write_revision(revision) for revision in revisions],
        next_page_token=tokens.encode([go_on.isoformat()] if go_on else None),
    )


def write_revision(revision: StoredRevision, *, source: str = "") -> pb.Revision:
    """A revision, without its source where none is given."""
    return pb.Revision(
        program_id=revision.program_id,
        revision_id=revision.revision_id,
        effective_time=write_instant(revision.effective_time),
        apply_time=write_instant(revision.apply_time),
        source=source,
    )


def write_instant(instant: datetime) -> Timestamp:
    """An instant as a Timestamp."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message
