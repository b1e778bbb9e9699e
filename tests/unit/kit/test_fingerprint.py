"""Whether two requests say the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.program.v1.program_service_pb2 import (
    ApplyRevisionRequest,
    GetRevisionResponse,
    ListRevisionsResponse,
    Revision,
)
from laurel_kit.fingerprint import (
    Fingerprint,
    content_digest,
    fingerprint,
    mismatched_fields,
)


def request(**fields: object) -> ApplyRevisionRequest:
    return ApplyRevisionRequest(**{"request_id": "r-1", "source": "a: 1", **fields})


def test_the_same_content_is_the_same_under_any_request_id() -> None:
    assert fingerprint(request()) == fingerprint(request(request_id="r-2"))
    assert fingerprint(request()) != fingerprint(request(source="a: 2"))


def test_more_fields_may_be_left_out() -> None:
    without = ("request_id", "source")
    assert fingerprint(request(), without=without) == fingerprint(
        request(source="other"), without=without
    )


@pytest.mark.parametrize(
    ("later", "paths"),
    [
        ({}, ()),
        ({"source": "a: 2"}, ("source",)),
        ({"effective_time": Timestamp(seconds=1)}, ("effective_time",)),
        ({"source": "", "effective_time": Timestamp()}, ("effective_time", "source")),
    ],
)
def test_fields_that_differ_are_named(later: dict[str, object], paths: tuple[str, ...]) -> None:
    earlier, other = fingerprint(request()).encoded, fingerprint(request(**later)).encoded
    assert mismatched_fields(earlier, other) == paths
    assert mismatched_fields(other, earlier) == paths


def test_fields_within_messages_are_named_and_lists_are_whole() -> None:
    first = ListRevisionsResponse(revisions=[Revision(program_id="a")])
    second = ListRevisionsResponse(revisions=[Revision(program_id="b")])
    pair = [fingerprint(each).encoded for each in (first, second)]
    assert mismatched_fields(*pair) == ("revisions",)


def test_a_nested_field_is_named_by_its_path() -> None:
    instant = Timestamp()
    instant.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    first = GetRevisionResponse(revision=Revision(program_id="a", apply_time=instant))
    second = GetRevisionResponse(revision=Revision(program_id="b", apply_time=instant))
    pair = [fingerprint(each).encoded for each in (first, second)]
    assert mismatched_fields(*pair) == ("revision.program_id",)


def test_a_fingerprint_comes_back_from_its_bytes() -> None:
    made = fingerprint(request(effective_time=Timestamp(seconds=5)))
    read = Fingerprint.decode(made.encoded)
    assert read == made
    assert read.fields == made.fields
    assert set(read.fields) == {"source", "effective_time"}


def test_a_digest_alone_is_enough_where_rows_are_many() -> None:
    assert len(content_digest(request())) == 16
    assert content_digest(request()) != content_digest(request(request_id="r-2"))
    bare = content_digest(request(), without=("request_id",))
    assert bare == content_digest(request(request_id="r-2"), without=("request_id",))
    assert bare == fingerprint(request()).digest
