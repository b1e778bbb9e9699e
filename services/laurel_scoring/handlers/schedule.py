"""The clock's part of settlements: each month of each model falls due, in order."""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.errors import ProgramNotFound

from laurel_scoring.domain.settlements import SettlementState
from laurel_scoring.handlers.due_months import Due, due_after
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.settlements import begin, settle_next
from laurel_scoring.storage.settlements import Beginning, read_beginnings


class SettlementSource:
    """A source of due rows for the scheduler: the settlements of all programs.

    The first one of a program is that after it was applied here; earlier months are settled on
    request. What was due while no process ran is made up for, month by month.
    """

    name = "settlements"

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def next_due(self) -> datetime | None:
        """When the next settlement is due; in the past while one is running."""
        due = await self._next()
        return due.time if due else None

    async def run_due(self, now: datetime, limit: int) -> int:
        """Settle members of the earliest settlement that is due, up to about `limit` of them."""
        due = await self._next()
        if due is None or due.time > now:
            return 0
        settlement = await begin(due.key, "", resources=self._resources)
        handled = 0
        while settlement.state is SettlementState.RUNNING and handled < limit:
            before = settlement.members_done
            settlement = await settle_next(due.key, resources=self._resources)
            # The last step settles nobody and still is one.
            handled += max(settlement.members_done - before, 1)
        return handled

    async def _next(self) -> Due | None:
        """The earliest settlement that is not published yet."""
        resources = self._resources
        async with resources.database.read() as connection:
            dues = [
                due
                for beginning in await read_beginnings(connection)
                for due in await dues_of(connection, beginning, resources)
            ]
        return min(dues, default=None)


async def dues_of(connection: Connection, beginning: Beginning, resources: Resources) -> list[Due]:
    """The next settlement of each model of a program that has a schedule."""
    now = resources.clock.now()
    try:
        revision = await resources.programs.latest(connection, beginning.program_id, now)
    except ProgramNotFound:
        # Applied ahead of its time: no revision of the program holds yet.
        return []
    found = []
    for model in revision.model.models:
        if model.settlement_day is not None:
            due = await due_after(connection, beginning, model.model_id, revision, resources)
            if due is not None:
                found.append(due)
    return found
