"""YAML text to a protobuf message, strictly: every fault at once, each with path, line and column.

The nodes are walked beside the descriptor of the message. Refused are unknown keys, keys given
twice, two alternatives of a oneof, values of another kind, words an enum does not have, numbers out
of range. Stand-ins take the place of what is wrong, so that one mistake is one fault and later
checks go on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from laurel_kit.programs.paths import child, item, keyed, parent_of, related
from laurel_kit.programs.sections import ProgramFault
from laurel_kit.programs.yaml_nodes import (
    MappingNode,
    Node,
    Place,
    Scalar,
    SequenceNode,
    Unreadable,
    read_nodes,
)
from laurel_kit.programs.yaml_values import SCALAR_MESSAGES, Misread, kind_of, read_scalar, shown

Kind = TypeVar("Kind", bound=Message)

LIKENESS = 0.6
"""From which likeness on (difflib's ratio) an unknown key counts as a misspelt one."""


@dataclass(slots=True)
class Reading(Generic[Kind]):
    """What was read: the message, where each of its parts stands, and what is wrong."""

    message: Kind
    places: dict[str, Place] = field(default_factory=dict)
    faults: list[ProgramFault] = field(default_factory=list)
    stand_ins: set[str] = field(default_factory=set)
    """Paths whose values were not in the file; what is wrong with them is no further mistake."""
    strangers: set[str] = field(default_factory=set)
    """Paths of messages with a key that resembles none of theirs."""

    def place_of(self, path: str) -> Place:
        """Where the path stands in the file, or else the nearest thing around it."""
        while path and path not in self.places:
            path = parent_of(path)
        return self.places.get(path, Place(1, 1))

    def add(self, fault: ProgramFault) -> None:
        """Add what a later check found, unless it is the consequence of a fault already known."""
        if any(related(fault.path, path) for path in self.stand_ins):
            return
        place = self.place_of(fault.path)
        self.faults.append(fault.at(place.line, place.column))


def read_message(text: str, message: Kind) -> Reading[Kind]:
    """Fill the empty `message` from the text. What the text holds never raises."""
    reading = Reading(message)
    try:
        root = read_nodes(text)
    except Unreadable as refusal:
        reading.faults.append(refusal.fault)
        reading.stand_ins.add("")
        return reading
    reading.places[""] = root.place
    Walk(reading).message(root, message, "")
    return reading


@dataclass(frozen=True, slots=True)
class Filling:
    """A message that is being filled from a mapping."""

    message: Message
    path: str
    keys: frozenset[str]
    """Every key of the mapping."""
    given: dict[str, str] = field(default_factory=dict)
    """What has been read: the field by its own name or that of its oneof."""

    @property
    def fields(self) -> Mapping[str, FieldDescriptor]:
        """The fields the message has, in the order of the contract."""
        fields: Mapping[str, Any] = self.message.DESCRIPTOR.fields_by_name
        return fields


class Walk:
    """One walk over nodes and descriptor together."""

    def __init__(self, reading: Reading[Any]) -> None:
        self._reading = reading
        self._muted = False

    def message(self, node: Node, message: Message, path: str) -> None:
        """Fill a message from a mapping."""
        if not isinstance(node, MappingNode):
            self._misread(path, f"{described(node)}, a mapping of keys is wanted", node.place)
            return
        keys = frozenset(key.text for key, _ in node.entries if isinstance(key, Scalar))
        filling = Filling(message, path, keys)
        for key, value in node.entries:
            if not isinstance(key, Scalar):
                self._fault(path, "a key must be a name", key.place)
            elif descriptor := filling.fields.get(key.text):
                self._known(filling, key, value, descriptor)
            else:
                self._unknown(filling, key, value)

    def _known(
        self, filling: Filling, key: Scalar, value: Node, descriptor: FieldDescriptor
    ) -> None:
        """Read a field, unless it or an alternative to it has been given before."""
        where = child(filling.path, descriptor.name)
        earlier = filling.given.setdefault(choice_of(descriptor), descriptor.name)
        if where in self._reading.places:
            first = self._reading.places[where].line
            self._fault(where, f"given twice, first in line {first}", key.place)
        elif earlier != descriptor.name:
            self._fault(where, f"cannot stand beside {earlier}: only one of them", key.place)
        else:
            self._reading.places[where] = key.place
            self._field(value, descriptor, filling.message, where)

    def _unknown(self, filling: Filling, key: Scalar, value: Node) -> None:
        """Refuse an unknown key; what it resembles is read from it, lest it count as missing."""
        others = [name for name in filling.fields if name not in filling.keys]
        near = difflib.get_close_matches(key.text, others, n=1, cutoff=LIKENESS)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(filling.fields)}"
        self._fault(child(filling.path, key.text), f"unknown key; {hint}", key.place)
        descriptor = filling.fields[near[0]] if near else None
        if descriptor is None:
            self._reading.strangers.add(filling.path)
        if descriptor and choice_of(descriptor) not in filling.given:
            filling.given[choice_of(descriptor)] = descriptor.name
            self._resembling(filling, key, value, descriptor)

    def _resembling(
        self, filling: Filling, key: Scalar, value: Node, descriptor: FieldDescriptor
    ) -> None:
        """Read a misspelt key; a single value that does not fit it is no further mistake."""
        where = child(filling.path, descriptor.name)
        self._reading.places[where] = key.place
        if isinstance(value, Scalar):
            self._reading.stand_ins.add(where)
            with self._silence():
                self._field(value, descriptor, filling.message, where)
        else:
            self._field(value, descriptor, filling.message, where)

    def _field(self, node: Node, descriptor: FieldDescriptor, message: Message, path: str) -> None:
        """Fill one field, whatever its shape."""
        if is_map(descriptor):
            self._map(node, descriptor, message, path)
        elif descriptor.is_repeated:
            self._list(node, descriptor, message, path)
        elif descriptor.message_type is None:
            setattr(message, descriptor.name, self._value(node, descriptor, path))
        else:
            part = getattr(message, descriptor.name)
            part.SetInParent()
            self._part(node, part, path)

    def _part(self, node: Node, part: Message, path: str) -> None:
        """Fill a message inside another: from a scalar where it has such a form."""
        read = SCALAR_MESSAGES.get(part.DESCRIPTOR.full_name)
        if read is None:
            self.message(node, part, path)
        elif isinstance(node, Scalar):
            try:
                part.CopyFrom(read(node))
            except Misread as misread:
                self._misread(path, misread.message, node.place)
        else:
            self._misread(path, f"{described(node)}, a single value is wanted", node.place)

    def _list(self, node: Node, descriptor: FieldDescriptor, message: Message, path: str) -> None:
        if not isinstance(node, SequenceNode):
            self._misread(path, f"{described(node)}, a list is wanted", node.place)
            return
        items = getattr(message, descriptor.name)
        for position, element in enumerate(node.items):
            where = item(path, position)
            self._reading.places[where] = element.place
            if descriptor.message_type is None:
                items.append(self._value(element, descriptor, where))
            else:
                self._part(element, items.add(), where)

    def _map(self, node: Node, descriptor: FieldDescriptor, message: Message, path: str) -> None:
        if not isinstance(node, MappingNode):
            self._misread(path, f"{described(node)}, a mapping of keys is wanted", node.place)
            return
        for key, value in node.entries:
            if isinstance(key, Scalar):
                self._entry(key, value, descriptor, message, path)
            else:
                self._fault(path, "a key must be a name", key.place)

    def _entry(
        self, key: Scalar, value: Node, descriptor: FieldDescriptor, message: Message, path: str
    ) -> None:
        """Read one entry of a map, unless its key has been given before."""
        entries = getattr(message, descriptor.name)
        key_field, value_field = entry_fields(descriptor)
        name = self._value(key, key_field, path)
        where = keyed(path, name)
        if where in self._reading.places:
            first = self._reading.places[where].line
            self._fault(where, f"given twice, first in line {first}", key.place)
            return
        self._reading.places[where] = key.place
        if value_field.message_type is None:
            entries[name] = self._value(value, value_field, where)
        else:
            self._part(value, entries[name], where)

    def _value(self, node: Node, descriptor: FieldDescriptor, path: str) -> Any:
        """The value for a field that is no message, or a stand-in and a fault."""
        if not isinstance(node, Scalar):
            self._misread(path, f"{described(node)}, a single value is wanted", node.place)
            return nothing_of(descriptor)
        try:
            return read_scalar(node, descriptor)
        except Misread as misread:
            self._misread(path, misread.message, node.place)
            return misread.stand_in

    def _misread(self, path: str, message: str, place: Place) -> None:
        self._reading.stand_ins.add(path)
        self._fault(path, message, place)

    def _fault(self, path: str, message: str, place: Place) -> None:
        if not self._muted:
            self._reading.faults.append(ProgramFault(path, message, place.line, place.column))

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """Find no faults: the key they would be about is already one."""
        self._muted = True
        yield
        self._muted = False


def is_map(descriptor: FieldDescriptor) -> bool:
    """Whether the field is a map, which the descriptor shows as a list of entries."""
    kind = descriptor.message_type
    return kind is not None and kind.GetOptions().map_entry


def choice_of(descriptor: FieldDescriptor) -> str:
    """What can be given once: the oneof of the field, or the field itself."""
    oneof = descriptor.containing_oneof
    return f"oneof {oneof.name}" if oneof else descriptor.name


def entry_fields(descriptor: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor]:
    """The fields of a map's entries: key and value."""
    assert descriptor.message_type is not None, descriptor.full_name
    key, value = descriptor.message_type.fields
    return key, value


def nothing_of(descriptor: FieldDescriptor) -> Any:
    """The value that stands in where the file has none of the right shape."""
    return "" if descriptor.cpp_type == FieldDescriptor.CPPTYPE_STRING else 0


def described(node: Node) -> str:
    """What the node is, with its article."""
    match node:
        case MappingNode():
            return "is a mapping"
        case SequenceNode():
            return "is a list"
        case Scalar():
            return f"{shown(node)} is {kind_of(node)}"
