"""Commit tokens: which commits a caller has seen."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import Transaction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def commit_token(transactions: Iterable[Transaction], *, shards: int) -> str:
    """The latest commit in each shard, opaque to callers: `shard.microseconds`, joined.

    Commit times strictly increase within a shard, so they name commits there.
    """
    latest: dict[int, datetime] = {}
    for each in transactions:
        shard_id = shard_of(each.key.program_id, each.key.member_id, shards=shards)
        earlier = latest.get(shard_id)
        if earlier is None or earlier < each.commit_time:
            latest[shard_id] = each.commit_time
    parts = [f"{shard}.{(latest[shard] - EPOCH) // MICROSECOND}" for shard in sorted(latest)]
    return base64.urlsafe_b64encode("-".join(parts).encode()).rstrip(b"=").decode()
