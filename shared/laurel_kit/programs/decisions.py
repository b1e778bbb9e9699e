"""What applying a program file does: the rule, pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from laurel_kit.programs.errors import RevisionOutOfOrder
from laurel_kit.requests import RequestIdReused

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""From when the first revision of a program holds by default: facts of the past need rules too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """A program file as it was applied."""

    program_id: str
    effective_time: datetime
    revision_id: str
    apply_time: datetime
    request_id: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRevision:
    """A program file without faults that is to be stored."""

    request_id: str
    program_id: str
    revision_id: str
    source: str
    effective_time: datetime | None
    """None: now, or for the first revision the beginning of all time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The outcome: the revision that holds, and whether it was there before."""

    revision: StoredRevision
    replayed: bool


def decide_revision(
    command: ApplyRevision,
    *,
    of_request: StoredRevision | None,
    latest: StoredRevision | None,
    at_time: StoredRevision | None,
    now: datetime,
) -> Application:
    """Store the file as a revision, or answer with the one it has become before.

    `of_request` is what the request id has stored, `latest` the program's revision with the latest
    effective time, `at_time` the one at the time the command names. Raises RequestIdReused and
    RevisionOutOfOrder.
    """
    if of_request:
        return Application(revision=same_request(command, of_request), replayed=True)
    if earlier := same_file(command, latest=latest, at_time=at_time, now=now):
        return Application(revision=earlier, replayed=True)
    effective_time = command.effective_time or (now if latest else BEGINNING)
    if latest and effective_time <= latest.effective_time:
        raise RevisionOutOfOrder(latest_effective_time=latest.effective_time)
    return Application(revision=new_revision(command, effective_time, now), replayed=False)


def same_request(command: ApplyRevision, earlier: StoredRevision) -> StoredRevision:
    """What the request id has stored, if it was asked to store the same."""
    differences = []
    if command.revision_id != earlier.revision_id:
        differences.append("source")
    if command.effective_time not in {None, earlier.effective_time}:
        differences.append("effective_time")
    if differences:
        raise RequestIdReused(request_id=command.request_id, mismatched_fields=tuple(differences))
    return earlier


def same_file(
    command: ApplyRevision,
    *,
    latest: StoredRevision | None,
    at_time: StoredRevision | None,
    now: datetime,
) -> StoredRevision | None:
    """The revision that the same file has become under another request id, if any.

    Without an effective time that is the latest one, if it holds already: applying the file that is
    in force changes nothing.
    """
    earlier = at_time if command.effective_time else latest
    if earlier and earlier.revision_id == command.revision_id:
        return earlier if command.effective_time or earlier.effective_time <= now else None
    return None


def new_revision(command: ApplyRevision, effective_time: datetime, now: datetime) -> StoredRevision:
    """The revision that is to be stored."""
    return StoredRevision(
        program_id=command.program_id,
        effective_time=effective_time,
        revision_id=command.revision_id,
        apply_time=now,
        request_id=command.request_id,
        source=command.source,
    )
