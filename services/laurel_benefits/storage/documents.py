"""Domain values as JSON documents, where a value is kept whole and never searched by its parts."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

Kind = TypeVar("Kind")


class Documents(Generic[Kind]):
    """Writes and reads the documents of one kind of value."""

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[Kind] = TypeAdapter(kind)

    def write(self, value: Kind) -> Any:
        """The value as JSON."""
        return self._adapter.dump_python(value, mode="json")

    def read(self, document: object) -> Kind:
        """The value of a document that `write` made."""
        return self._adapter.validate_python(document)
