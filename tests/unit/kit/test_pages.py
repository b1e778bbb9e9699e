"""Page sizes and page tokens."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel.program.v1.program_service_pb2 import GetRevisionRequest, ListRevisionsRequest
from laurel_kit.pages import PageTokenInvalid, PageTokens, page_size

QUERY = ListRevisionsRequest(program_id="jd", page_size=10)
CURSORS = st.lists(st.one_of(st.none(), st.integers(), st.text()), max_size=4)


@pytest.mark.parametrize(
    ("requested", "size"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)]
)
def test_a_page_size_is_coerced(requested: int, size: int) -> None:
    assert page_size(requested) == size


def test_a_page_size_may_have_other_limits() -> None:
    assert page_size(0, default=7, maximum=9) == 7
    assert page_size(10, default=7, maximum=9) == 9


@given(CURSORS)
def test_a_token_gives_its_cursor_back(cursor: list[str | int | None]) -> None:
    tokens = PageTokens.of(QUERY)
    assert tokens.decode(tokens.encode(cursor)) == cursor


def test_no_cursor_is_the_last_page_and_no_token_the_first() -> None:
    tokens = PageTokens.of(QUERY)
    assert tokens.encode(None) == ""
    assert tokens.decode("") is None


def test_a_token_holds_for_other_page_sizes_of_its_query() -> None:
    token = PageTokens.of(QUERY).encode(["a", 1])
    following = ListRevisionsRequest(program_id="jd", page_size=500, page_token=token)
    assert PageTokens.of(following).decode(token, str, int) == ["a", 1]


@pytest.mark.parametrize(
    "other", [ListRevisionsRequest(program_id="tb"), GetRevisionRequest(program_id="jd")]
)
def test_a_token_of_another_query_is_refused(other: ListRevisionsRequest) -> None:
    token = PageTokens.of(QUERY).encode(["a"])
    with pytest.raises(PageTokenInvalid):
        PageTokens.of(other).decode(token)


@given(st.binary(max_size=60))
def test_a_damaged_token_is_refused(content: bytes) -> None:
    token = base64.urlsafe_b64encode(content or b"x").decode()
    with pytest.raises(PageTokenInvalid):
        PageTokens.of(QUERY).decode(token)


@pytest.mark.parametrize("token", ["*", "äöü", "A", "====", "AAAA BBBB"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        PageTokens.of(QUERY).decode(token)


@pytest.mark.parametrize("kinds", [(str,), (str, str), (int, int), (str, int, int)])
def test_a_cursor_of_other_kinds_is_refused(kinds: tuple[type, ...]) -> None:
    tokens = PageTokens.of(QUERY)
    token = tokens.encode(["a", 1])
    with pytest.raises(PageTokenInvalid):
        tokens.decode(token, *kinds)


def test_a_changed_letter_is_noticed() -> None:
    tokens = PageTokens.of(QUERY)
    token = tokens.encode(["a", 1])
    for index, letter in enumerate(token):
        changed = token[:index] + ("A" if letter != "A" else "B") + token[index + 1 :]
        with pytest.raises(PageTokenInvalid):
            tokens.decode(changed)
