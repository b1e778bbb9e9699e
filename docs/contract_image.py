"""The contracts with their comments, as the reference pages need them.

Comments are no part of generated code; they come from a descriptor image, which
`protos/generate.py --image` makes from the sources.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).resolve().parents[1]

# Numbers of fields in descriptor.proto: the path of a comment is made of them and of positions.
MESSAGES, ENUMS, SERVICES = 4, 5, 6
FIELDS_OF_MESSAGE, MESSAGES_OF_MESSAGE, ENUMS_OF_MESSAGE = 2, 3, 4
VALUES_OF_ENUM = METHODS_OF_SERVICE = 2

Path_ = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A message, field, enum, value, service or method, with its comment."""

    name: str
    """With its package: `laurel.ledger.v1.Lot`; of fields, values and methods the last word."""
    proto: Any
    comment: str
    parts: tuple[Part, ...] = ()
    """Fields of a message, values of an enum, methods of a service."""


@dataclass(frozen=True)
class Contracts:
    """All contracts of the suite by full name, in the order of the files."""

    messages: dict[str, Part] = field(default_factory=dict)
    enums: dict[str, Part] = field(default_factory=dict)
    services: dict[str, Part] = field(default_factory=dict)


@cache
def contracts() -> Contracts:
    """The contracts as they stand in `protos/`."""
    found = Contracts()
    for file in image().file:
        if file.package.startswith("laurel."):
            add_file(found, file)
    return found


def image() -> FileDescriptorSet:
    """The descriptor image, with source information."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "contracts.binpb"
        command = [sys.executable, str(ROOT / "protos/generate.py"), "--image", str(path)]
        subprocess.run(command, check=True)  # noqa: S603  # A script of this tree.
        return FileDescriptorSet.FromString(path.read_bytes())


def add_file(found: Contracts, file: FileDescriptorProto) -> None:
    """Add everything a file declares."""
    comments = comments_of(file)
    for number, service in enumerate(file.service):
        path = (SERVICES, number)
        methods = children(service.method, (*path, METHODS_OF_SERVICE), comments)
        name = f"{file.package}.{service.name}"
        found.services[name] = Part(name, service, comments.get(path, ""), methods)
    for number, message in enumerate(file.message_type):
        add_message(found, message, file.package, (MESSAGES, number), comments)
    for number, enum in enumerate(file.enum_type):
        add_enum(found, enum, file.package, (ENUMS, number), comments)


def add_message(
    found: Contracts, message: Any, scope: str, path: Path_, comments: dict[Path_, str]
) -> None:
    """Add a message and what is declared inside it."""
    name = f"{scope}.{message.name}"
    fields = children(message.field, (*path, FIELDS_OF_MESSAGE), comments)
    found.messages[name] = Part(name, message, comments.get(path, ""), fields)
    for number, inner in enumerate(message.nested_type):
        add_message(found, inner, name, (*path, MESSAGES_OF_MESSAGE, number), comments)
    for number, enum in enumerate(message.enum_type):
        add_enum(found, enum, name, (*path, ENUMS_OF_MESSAGE, number), comments)


def add_enum(
    found: Contracts, enum: Any, scope: str, path: Path_, comments: dict[Path_, str]
) -> None:
    """Add an enum with its values."""
    name = f"{scope}.{enum.name}"
    values = children(enum.value, (*path, VALUES_OF_ENUM), comments)
    found.enums[name] = Part(name, enum, comments.get(path, ""), values)


def children(protos: Any, path: Path_, comments: dict[Path_, str]) -> tuple[Part, ...]:
    """The parts of a message, enum or service."""
    return tuple(
        Part(proto.name, proto, comments.get((*path, number), ""))
        for number, proto in enumerate(protos)
    )


def comments_of(file: FileDescriptorProto) -> dict[Path_, str]:
    """The leading comment of everything in the file."""
    return {
        tuple(location.path): location.leading_comments.strip("\n")
        for location in file.source_code_info.location
        if location.leading_comments
    }


def paragraphs(comment: str) -> Iterator[str]:
    """The paragraphs of a comment, each in one line."""
    for paragraph in "\n".join(line.strip() for line in comment.splitlines()).split("\n\n"):
        yield " ".join(paragraph.split())


def in_cell(comment: str) -> str:
    """A comment for a cell of a table."""
    return " ".join(paragraphs(comment)).replace("|", "\\|")
