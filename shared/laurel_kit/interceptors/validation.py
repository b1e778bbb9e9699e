"""Whether a message keeps the rules of its contract (`buf.validate`), all faults at once."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

import protovalidate
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from laurel_kit.refusals import RequestInvalid, Violation

collect = protovalidate.collect_violations


def validate(message: Message) -> Message:
    """The message, when it keeps every rule. Raises RequestInvalid with every violation."""
    if found := collect(message):
        raise RequestInvalid([violation_of(each.proto) for each in found])
    return message


async def validated(messages: AsyncIterable[Message]) -> AsyncIterator[Message]:
    """The messages of a stream, each validated before it is handed on."""
    async for message in messages:
        validate(message)
        yield message


def prepare(request: Descriptor) -> None:
    """Compile the rules of a request now, so that a wrong rule stops the server at its start."""
    collect(message_factory.GetMessageClass(request)())


def violation_of(proto: Any) -> Violation:
    """A violation in our shape, its path as in the contract: `lines[2].sku_id`, `labels["a"]`."""
    path = path_of(proto.field.elements) if proto.field else ""
    return Violation(path, proto.message or proto.rule_id, rule=proto.rule_id)


def path_of(elements: Sequence[Any]) -> str:
    """The path of a field with the positions and keys on the way."""
    return ".".join(element.field_name + subscript_of(element.subscript) for element in elements)


def subscript_of(subscript: Any) -> str:
    """The position in a list or the key in a map, in brackets; empty for a plain field."""
    if subscript is None:
        return ""
    value = subscript.value
    return f'["{value}"]' if isinstance(value, str) else f"[{text_of_key(value)}]"


def text_of_key(value: object) -> str:
    """A key that is no string, as protobuf's text format writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
