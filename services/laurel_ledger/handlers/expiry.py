"""The sweeper: posts what is due to expire in accounts that nobody touches (E19, E21)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.posting import DueAccount, Group
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import list_due, next_due_time

LANE_SHARE = 4
"""Of a lane's batch a quarter at most is what is due; callers have the rest."""


@dataclass(slots=True, kw_only=True)
class LotExpiry:
    """Due expiries as timers of the kit. Balances are exact without it; it makes the books so."""

    ledger: Ledger
    name: str = "lot-expiry"

    async def next_due(self) -> datetime | None:
        """When points of any member become void next."""
        async with self.ledger.connections.use() as connection:
            return await next_due_time(connection)

    async def run_due(self, now: datetime, limit: int) -> int:
        """Post what is due in up to `limit` accounts, through the lanes like everything else."""
        async with self.ledger.connections.use() as connection:
            due = await list_due(connection, now, limit=limit)
        share = max(1, self.ledger.settings.batch_max // LANE_SHARE)
        for first in range(0, len(due), share):
            await self._post(due[first : first + share], now)
        return len(due)

    async def _post(self, due: Sequence[tuple[int, AccountKey]], now: datetime) -> None:
        """Post what is due in some accounts, of all shards at once: those of a lane share a commit,
        where one shard after the other would have had a commit of its own.
        """
        by_shard: dict[int, list[DueAccount]] = defaultdict(list)
        for shard_id, key in due:
            terms = await self.ledger.terms_at(key.program_id, now)
            by_shard[shard_id].append(DueAccount(key=key, program_revision=terms.revision_id))
        engine, time_left = self.ledger.engine, self.ledger.time_left()
        await asyncio.gather(
            *(
                engine.expire(Group(due=tuple(accounts)), shard_id=shard_id, time_left=time_left)
                for shard_id, accounts in by_shard.items()
            )
        )
