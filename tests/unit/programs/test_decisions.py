"""Applying a program file: what is stored, what is replayed, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_kit.programs.decisions import (
    BEGINNING,
    Application,
    ApplyRevision,
    StoredRevision,
    decide_revision,
)
from laurel_kit.programs.errors import RevisionOutOfOrder
from laurel_kit.requests import RequestIdReused

NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
MOMENT = timedelta(microseconds=1)
COMMAND = ApplyRevision(
    request_id="r-1", program_id="jd", revision_id="sha256:new", source="new", effective_time=None
)
OLD = StoredRevision(
    program_id="jd",
    effective_time=NOW - timedelta(days=1),
    revision_id="sha256:old",
    apply_time=NOW - timedelta(days=1),
    request_id="r-0",
    source="old",
)
SAME = replace(OLD, revision_id="sha256:new", source="new")


def decide(
    command: ApplyRevision = COMMAND,
    *,
    of_request: StoredRevision | None = None,
    latest: StoredRevision | None = None,
    at_time: StoredRevision | None = None,
) -> Application:
    return decide_revision(command, of_request=of_request, latest=latest, at_time=at_time, now=NOW)


@pytest.mark.parametrize(
    ("latest", "asked", "effective_time"),
    [
        (None, None, BEGINNING),
        (None, LATER, LATER),
        (OLD, None, NOW),
        (OLD, LATER, LATER),
        (OLD, OLD.effective_time + MOMENT, OLD.effective_time + MOMENT),
        (replace(OLD, effective_time=NOW - MOMENT), None, NOW),
    ],
)
def test_a_revision_holds_from_the_time_asked_or_now_and_the_first_one_for_ever(
    latest: StoredRevision | None, asked: datetime | None, effective_time: datetime
) -> None:
    application = decide(replace(COMMAND, effective_time=asked), latest=latest)
    assert not application.replayed
    assert application.revision == StoredRevision(
        program_id="jd",
        effective_time=effective_time,
        revision_id="sha256:new",
        apply_time=NOW,
        request_id="r-1",
        source="new",
    )


@pytest.mark.parametrize(
    ("latest_time", "asked"),
    [
        (NOW - timedelta(days=1), NOW - timedelta(days=1)),
        (NOW - timedelta(days=1), BEGINNING),
        (LATER, NOW),
        (NOW, None),
        (LATER, None),
    ],
)
def test_a_revision_that_would_not_be_the_latest_is_refused(
    latest_time: datetime, asked: datetime | None
) -> None:
    latest = replace(OLD, effective_time=latest_time)
    at_time = latest if asked == latest_time else None
    with pytest.raises(RevisionOutOfOrder) as refusal:
        decide(replace(COMMAND, effective_time=asked), latest=latest, at_time=at_time)
    assert refusal.value.latest_effective_time == latest_time


@pytest.mark.parametrize("asked", [None, SAME.effective_time])
def test_a_repeat_of_a_request_is_given_what_the_first_one_stored(asked: datetime | None) -> None:
    later = replace(OLD, effective_time=LATER)
    application = decide(replace(COMMAND, effective_time=asked), of_request=SAME, latest=later)
    assert application == Application(revision=SAME, replayed=True)


@pytest.mark.parametrize(
    ("earlier", "asked", "fields"),
    [
        (OLD, None, ("source",)),
        (SAME, NOW, ("effective_time",)),
        (OLD, NOW, ("source", "effective_time")),
    ],
)
def test_a_request_id_is_not_used_for_something_else(
    earlier: StoredRevision, asked: datetime | None, fields: tuple[str, ...]
) -> None:
    with pytest.raises(RequestIdReused) as refusal:
        decide(replace(COMMAND, effective_time=asked), of_request=earlier, latest=earlier)
    assert refusal.value.mismatched_fields == fields


def test_the_same_file_at_the_same_time_is_one_revision() -> None:
    command = replace(COMMAND, effective_time=SAME.effective_time)
    assert decide(command, latest=OLD, at_time=SAME).revision == SAME


def test_the_file_that_is_in_force_is_not_stored_again() -> None:
    assert decide(latest=SAME) == Application(revision=SAME, replayed=True)


def test_a_file_that_is_to_hold_later_does_not_count_as_in_force() -> None:
    with pytest.raises(RevisionOutOfOrder):
        decide(latest=replace(SAME, effective_time=LATER))


def test_a_file_may_come_back_after_another_one() -> None:
    assert decide(replace(COMMAND, revision_id="sha256:older"), latest=SAME).replayed is False
