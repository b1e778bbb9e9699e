"""Whether two requests with one request id say the same, and if not, which fields differ.

A fingerprint is kept beside the first answer as bytes (`encoded`), so that domain and storage need
not know protobuf. Where rows are many and every byte counts, `content_digest` alone is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

DIGEST_BYTES = 16
FIELD_DIGEST_BYTES = 4
NOT_CONTENT = ("request_id",)
LEAF_PACKAGES = ("google.protobuf", "google.type")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The content of a request in a few bytes; equal exactly when the content is."""

    digest: bytes
    """16 bytes over the whole content."""
    fields: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    """Four bytes for each field that is set, by its path: `transaction.earn.amount`."""

    @property
    def encoded(self) -> bytes:
        """Digest and fields as bytes, for a column of a table."""
        parts = [self.digest]
        for path, digest in sorted(self.fields.items()):
            name = path.encode()
            parts += (len(name).to_bytes(2), name, digest)
        return b"".join(parts)

    @classmethod
    def decode(cls, encoded: bytes) -> Fingerprint:
        """The fingerprint that `encoded` was made of."""
        fields: dict[str, bytes] = {}
        position = DIGEST_BYTES
        while position < len(encoded):
            start = position + 2
            end = start + int.from_bytes(encoded[position:start])
            position = end + FIELD_DIGEST_BYTES
            fields[encoded[start:end].decode()] = encoded[end:position]
        return cls(encoded[:DIGEST_BYTES], fields)


def fingerprint(message: Message, *, without: Sequence[str] = NOT_CONTENT) -> Fingerprint:
    """The fingerprint of a request; the top fields in `without` do not count."""
    fields = {
        path: blake2b(value, digest_size=FIELD_DIGEST_BYTES).digest()
        for path, value in leaves(stripped(message, without))
    }
    return Fingerprint(content_digest(message, without=without), fields)


def content_digest(message: Message, *, without: Sequence[str] = ()) -> bytes:
    """16 bytes that differ when the content differs; a few microseconds, for hot paths.

    Serialized with the keys of maps in order. Fields this build does not know count as content.
    """
    serialized = stripped(message, without).SerializeToString(deterministic=True)
    return blake2b(serialized, digest_size=DIGEST_BYTES).digest()


def mismatched_fields(earlier: bytes, later: bytes) -> tuple[str, ...]:
    """The paths in which two encoded fingerprints differ, in alphabetical order; empty when
    equal.
    """
    first, second = Fingerprint.decode(earlier), Fingerprint.decode(later)
    paths = first.fields.keys() | second.fields.keys()
    return tuple(
        sorted(path for path in paths if first.fields.get(path) != second.fields.get(path))
    )


def stripped(message: Message, without: Sequence[str]) -> Message:
    """The message without the named top fields; a copy only where one of them is set."""
    names = without and [name for name in without if name in message.DESCRIPTOR.fields_by_name]
    if not names:
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    for name in names:
        copy.ClearField(name)
    return copy


def leaves(message: Message, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Every field that is set, with its path; lists, maps and values such as Timestamp are
    whole.
    """
    for descriptor, value in message.ListFields():
        path = prefix + descriptor.name
        if is_branch(descriptor):
            yield path, b""
            yield from leaves(value, path + ".")
        else:
            yield path, alone(message, descriptor)


def is_branch(descriptor: FieldDescriptor) -> bool:
    """Whether the field holds one message of ours, whose own fields are worth naming."""
    kind = descriptor.message_type
    return (
        kind is not None
        and not descriptor.is_repeated
        and not kind.full_name.startswith(LEAF_PACKAGES)
    )


def alone(message: Message, descriptor: FieldDescriptor) -> bytes:
    """The serialized message with nothing but that field."""
    copy = type(message)()
    copy.CopyFrom(message)
    for other, _ in message.ListFields():
        if other.name != descriptor.name:
            copy.ClearField(other.name)
    copy.DiscardUnknownFields()
    return copy.SerializeToString(deterministic=True)
