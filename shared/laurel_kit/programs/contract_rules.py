"""The rules of the contract (`buf.validate`) as faults of a program file."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from laurel_kit.interceptors.validation import collect, violation_of
from laurel_kit.programs.sections import ProgramFault


def broken_rules(message: Message) -> Iterator[ProgramFault]:
    """Every rule of the contract the message breaks, without places in the file."""
    for found in collect(message):
        violation = violation_of(found.proto)
        # The zero value of an enum stands for none; the rule's own words would be about numbers.
        unset = violation.rule == "enum.not_in"
        yield ProgramFault(violation.field, "a word is wanted" if unset else violation.description)
