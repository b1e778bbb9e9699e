"""YAML text as nodes that know their line and column, within limits.

Only the syntax is decided here: mappings, sequences, scalars, anchors. What a scalar means is
decided by the field it is for (`yaml_values`). Everything is counted while it is read, so that
neither depth nor aliases of aliases can make a small file large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from laurel_kit.programs.sections import ProgramFault

BYTES_MAX = 262_144
"""Largest file. Reading takes about 10 us a byte, so this bounds a check to a few seconds."""

DEPTH_MAX = 32
"""Deepest nesting; the deepest program needs about ten levels."""

NODES_MAX = 20_000
"""Most keys and values, those that aliases repeat included."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it stands in the file."""

    place: Place
    text: str
    plain: bool
    """Without quotes: only then it can be a number, true, false or nothing."""


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list of values."""

    place: Place
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order of the file; the same key may come twice."""

    place: Place
    entries: tuple[tuple[Node, Node], ...]
    size: int


Node = Scalar | SequenceNode | MappingNode


class Unreadable(Exception):  # A refusal is named for what is refused.
    """The text is not read as YAML; nothing after the fault was looked at."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.fault = ProgramFault("", message, place.line, place.column)


def read_nodes(text: str) -> Node:
    """The one document in the text. Raises Unreadable."""
    if len(text.encode()) > BYTES_MAX:
        raise Unreadable(f"the file is larger than {BYTES_MAX} bytes", Place(1, 1))
    try:
        return Composer(text).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise Unreadable(f"is not YAML: {said(error)}", place) from error
    except ReaderError as error:
        raise Unreadable(
            f"has a character that YAML forbids: {error.reason}",
            place_of_offset(text, error.position),
        ) from error
    except YAMLError as error:
        raise Unreadable("is not YAML", Place(1, 1)) from error


def said(error: MarkedYAMLError) -> str:
    """The parser's own words in one line."""
    return " ".join(part for part in (error.problem, error.context) if part)


def place_of_offset(text: str, offset: int) -> Place:
    """Line and column of a character."""
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


class Composer:
    """Builds the nodes of one document from the parser's events."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._depth = 0

    def document(self) -> Node:
        """The document; refuses none and more than one."""
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                root = self._node(next(self._events))
                self._refuse_another()
                return root
        raise Unreadable("is empty", Place(1, 1))

    def _refuse_another(self) -> None:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                raise Unreadable("holds more than one document", place_of(event))

    def _node(self, event: Any) -> Node:
        place = place_of(event)
        if isinstance(event, AliasEvent):
            return self._alias(event.anchor, place)
        self._count(1, place)
        if event.tag is not None:
            raise Unreadable(f"tags such as {event.tag} are not known here", place)
        node = self._content(event, place)
        if event.anchor:
            # Set after the content: a node that repeats itself has no end and finds no anchor.
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, place: Place) -> Node:
        match event:
            case ScalarEvent():
                return Scalar(place, event.value, plain=event.implicit[0])
            case SequenceStartEvent():
                items = tuple(self._inside(SequenceEndEvent, place))
                return SequenceNode(place, items, 1 + sum(size_of(item) for item in items))
            case MappingStartEvent():
                children = list(self._inside(MappingEndEvent, place))
                entries = tuple(zip(children[::2], children[1::2], strict=True))
                return MappingNode(place, entries, 1 + sum(size_of(child) for child in children))
        raise AssertionError(event)

    def _inside(self, end: type, place: Place) -> Iterator[Node]:
        if self._depth == DEPTH_MAX:
            raise Unreadable(f"is nested deeper than {DEPTH_MAX} levels", place)
        self._depth += 1
        while not isinstance(event := next(self._events), end):
            yield self._node(event)
        self._depth -= 1

    def _alias(self, name: str, place: Place) -> Node:
        node = self._anchors.get(name)
        if node is None:
            raise Unreadable(f"no anchor &{name} stands before this alias", place)
        self._count(size_of(node), place)
        return node

    def _count(self, nodes: int, place: Place) -> None:
        self._nodes += nodes
        if self._nodes > NODES_MAX:
            raise Unreadable(f"has more than {NODES_MAX} keys and values", place)


def size_of(node: Node) -> int:
    """How many nodes it has, itself and what aliases repeat included."""
    return 1 if isinstance(node, Scalar) else node.size


def place_of(event: Any) -> Place:
    """Where an event of the parser begins."""
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
