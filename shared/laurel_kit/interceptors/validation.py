"""Whether a message keeps the rules of its contract (`buf.validate`), all faults at once."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any

import protovalidate
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from laurel_kit.refusals import RequestInvalid, Violation

collect = protovalidate.collect_violations


Sound = Callable[[Any], bool]
"""Whether a message surely keeps every rule; False says nothing."""

_SOUND: dict[type[Message], Sound] = {}


def know_sound(kind: type[Message], sound: Sound) -> None:
    """Spare the usual messages of a kind the validator, which costs more than handling them.

    `sound` may know some of those that keep every rule, and must never be wrong about one: what it
    does not know is validated as ever, so every fault is found and said the same.
    """
    _SOUND[kind] = sound


def validate(message: Message) -> Message:
    """The message, when it keeps every rule. Raises RequestInvalid with every violation."""
    sound = _SOUND.get(type(message))
    if sound is not None and sound(message):
        return message
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
