"""Refusals that have to do with programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.programs.sections import ProgramFault


class ProgramError(Exception):
    """Parent of the refusals that have to do with programs."""


class ProgramInvalid(ProgramError):
    """A program file has faults: `faults` is their number, `listing` says each."""

    def __init__(self, listing: Sequence[ProgramFault]) -> None:
        assert listing, "a file without faults is not refused"
        super().__init__("\n".join(f"{fault.path}: {fault.message}" for fault in listing))
        self.listing = tuple(listing)
        self.faults = len(self.listing)


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
