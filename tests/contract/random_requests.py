"""Random requests made from the descriptors of messages: good ones, and every way of being wrong.

Good values keep the rules of the contract (`buf.validate`) and prefer names that exist, so that the
calls reach the rules and the tables behind them. Wild values break them: texts far too long, with
NUL and other scripts, numbers at the ends of their range, instants that are none.
"""

from __future__ import annotations

import re
import string
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.support.clocks import NOON

# NUL, which PostgreSQL keeps in no text, is a letter like any other where no pattern forbids it.
FREE_LETTERS = string.ascii_letters + " ,.é京\n\x00"
ID_LETTERS = string.ascii_letters + string.digits + "._:-"
HUGE = 100_000
MANY_MAX = 200
# Deeper nesting than any request has; what lies below stays unset.
DEPTH_MAX = 8
DAY = 86_400
NAMES_OF_EVENTS = {"request_id", "order_id", "activity_id"}
# From here on a text is free where names are known.
FREE_PERCENTAGE = 85
# How many of a hundred fields are wild.
MOODS = (0, 0, 0, 5, 15, 40)
PERCENTAGES = st.sampled_from(range(100))

INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
# Texts that have broken some program somewhere.
WILD_TEXTS = (
    "",
    " ",
    "x" * HUGE,
    "京" * 30_000,
    "a\x00b",
    "'; drop table lot; --",
    "%s {0} {missing} \\",
    "../../secret",
    "\u202e\ufeff\U0001f4a5",
    "NaN",
    "-1",
)
# Program files that are none, or that cost a careless reader dearly.
WILD_SOURCES = (
    "program_id: [",
    "a: &a [x]\nb: [*a, *a, *a]\n",
    "- " * 2_000,
    "&a [*a]",
    "{" * 500,
    "program_id: jd\nprogram_id: jd\nledger: 7\nunknown: {}\n",
    "!!python/object:os.system x",
    "program_id: 1e400\ntime_zone: Mars/Olympus\n",
    "\t\x0b",
)


class Words:
    """What exists on the server, so that requests can be about it: ids by the field's name."""

    def __init__(self, known: dict[str, tuple[str, ...]], sources: tuple[str, ...] = ()) -> None:
        self.known = known
        self.sources = sources
        self.samples: dict[str, list[Message]] = {}

    def of(self, field: str) -> tuple[str, ...]:
        return self.known.get(field, ())


def requests(message: Descriptor, words: Words) -> st.SearchStrategy[Message]:
    """Requests of one kind; about half of them keep every rule that a field alone can keep."""
    made = st.sampled_from(MOODS).flatmap(
        lambda wildness: messages(message, words, wildness=wildness)
    )
    samples = words.samples.get(message.full_name)
    return st.one_of(made, variations(samples, words)) if samples else made


@st.composite
def variations(draw: st.DrawFn, samples: list[Message], words: Words) -> Message:
    """A request that once succeeded, mostly under other names, with up to two fields changed."""
    made = type(samples[0])()
    made.CopyFrom(draw(st.sampled_from(samples)))
    if by_chance(draw, 75):
        rename(made, draw(st.text(ID_LETTERS, min_size=1, max_size=8)))
    for _ in range(draw(st.integers(0, 2))):
        vary(draw, made, words)
    return made


def rename(made: Message, name: str) -> None:
    """Give what can happen once a new name, so that it can happen again."""
    for field in made.DESCRIPTOR.fields:
        if field.name in NAMES_OF_EVENTS:
            setattr(made, field.name, name)
        for inner in inner_messages(made, field):
            rename(inner, name)


def vary(draw: st.DrawFn, made: Message, words: Words) -> None:
    """Change one field of the message or of a message within it."""
    fields = list(made.DESCRIPTOR.fields)
    if not fields:
        return
    field = draw(st.sampled_from(fields))
    inner = inner_messages(made, field)
    if inner and draw(st.booleans()):
        vary(draw, draw(st.sampled_from(inner)), words)
        return
    made.ClearField(field.name)
    if draw(st.booleans()):
        fill(draw, made, field, words, wildness=draw(st.sampled_from(MOODS)), depth=0)


def inner_messages(made: Message, field: FieldDescriptor) -> list[Message]:
    """The messages that a field of `made` holds."""
    if field.message_type is None or is_map(field):
        return []
    if field.is_repeated:
        return list(getattr(made, field.name))
    return [getattr(made, field.name)] if made.HasField(field.name) else []


def by_chance(draw: st.DrawFn, percentage: int) -> bool:
    """True that often; no when a failure is made as small as it can be."""
    return draw(PERCENTAGES) >= 100 - percentage


@st.composite
def messages(
    draw: st.DrawFn, message: Descriptor, words: Words, *, wildness: int, depth: int = 0
) -> Message:
    """A message with each field wild by the given chance."""
    made = message_factory.GetMessageClass(message)()
    chosen = {
        oneof.name: draw_alternative(draw, list(oneof.fields), wildness) for oneof in message.oneofs
    }
    for field in message.fields:
        alternative = field.containing_oneof
        if alternative is not None and chosen[alternative.name] is not field:
            continue
        if draw_present(draw, field, wildness):
            fill(draw, made, field, words, wildness=wildness, depth=depth)
    return made


def draw_alternative(
    draw: st.DrawFn, fields: list[FieldDescriptor], wildness: int
) -> FieldDescriptor | None:
    """One of the alternatives, wildly none of them."""
    return None if by_chance(draw, wildness) else draw(st.sampled_from(fields))


def draw_present(draw: st.DrawFn, field: FieldDescriptor, wildness: int) -> bool:
    """Whether the field is set at all."""
    if needed(field, rules_of(field)):
        return not by_chance(draw, wildness // 2)
    return draw(st.booleans())


def needed(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> bool:
    """Whether a request without the field, or with its zero, is likely to be refused."""
    if field.containing_oneof is not None or rules.required or rules.cel:
        return True
    if field.type == FieldDescriptor.TYPE_STRING:
        return rules.string.min_len > 0 or rules.string.uuid
    if field.type == FieldDescriptor.TYPE_ENUM:
        return 0 in rules.enum.not_in
    if field.type in INTEGERS:
        return bounds_of(field, rules)[0] > 0 or 0 in rules.int64.not_in
    return bool(rules.repeated.min_items)


def bounds_of(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> tuple[int, int]:
    """The least and the largest number that the rules allow; from 0 where they say nothing."""
    lowest, highest = INTEGERS[field.type]
    kind = rules.WhichOneof("type")
    named = (
        {option.name: value for option, value in getattr(rules, kind).ListFields()} if kind else {}
    )
    least = named.get("gte", named["gt"] + 1 if "gt" in named else 0)
    most = named.get("lte", named["lt"] - 1 if "lt" in named else highest)
    return max(least, lowest), most


def fill(
    draw: st.DrawFn,
    made: Message,
    field: FieldDescriptor,
    words: Words,
    *,
    wildness: int,
    depth: int,
) -> None:
    """Set one field."""
    values = single(field, rules_of(field), words, wildness=wildness, depth=depth + 1)
    if is_map(field):
        fill_map(draw, made, field, words, wildness)
    elif field.is_repeated:
        items = single(
            field, rules_of(field).repeated.items, words, wildness=wildness, depth=depth + 1
        )
        target = getattr(made, field.name)
        target.extend(draw(lists(items, rules_of(field), wildness)))
    elif field.message_type is not None:
        if depth < DEPTH_MAX:
            getattr(made, field.name).CopyFrom(draw(values))
            getattr(made, field.name).SetInParent()
    else:
        setattr(made, field.name, draw(values))


@st.composite
def lists(
    draw: st.DrawFn, items: st.SearchStrategy[Any], rules: validate_pb2.FieldRules, wildness: int
) -> list[Any]:
    """A few items, and wildly none at all or more than are allowed."""
    most = rules.repeated.max_items or MANY_MAX
    if by_chance(draw, wildness):
        many = [draw(items)] * (most + 1) if most < MANY_MAX else []
        return draw(st.sampled_from([[], many]))
    least = int(rules.repeated.min_items)
    return draw(st.lists(items, min_size=least, max_size=min(least + 2, most)))


def fill_map(
    draw: st.DrawFn, made: Message, field: FieldDescriptor, words: Words, wildness: int
) -> None:
    """A few pairs of text and a plain value."""
    entry, rules = field.message_type.fields_by_name, rules_of(field).map
    keys = single(entry["key"], rules.keys, words, wildness=wildness, depth=0)
    values = single(entry["value"], rules.values, words, wildness=wildness, depth=0)
    for key, value in draw(st.dictionaries(keys, values, max_size=3)).items():
        getattr(made, field.name)[key] = value


def single(
    field: FieldDescriptor,
    rules: validate_pb2.FieldRules,
    words: Words,
    *,
    wildness: int,
    depth: int,
) -> st.SearchStrategy[Any]:
    """One value of the field's kind."""
    if field.message_type is not None:
        good = good_message(field.message_type, rules, words, wildness=wildness, depth=depth)
        wild = wild_message(field.message_type)
        wild = good if wild is None else wild
    else:
        good, wild = good_scalar(field, rules, words), wild_scalar(field)
    return PERCENTAGES.flatmap(lambda roll: wild if roll >= 100 - wildness else good)


def good_scalar(
    field: FieldDescriptor, rules: validate_pb2.FieldRules, words: Words
) -> st.SearchStrategy[Any]:
    """A value that keeps the rules."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_ENUM:
        values = [value.number for value in field.enum_type.values]
        return st.sampled_from(values[1:] or values)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=int(rules.bytes.max_len) or 16)
    if field.type == FieldDescriptor.TYPE_STRING:
        return good_text(field, rules.string, words)
    return good_number(field, rules)


def good_text(
    field: FieldDescriptor, rules: validate_pb2.StringRules, words: Words
) -> st.SearchStrategy[str]:
    """A name that exists, or any text that the rules allow."""
    if rules.uuid:
        return st.one_of(*map(st.just, words.of(field.name)), st.uuids().map(str))
    if field.name == "source":
        return st.sampled_from([*words.sources, *WILD_SOURCES])
    if allowed := getattr(rules, "in"):
        return st.sampled_from(list(allowed))
    most = int(min(rules.max_len or rules.max_bytes or 64, 64))
    least = int(max(rules.min_len, rules.min_bytes))
    if rules.pattern:
        shape = re.compile(rules.pattern.replace("$", r"\Z"), re.ASCII)
        texts = st.from_regex(shape, fullmatch=True, alphabet=ID_LETTERS)
        free = texts.filter(lambda text: least <= len(text) <= most)
    else:
        free = st.text(FREE_LETTERS, min_size=min(least, most), max_size=most)
    if known := words.of(field.name):
        return PERCENTAGES.flatmap(
            lambda roll: free if roll >= FREE_PERCENTAGE else st.sampled_from(known)
        )
    return free


def good_number(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> st.SearchStrategy[int]:
    """A number within the rules, often at one of their ends."""
    least, most = bounds_of(field, rules)
    if rules.cel:
        return st.integers(max(least, 1), 1_000)
    few = min(most, max(least, 0) + 1_000)  # Numbers below zero are the other end.
    return st.one_of(st.integers(max(least, min(1, most)), few), st.sampled_from([least, most]))


def wild_scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """A value that breaks most rules of its kind."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([0, 99, 2**31 - 1, -1])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from([b"", b"\x00", b"\xff" * HUGE])
    if field.type == FieldDescriptor.TYPE_STRING:
        return st.one_of(st.sampled_from(WILD_TEXTS), st.text(max_size=80))
    lowest, highest = INTEGERS[field.type]
    return st.sampled_from([0, -1 if lowest else 0, 1, lowest, highest, highest - 1])


def good_message(
    message: Descriptor,
    rules: validate_pb2.FieldRules,
    words: Words,
    *,
    wildness: int,
    depth: int,
) -> st.SearchStrategy[Message]:
    """A message of ours by its own fields; instants, spans, dates and money by what they mean."""
    made = message_factory.GetMessageClass(message)
    match message.full_name:
        case "google.protobuf.Timestamp":
            present = int(NOON.timestamp())
            return st.builds(made, seconds=st.integers(present - 400 * DAY, present))
        case "google.protobuf.Duration":
            least = max(rules.duration.gt.seconds + 1, rules.duration.gte.seconds)
            most = rules.duration.lte.seconds or least + 40 * DAY
            return st.builds(made, seconds=st.integers(least, min(most, least + 40 * DAY)))
        case "google.type.Money":
            fen = st.integers(0, 99).map(lambda part: part * 10_000_000)
            units = st.integers(1, 5_000)
            return st.builds(made, currency_code=st.just("CNY"), units=units, nanos=fen)
        case "google.type.Date":
            years = st.integers(2024, 2026)
            days = st.integers(1, 28) if rules_ask_for_day(rules) else st.just(0)
            return st.builds(made, year=years, month=st.integers(1, 12), day=days)
    if depth > DEPTH_MAX:
        return st.just(made())
    return messages(message, words, wildness=wildness, depth=depth)


def rules_ask_for_day(rules: validate_pb2.FieldRules) -> bool:
    """Whether a date is a day; one whose rule says `day == 0` is a month."""
    return not any(re.search(r"day == 0\b(?! \|\|)", rule.expression) for rule in rules.cel)


def wild_message(message: Descriptor) -> st.SearchStrategy[Message] | None:
    """Instants, spans, dates and money that are none; None for messages of ours."""
    made = message_factory.GetMessageClass(message)
    ends = st.sampled_from([0, -1, 2**63 - 1, -(2**63), 253_402_300_800, -62_135_596_801])
    parts = st.sampled_from([0, -1, 1, 999_999_999, 1_000_000_000, 2**31 - 1, -(2**31)])
    match message.full_name:
        case "google.protobuf.Timestamp" | "google.protobuf.Duration":
            return st.builds(made, seconds=ends, nanos=parts)
        case "google.type.Money":
            currencies = st.sampled_from(["", "CNY", "EUR", "cny", "x" * 1_000])
            return st.builds(made, currency_code=currencies, units=ends, nanos=parts)
        case "google.type.Date":
            numbers = st.sampled_from([0, -1, 2, 13, 29, 30, 31, 32, 9999, 10_000, 2**31 - 1])
            return st.builds(made, year=numbers, month=numbers, day=numbers)
    return None


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    return field.GetOptions().Extensions[validate_pb2.field]


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)
