"""Every field of a request says in the contract how long, how many or how large it may be."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.tidy.contracts import fields_within, is_map, requests
from tests.tidy.tree import report

# A page size above the maximum is no fault: it is taken as the maximum.
COERCED = {"page_size"}
# Texts that are taken apart before anything of them is stored.
READ_AND_LEFT = {"page_token", "resume_token", "source"}
NUL = "\x00"


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    return field.GetOptions().Extensions[validate_pb2.field]


def unlimited(field: FieldDescriptor) -> Iterator[str]:
    """A field of a request says how long, how many or how large it may be."""
    rules = rules_of(field)
    if field.name in COERCED or any("this" in rule.expression for rule in rules.cel):
        return
    if is_map(field):
        yield from unlimited_map(field, rules)
    elif field.is_repeated:
        if not rules.repeated.HasField("max_items"):
            yield f"{field.full_name}: repeated without max_items"
        if not limited(field, rules.repeated.items):
            yield f"{field.full_name}: its items have no limit"
    elif not limited(field, rules):
        yield f"{field.full_name}: no limit"


def unlimited_map(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Iterator[str]:
    """A map says how many pairs it may have and how long its keys and values may be."""
    entry = field.message_type.fields_by_name
    if not rules.map.HasField("max_pairs"):
        yield f"{field.full_name}: a map without max_pairs"
    if not limited(entry["key"], rules.map.keys):
        yield f"{field.full_name}: its keys have no limit"
    if not limited(entry["value"], rules.map.values):
        yield f"{field.full_name}: its values have no limit"


def limited(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> bool:
    """Whether `rules` bound the kind of `field`."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_ENUM:
        return rules.enum.defined_only or bool(getattr(rules.enum, "in"))
    if field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}:
        return limited_length(rules)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return limited_message(field, rules)
    return limited_range(getattr(rules, rules.WhichOneof("type") or "int64"))


def limited_length(rules: validate_pb2.FieldRules) -> bool:
    """Whether the length of a text or of bytes has an end."""
    kind = rules.bytes if rules.HasField("bytes") else rules.string
    named = {option.name for option, _ in kind.ListFields()}
    return bool(named & {"max_len", "max_bytes", "len", "const", "in", "uuid"})


def nul_allowed(field: FieldDescriptor) -> Iterator[str]:
    """Text that may be stored refuses NUL, which PostgreSQL keeps in no text."""
    rules = rules_of(field)
    if is_map(field):
        entry = field.message_type.fields_by_name
        kinds = {
            "keys": (entry["key"], rules.map.keys),
            "values": (entry["value"], rules.map.values),
        }
    else:
        kinds = {"text": (field, rules.repeated.items if field.is_repeated else rules)}
    for name, (part, inner) in kinds.items():
        text = part.type == FieldDescriptor.TYPE_STRING and field.name not in READ_AND_LEFT
        if text and not refuses_nul(inner.string):
            yield f'{field.full_name}: its {name} may hold NUL: string.not_contains = "\\000"'


def refuses_nul(rules: validate_pb2.StringRules) -> bool:
    """Whether a rule leaves no room for NUL."""
    named = {option.name for option, _ in rules.ListFields()}
    return bool(named & {"pattern", "in", "const", "uuid"}) or rules.not_contains == NUL


def limited_range(rules: Message) -> bool:
    """Whether a number, an instant or a span is bounded on both sides."""
    named = {option.name for option, _ in rules.ListFields()}
    above, below = {"gt", "gte"}, {"lt", "lte"}
    return bool(named & {"in", "const", "within"}) or bool(named & above and named & below)


def limited_message(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> bool:
    """Instants and spans are bounded; messages of ours by their own fields; others by CEL."""
    name = field.message_type.full_name
    if name == "google.protobuf.Timestamp":
        return limited_range(rules.timestamp)
    if name == "google.protobuf.Duration":
        return limited_range(rules.duration)
    return name.startswith("laurel.")


def accepts_unspecified(field: FieldDescriptor) -> Iterator[str]:
    """Zero of an enum is refused, or its absence has a meaning that the comment tells."""
    if field.type == FieldDescriptor.TYPE_ENUM and not field.enum_type.values_by_number[
        0
    ].name.endswith("_UNSPECIFIED"):
        yield f"{field.full_name}: zero of its enum is not _UNSPECIFIED"


@cache
def request_fields() -> tuple[FieldDescriptor, ...]:
    """Every field that some caller can fill, each once."""
    seen: set[str] = set()
    return tuple(field for message in requests() for field in fields_within(message, seen))


def test_every_field_of_a_request_has_limits() -> None:
    report(line for field in request_fields() for line in unlimited(field))


def test_no_text_of_a_request_can_hold_nul() -> None:
    report(line for field in request_fields() for line in nul_allowed(field))


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ({"max_len": 9}, False),
        ({"max_len": 9, "not_contains": "x"}, False),
        ({"max_len": 9, "not_contains": NUL}, True),
        ({"pattern": "^[a-z]*$"}, True),
        ({"uuid": True}, True),
    ],
)
def test_a_text_that_can_hold_nul_is_found(rules: dict, passes: bool) -> None:
    field = probe("STRING", validate_pb2.FieldRules(string=rules))
    assert passes is not any(nul_allowed(field))


def test_zero_of_every_enum_is_unspecified() -> None:
    report(line for field in request_fields() for line in accepts_unspecified(field))


def probe(kind: str, rules: validate_pb2.FieldRules) -> FieldDescriptor:
    """A field of `kind` bound by `rules`; repeated when they are rules of a repeated field."""
    file = descriptor_pb2.FileDescriptorProto(name="probe.proto", package="laurel.probe")
    field = file.message_type.add(name="Probe").field.add(name="value", number=1)
    field.label = field.LABEL_REPEATED if rules.HasField("repeated") else field.LABEL_OPTIONAL
    field.options.Extensions[validate_pb2.field].CopyFrom(rules)
    pool = descriptor_pool.DescriptorPool()
    if kind == "Timestamp":
        field.type, field.type_name = field.TYPE_MESSAGE, ".google.protobuf.Timestamp"
        file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
        pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    else:
        field.type = getattr(field, f"TYPE_{kind}")
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("laurel.probe.Probe").fields_by_name["value"]


FIRST_INSTANT = timestamp_pb2.Timestamp(seconds=0)
LIMITS = [
    ("STRING", {}, False),
    ("STRING", {"string": {"min_len": 1}}, False),
    ("STRING", {"string": {"max_len": 64}}, True),
    ("BYTES", {"bytes": {"max_len": 64}}, True),
    ("INT64", {}, False),
    ("INT64", {"int64": {"gte": 0}}, False),
    ("INT64", {"int64": {"gte": 0, "lt": 10}}, True),
    ("BOOL", {}, True),
    ("Timestamp", {}, False),
    ("Timestamp", {"timestamp": {"gte": FIRST_INSTANT}}, False),
    ("Timestamp", {"timestamp": {"gte": FIRST_INSTANT, "lt": FIRST_INSTANT}}, True),
    ("STRING", {"repeated": {"min_items": 1}}, False),
    ("STRING", {"repeated": {"max_items": 3}}, False),
    ("STRING", {"repeated": {"max_items": 3, "items": {"string": {"max_len": 3}}}}, True),
]


@pytest.mark.parametrize(("kind", "rules", "passes"), LIMITS)
def test_a_field_without_limits_is_found(kind: str, rules: dict, passes: bool) -> None:
    field = probe(kind, validate_pb2.FieldRules(**rules))
    assert passes is not any(unlimited(field))
