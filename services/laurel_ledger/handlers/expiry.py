"""The sweeper: posts what is due to expire in accounts that nobody touches (E19, E21)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.posting import DueAccount, Group
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import list_due, next_due_time


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
        by_shard: dict[int, list[DueAccount]] = defaultdict(list)
        for shard_id, key in due:
            terms = await self.ledger.terms_at(key.program_id, now)
            by_shard[shard_id].append(DueAccount(key=key, program_revision=terms.revision_id))
        for shard_id, accounts in by_shard.items():
            await self.ledger.engine.expire(
                Group(due=tuple(accounts)), shard_id=shard_id, time_left=self.ledger.time_left()
            )
        return len(due)
