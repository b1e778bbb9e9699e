"""What a service hands to the kit to have its part of a program file understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from laurel.program.v1.program_pb2 import Program

Model = TypeVar("Model", covariant=True)  # noqa: PLC0105  # The plain name is what readers look for.


@dataclass(frozen=True, slots=True)
class ProgramFault:
    """One thing wrong with a program file.

    `path` is written as in the file: `scoring.models[0].levels[2].from_score`. `line` and `column`
    count from 1; a section leaves them 0, the kit finds them by the path.
    """

    path: str
    message: str
    line: int = 0
    column: int = 0

    def at(self, line: int, column: int) -> ProgramFault:
        """The same fault with its place in the file."""
        return replace(self, line=line, column=column)


class ProgramFaults(Exception):  # Plural of a thing, raised whole.
    """Everything wrong with a program file, at least one fault."""

    def __init__(self, faults: Sequence[ProgramFault]) -> None:
        assert faults, "a file without faults is not refused"
        super().__init__("\n".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class ProgramSection(Protocol[Model]):
    """A service's understanding of a program: how its section becomes the model its rules use."""

    name: str
    """The section's key in the file: `ledger`, `scoring` or `benefits`."""

    def compile(self, program: Program) -> Model:
        """The model of this service, a pure function of the message.

        The message is right by the rules of its contract. Raises ProgramFaults with all further
        faults at once, each with the path of the field in the file.
        """
        ...
