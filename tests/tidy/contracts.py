"""The contracts as their descriptors say them: every service, RPC and message of `laurel`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
)
from laurel.auth.v1 import scope_pb2

from tests.tidy.tree import ROOT, snake

NO_SIDE_EFFECTS = 1


@dataclass(frozen=True)
class Rpc:
    """One method of one service."""

    method: MethodDescriptor

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def snake(self) -> str:
        return snake(self.name)

    @property
    def service(self) -> str:
        return self.method.containing_service.name

    @property
    def package(self) -> str:
        """`ledger` for `laurel.ledger.v1`."""
        return self.method.containing_service.file.package.split(".")[1]

    @property
    def scope(self) -> str:
        return self.method.GetOptions().Extensions[scope_pb2.scope]

    @property
    def reads(self) -> bool:
        return self.method.GetOptions().idempotency_level == NO_SIDE_EFFECTS

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


@cache
def contract_files() -> tuple[FileDescriptor, ...]:
    """Every generated contract of the tree, by name."""
    shared = ROOT / "shared"
    modules = sorted(shared.glob("laurel/*/v1/*_pb2.py"))
    names = [path.relative_to(shared).with_suffix("").as_posix() for path in modules]
    return tuple(importlib.import_module(name.replace("/", ".")).DESCRIPTOR for name in names)


@cache
def rpcs() -> tuple[Rpc, ...]:
    """Every RPC of every service of the suite."""
    services = [service for file in contract_files() for service in file.services_by_name.values()]
    return tuple(Rpc(method) for service in services for method in service.methods)


def requests() -> tuple[Descriptor, ...]:
    """The request messages of all RPCs, each once."""
    return tuple(
        {rpc.method.input_type.full_name: rpc.method.input_type for rpc in rpcs()}.values()
    )


def fields_within(message: Descriptor, seen: set[str] | None = None) -> Iterator[FieldDescriptor]:
    """Every field of our own messages that a caller can fill in `message`."""
    visited = set() if seen is None else seen
    if message.full_name in visited:
        return
    visited.add(message.full_name)
    for field in message.fields:
        yield field
        inner = field.message_type
        if inner and inner.full_name.startswith("laurel.") and not is_map(field):
            yield from fields_within(inner, visited)


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


@dataclass(frozen=True)
class Reason:
    """An error reason as its comment promises it."""

    name: str
    number: int
    code: str
    metadata: frozenset[str]


@cache
def reasons() -> tuple[Reason, ...]:
    """The reasons of errors with the code and the metadata that their comments name."""
    text = (ROOT / "protos/laurel/type/v1/error_reason.proto").read_text()
    return tuple(parse_reasons(text))


def parse_reasons(text: str) -> Iterator[Reason]:
    """Read comment, name and number of every value of the enum."""
    body = text[text.index("enum ErrorReason") :]
    for found in re.finditer(r"((?:^ *//.*\n)+) *ERROR_REASON_(\w+) = (\d+);", body, re.MULTILINE):
        comment = re.sub(r"^ *// ?", "", found[1], flags=re.MULTILINE)
        example = re.search(r"`(\{.*?\})`", comment, re.DOTALL)
        code = re.match(r"[A-Z_]+(?=[.,])", comment)
        yield Reason(
            name=found[2],
            number=int(found[3]),
            code=code[0] if code else "",
            metadata=frozenset(re.findall(r'"(\w+)":', example[1])) if example else frozenset(),
        )
