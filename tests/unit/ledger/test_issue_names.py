"""The names of the transactions that IssuePoints posts."""

from __future__ import annotations

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st
from laurel_ledger.handlers.bulk import NAMES, name_of


@given(st.text())
def test_a_name_is_the_uuid_that_the_contract_tells_of(name: str) -> None:
    assert name_of(name) == str(uuid5(NAMES, name))
