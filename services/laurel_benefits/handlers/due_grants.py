"""Grants that are paid some time after the completion of their order (D10, F11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.handlers.carrying_out import relay_order
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import orders


@dataclass(slots=True, kw_only=True)
class DueGrants:
    """Orders whose grants fall due, for the scheduler."""

    resources: Resources
    name: str = "order_grants"

    async def next_due(self) -> datetime | None:
        """When the next order is to be paid; None when none waits."""
        async with self.resources.database.read() as connection:
            return await orders.next_grant_due(connection)

    async def run_due(self, now: datetime, limit: int) -> int:
        """Pay at most `limit` orders that are due; the relay goes on with what is interrupted."""
        attempt_time = self.resources.machine_clock.now() + self.resources.limits.relay_delay

        async def claim(connection: Connection) -> Sequence[OrderKey]:
            return await orders.claim_due(
                connection, now=now, attempt_time=attempt_time, limit=limit
            )

        claimed = await self.resources.database.transact(claim)
        for key in claimed:
            await relay_order(key, self.resources)
        return len(claimed)
