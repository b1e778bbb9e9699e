"""The handlers of the program service: validate, apply, get and list revisions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from laurel_kit.clock import Clock
from laurel_kit.database import Database
from laurel_kit.programs import storage
from laurel_kit.programs.decisions import (
    Application,
    ApplyRevision,
    StoredRevision,
    decide_revision,
)
from laurel_kit.programs.errors import ProgramInvalid, ProgramNotFound, RevisionNotFound
from laurel_kit.programs.loading import Examination, examine
from laurel_kit.programs.registry import ProgramRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """The revisions of one service's database."""

    database: Database
    clock: Clock
    registry: ProgramRegistry[Any]

    async def validate_revision(self, source: str) -> Examination[Any]:
        """Every fault of a program file; stores nothing."""
        # In a thread: reading a large file takes longer than other calls should wait.
        return await asyncio.to_thread(examine, source, self.registry.section)

    async def apply_revision(
        self, *, request_id: str, source: str, effective_time: datetime | None
    ) -> Application:
        """Store a program file. Raises ProgramInvalid, RequestIdReused, RevisionOutOfOrder."""
        examination = await self.validate_revision(source)
        if examination.faults:
            raise ProgramInvalid(examination.faults)
        command = ApplyRevision(
            request_id=request_id,
            program_id=examination.program_id,
            revision_id=examination.revision_id,
            source=source,
            effective_time=effective_time,
        )
        application = await self.database.transact(
            lambda connection: self._apply(connection, command)
        )
        self.registry.keep(examination)
        async with self.database.read() as connection:
            await self.registry.refresh(connection)
        return application

    async def _apply(self, connection: AsyncConnection, command: ApplyRevision) -> Application:
        await storage.lock_applying(connection)
        application = decide_revision(
            command,
            of_request=await storage.find_of_request(connection, command.request_id),
            latest=await storage.find_latest(connection, command.program_id),
            at_time=await storage.find_at_time(
                connection, command.program_id, command.effective_time
            ),
            now=self.clock.now(),
        )
        if not application.replayed:
            await storage.record_revision(connection, application.revision)
        return application

    async def get_revision(
        self, *, program_id: str, revision_id: str, at: datetime | None
    ) -> StoredRevision:
        """A revision by its name, or the one that holds at an instant, by default now.

        Raises RevisionNotFound, or ProgramNotFound where no revision holds then.
        """
        async with self.database.read() as connection:
            if revision_id:
                found = await storage.find_revision(connection, program_id, revision_id)
            else:
                instant = at or self.clock.now()
                found = await storage.find_latest(connection, program_id, at=instant)
        if found:
            return found
        if revision_id:
            raise RevisionNotFound(program_id=program_id, revision_id=revision_id)
        raise ProgramNotFound(program_id=program_id)

    async def list_revisions(
        self, *, program_id: str, before: datetime | None, limit: int
    ) -> tuple[Sequence[StoredRevision], datetime | None]:
        """A page, the latest effective first, and the effective time to go on from, if any."""
        async with self.database.read() as connection:
            found = await storage.list_page(connection, program_id, before=before, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].effective_time if len(found) > limit else None
