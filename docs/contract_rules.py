"""The rules of a field (`buf.validate`) in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

BOUNDS = {"gte": "at least {}", "gt": "more than {}", "lte": "at most {}", "lt": "less than {}"}
LENGTHS = {
    "min_len": "at least {} characters",
    "max_len": "at most {} characters",
    "min_bytes": "at least {} bytes",
    "max_bytes": "at most {} bytes",
    "min_items": "at least {} of them",
    "max_items": "at most {} of them",
    "min_pairs": "at least {} of them",
    "max_pairs": "at most {} of them",
}
# Two bounds that are said as one.
SPANS = {
    ("gte", "lte"): "{} to {}",
    ("min_len", "max_len"): "{} to {} characters",
    ("min_items", "max_items"): "{} to {} of them",
    ("min_pairs", "max_pairs"): "{} to {} of them",
}
WORDS = {
    **BOUNDS,
    **LENGTHS,
    "pattern": "matches `{}`",
    "const": "is {}",
    "prefix": "begins with {}",
}
FLAGS = {"unique": "no two alike", "uuid": "a UUID"}
# Said by the kind of the field already, or with no bearing on what may be written.
UNSAID = {"defined_only", "not_in"}


def rules_of(field: Any) -> str:
    """Everything a field asks for, in one line; empty when it asks for nothing."""
    rules = field.options.Extensions[validate_pb2.field]
    return "; ".join(described(rules)).replace("|", "\\|")


def described(rules: validate_pb2.FieldRules) -> Iterator[str]:
    """The rules of a field, one by one."""
    if rules.required:
        yield "required"
    for rule in rules.cel:
        yield rule.message or f"`{rule.expression}`"
    kind = rules.WhichOneof("type")
    if kind:
        values = {each.name: value for each, value in getattr(rules, kind).ListFields()}
        for (low, high), words in SPANS.items():
            if low in values and high in values:
                yield words.format(value_of(values.pop(low)), value_of(values.pop(high)))
        for name, value in values.items():
            yield from rule_of(name, value)


def rule_of(name: str, value: Any) -> Iterator[str]:
    """One rule in words."""
    if name in {"items", "keys", "values"}:
        inner = ", ".join(described(value))
        each = {"items": "each", "keys": "each key", "values": "each value"}[name]
        if inner:
            yield f"{each}: {inner}"
    elif name in FLAGS:
        yield FLAGS[name]
    elif name in WORDS:
        yield WORDS[name].format(value_of(value))
    elif name == "in":
        yield "one of " + ", ".join(f"`{each}`" for each in value)
    elif name not in UNSAID:
        yield f"{name.replace('_', ' ')} {value_of(value)}"


def value_of(value: Any) -> str:
    """A bound as people read it."""
    match value:
        case Duration():
            return span_of(value.seconds)
        case Timestamp():
            return value.ToJsonString()
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:,}"
    return str(value)


def span_of(seconds: int) -> str:
    """A span of time as program files write it: in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
