"""In which shard a member's books lie."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache

KNOWN_MAX = 20_000
"""Members whose shards are kept for a moment: each is asked for several times in a posting."""


@lru_cache(KNOWN_MAX)
def shard_of(program_id: str, member_id: str, *, shards: int) -> int:
    """The shard of everything of a member. Fixed for ever once books exist."""
    return zlib.crc32(f"{program_id}/{member_id}".encode()) % shards


def shards_of(program_id: str, member_ids: Iterable[str], *, shards: int) -> list[int]:
    """The same for many members of a program."""
    prefix = zlib.crc32(f"{program_id}/".encode())
    return [zlib.crc32(member_id.encode(), prefix) % shards for member_id in member_ids]
