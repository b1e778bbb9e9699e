"""From the text of a program file to a checked program and a service's model of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.descriptor import Descriptor
from laurel.program.v1.program_pb2 import Program

from laurel_kit.programs.contract_rules import broken_rules
from laurel_kit.programs.paths import names_of, parent_of
from laurel_kit.programs.sections import ProgramFault, ProgramFaults, ProgramSection
from laurel_kit.programs.strict_yaml import Reading, read_message

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination(Generic[Model]):
    """What a program file is, as one service understands it."""

    program_id: str
    """Empty where the file does not say it."""
    revision_id: str
    time_zone: str
    """The zone of its business days; known to exist where there are no faults."""
    faults: tuple[ProgramFault, ...]
    """In the order of the file."""
    model: Model | None
    """Never None where there are no faults."""


def load_program(text: str) -> Program:
    """The program in the text, right by its contract. Raises ProgramFaults with every fault."""
    reading = read_program(text)
    if reading.faults:
        raise ProgramFaults(in_order(reading.faults))
    return reading.message


def examine(text: str, section: ProgramSection[Model]) -> Examination[Model]:
    """Every fault of the text, those that the service finds included, and the service's model.

    A section is compiled even where the file has other faults, so that one round shows them all.
    """
    reading = read_program(text)
    model = compile_section(reading, section)
    return Examination(
        program_id=reading.message.program_id,
        revision_id=revision_id_of(text),
        time_zone=reading.message.time_zone,
        faults=in_order(reading.faults),
        model=model,
    )


def revision_id_of(text: str) -> str:
    """The name of the file as a revision: the digest of the whole text."""
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def read_program(text: str) -> Reading[Program]:
    """The program with the faults of its text and of its contract."""
    reading = read_message(text, Program())
    for fault in list(broken_rules(reading.message)):
        add_broken_rule(reading, fault)
    zone = reading.message.time_zone
    if zone and not known_zone(zone):
        reading.add(ProgramFault("time_zone", "is no zone of the IANA database"))
    # What later checks say of a value that breaks its contract is the same mistake again.
    reading.stand_ins.update(fault.path for fault in reading.faults if fault.path)
    return reading


def add_broken_rule(reading: Reading[Program], fault: ProgramFault) -> None:
    """Add what a rule of the contract says, in other words where the key is not in the file."""
    if fault.path in reading.places:
        reading.add(fault)
    elif not (is_choice(fault.path) and parent_of(fault.path) in reading.strangers):
        # An unknown key in the place of a choice is the mistake, not that nothing was chosen.
        reading.add(replace(fault, message=f"is missing: {fault.message}"))


def is_choice(path: str) -> bool:
    """Whether the path ends in the name of a oneof, which no file writes."""
    message: Descriptor | None = Program.DESCRIPTOR
    for name in names_of(path)[:-1]:
        field = message.fields_by_name.get(name) if message else None
        message = field.message_type if field else None
        if message and message.GetOptions().map_entry:
            message = message.fields_by_name["value"].message_type
    return message is not None and names_of(path)[-1] in message.oneofs_by_name


def compile_section(reading: Reading[Program], section: ProgramSection[Model]) -> Model | None:
    """The service's model; its faults are added to the reading."""
    try:
        return section.compile(reading.message)
    except ProgramFaults as refusal:
        for fault in refusal.faults:
            reading.add(fault)
    except Exception:
        # A section is promised a message that is right by its contract. Where this one is not,
        # the faults of the contract say so already.
        if not reading.faults:
            raise
    return None


def known_zone(name: str) -> bool:
    """Whether business days can be told in the zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def in_order(faults: list[ProgramFault]) -> tuple[ProgramFault, ...]:
    """The faults as they come in the file."""
    return tuple(sorted(faults, key=lambda fault: (fault.line, fault.column, fault.path)))
