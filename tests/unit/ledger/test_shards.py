"""Where the books of a member lie, asked for one or for many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from laurel_ledger.domain.shards import shard_of, shards_of


@given(members=st.lists(st.text(max_size=64)), shards=st.integers(1, 64))
def test_many_members_lie_where_each_of_them_does(members: list[str], shards: int) -> None:
    each = [shard_of("jd", member, shards=shards) for member in members]
    assert shards_of("jd", members, shards=shards) == each
