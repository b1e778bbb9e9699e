"""What a YAML scalar means for a field: numbers, words of an enum, spans, dates, instants.

Each reader answers the value, or raises `Misread` with what is wrong and a stand-in that lets later
checks go on to other mistakes instead of repeating this one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from laurel_kit.programs.yaml_nodes import Scalar

INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan")
NOTHING = ("", "~", "null", "Null", "NULL")
TRUTH = {"true": True, "false": False}
SPAN = re.compile(r"(?:(\d{1,7})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[-+]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
SHOWN_LENGTH_MAX = 60
CHOICES_MAX = 12


class Misread(Exception):  # A refusal is named for what is refused.
    """The scalar is not what the field wants."""

    def __init__(self, message: str, stand_in: Any) -> None:
        super().__init__(message)
        self.message = message
        self.stand_in = stand_in


def read_scalar(scalar: Scalar, field: FieldDescriptor) -> str | int | bool:
    """The value of a field that is not a message."""
    if field.enum_type is not None:
        return read_enum(scalar, field.enum_type)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return read_truth(scalar)
        case FieldDescriptor.CPPTYPE_STRING:
            return read_text(scalar)
        case kind if kind in RANGES:
            return read_integer(scalar, *RANGES[kind])
    raise AssertionError(f"{field.full_name}: programs hold no floats and no bytes")


RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def read_text(scalar: Scalar) -> str:
    """A string; what YAML takes for a number, a truth value or nothing needs quotes."""
    if scalar.plain and (kind := kind_of(scalar)) != "a string":
        wanted = "a string is wanted; put it in quotes"
        raise Misread(f"{shown(scalar)} is {kind}, {wanted}", scalar.text)
    # An escape such as "\ud800" or "\0" writes what neither a contract nor a database can hold.
    if FORBIDDEN.search(scalar.text):
        raise Misread("has a control character or half of a surrogate pair", "?")
    return scalar.text


def read_integer(scalar: Scalar, lowest: int, highest: int) -> int:
    """A whole number, decimal, without quotes, in the range of the field."""
    if not (scalar.plain and INTEGER.fullmatch(scalar.text)):
        raise Misread(
            f"{shown(scalar)} is {kind_of(scalar)}, a whole number is wanted",
            whole_part(scalar.text),
        )
    # Longer than any field holds; also Python refuses to read numbers of thousands of digits.
    value = int(scalar.text) if len(scalar.text) <= 24 else highest + 1
    if not lowest <= value <= highest:
        raise Misread(
            f"{shown(scalar)} is outside {lowest} to {highest}", max(lowest, min(value, highest))
        )
    return value


def whole_part(text: str) -> int:
    """The digits a number begins with, as a stand-in for what was meant."""
    digits = re.match(r"-?[0-9]{1,9}", text)
    return int(digits.group()) if digits else 0


def read_truth(scalar: Scalar) -> bool:
    """True or false, without quotes."""
    if scalar.plain and scalar.text in TRUTH:
        return TRUTH[scalar.text]
    raise Misread(f"{shown(scalar)} is {kind_of(scalar)}, true or false is wanted", stand_in=False)


def read_enum(scalar: Scalar, enum: EnumDescriptor) -> int:
    """A value of an enum by its name without the prefix, in lower case: `end_of_next_year`."""
    words = words_of(enum)
    if scalar.plain and scalar.text in words:
        return words[scalar.text]
    near = difflib.get_close_matches(scalar.text.lower(), words, n=1)
    stand_in = words[near[0]] if near else next(iter(words.values()), 0)
    choices = ", ".join(list(words)[:CHOICES_MAX]) + (", …" if len(words) > CHOICES_MAX else "")
    raise Misread(f"{shown(scalar)} is none of {choices}", stand_in)


def words_of(enum: EnumDescriptor) -> dict[str, int]:
    """What may be written for an enum, in the order of the contract; the zero value may not."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {
        value.name.removeprefix(prefix).lower(): value.number
        for value in enum.values
        if value.number != 0
    }


def read_span(scalar: Scalar) -> Message:
    """A Duration: days, hours, minutes, seconds, such as `30d`, `12h`, `1d12h` or `90s`."""
    parts = SPAN.fullmatch(scalar.text)
    if not parts or not scalar.text:
        raise Misread(
            f"{shown(scalar)} is no span of time such as 30d, 12h, 15m or 1d12h", Duration()
        )
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return Duration(seconds=((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def read_instant(scalar: Scalar) -> Message:
    """A Timestamp: RFC 3339 with an offset, such as `2026-11-11T00:00:00+08:00`."""
    instant = Timestamp()
    try:
        instant.FromDatetime(parse_instant(scalar.text))
    except (ValueError, OverflowError):
        raise Misread(
            f"{shown(scalar)} is no instant such as 2026-11-11T00:00:00+08:00", Timestamp()
        ) from None
    return instant


def parse_instant(text: str) -> datetime:
    """The instant in UTC. Raises ValueError or OverflowError."""
    if not INSTANT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).astimezone(UTC)


def read_day(scalar: Scalar) -> Message:
    """A google.type.Date: `2026-01-31`."""
    try:
        day = date.fromisoformat(scalar.text if DAY.fullmatch(scalar.text) else "")
    except ValueError:
        raise Misread(f"{shown(scalar)} is no date such as 2026-01-31", Date()) from None
    date_message: Message = Date(year=day.year, month=day.month, day=day.day)
    return date_message


SCALAR_MESSAGES: dict[str, Callable[[Scalar], Message]] = {
    "google.protobuf.Duration": read_span,
    "google.protobuf.Timestamp": read_instant,
    "google.type.Date": read_day,
}
"""Messages that a file writes as one scalar."""


def kind_of(scalar: Scalar) -> str:
    """What YAML takes the scalar for, with its article."""
    if not scalar.plain:
        return "a string"
    if scalar.text in NOTHING:
        return "nothing"
    if scalar.text.lower() in TRUTH:
        return "a truth value"
    if INTEGER.fullmatch(scalar.text):
        return "a whole number"
    return "a decimal number" if NUMBER.fullmatch(scalar.text) else "a string"


def shown(scalar: Scalar) -> str:
    """The scalar as it is quoted in a fault."""
    text = (
        scalar.text
        if len(scalar.text) <= SHOWN_LENGTH_MAX
        else scalar.text[:SHOWN_LENGTH_MAX] + "…"
    )
    return text if scalar.plain and text else f'"{text}"'
