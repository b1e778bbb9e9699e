"""The compiled revisions of every program, in memory, chosen by the instant of a fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from laurel_kit.programs.sections import ProgramSection
from sqlalchemy.ext.asyncio import AsyncConnection

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Generic[Model]):
    """A revision as the rules of one service see it."""

    program_id: str
    revision_id: str
    effective_time: datetime
    time_zone: ZoneInfo
    model: Model


class ProgramRegistry(Generic[Model]):
    """Compiled revisions over the table `program_revision`."""

    def __init__(self, section: ProgramSection[Model]) -> None:
        self.section = section
        self._revisions: dict[str, tuple[Revision[Model], ...]] = {}

    async def at(
        self, connection: AsyncConnection, program_id: str, instant: datetime
    ) -> Revision[Model]:
        """The revision that holds for a fact of that instant; ProgramNotFound when there is none."""
        raise AssertionError

    async def latest(
        self, connection: AsyncConnection, program_id: str, instant: datetime
    ) -> Revision[Model]:
        """The same, after a look into the table: what another process has applied counts at once."""
        raise AssertionError
