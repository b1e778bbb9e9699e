"""Refusals of the program service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class ProgramError(Exception):
    """Parent of the refusals that have to do with programs."""


@dataclass(eq=False, kw_only=True)
class ProgramNotFound(ProgramError):
    """No revision of the program has been applied here, or none holds at that time."""

    program_id: str


@dataclass(eq=False, kw_only=True)
class RevisionNotFound(ProgramError):
    """The program has no such revision."""

    program_id: str
    revision_id: str


@dataclass(eq=False, kw_only=True)
class RevisionOutOfOrder(ProgramError):
    """A revision with the same or a later effective time exists."""

    latest_effective_time: datetime
