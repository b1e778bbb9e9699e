"""The text of a program file to a message: what is read, and what is refused where."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from laurel_kit.programs.strict_yaml import read_message

INTEGER, STRING, BOOLEAN, ENUM, MESSAGE, INT32 = 3, 9, 8, 14, 11, 5
OPTIONAL, REPEATED = 1, 3


def probe_file() -> descriptor_pb2.FileDescriptorProto:
    """A message with a field of every shape that program files use."""
    file = descriptor_pb2.FileDescriptorProto(name="probe.proto", package="probe", syntax="proto3")
    file.dependency.extend(kind.DESCRIPTOR.file.name for kind in (Duration, Timestamp, Date))
    rounding = file.enum_type.add(name="PointsExpiry")
    for number, name in enumerate(("UNSPECIFIED", "NEVER", "END_OF_NEXT_YEAR")):
        rounding.value.add(name=f"POINTS_EXPIRY_{name}", number=number)
    probe = file.message_type.add(name="Probe")
    entry = probe.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=OPTIONAL, type=STRING)
    entry.field.add(name="value", number=2, label=OPTIONAL, type=INTEGER)
    probe.oneof_decl.add(name="limit")
    for number, (name, label, kind, type_name) in enumerate(
        [
            ("name", OPTIONAL, STRING, ""),
            ("points", OPTIONAL, INTEGER, ""),
            ("rate_bps", OPTIONAL, INT32, ""),
            ("open", OPTIONAL, BOOLEAN, ""),
            ("expiry", OPTIONAL, ENUM, ".probe.PointsExpiry"),
            ("lifetime", OPTIONAL, MESSAGE, ".google.protobuf.Duration"),
            ("start_time", OPTIONAL, MESSAGE, ".google.protobuf.Timestamp"),
            ("day", OPTIONAL, MESSAGE, ".google.type.Date"),
            ("words", REPEATED, STRING, ""),
            ("parts", REPEATED, MESSAGE, ".probe.Probe"),
            ("part", OPTIONAL, MESSAGE, ".probe.Probe"),
            ("labels", REPEATED, MESSAGE, ".probe.Probe.LabelsEntry"),
            ("most", OPTIONAL, INTEGER, ""),
            ("share", OPTIONAL, INTEGER, ""),
        ],
        start=1,
    ):
        field = probe.field.add(name=name, number=number, label=label, type=kind)
        if type_name:
            field.type_name = type_name
        if name in {"most", "share"}:
            field.oneof_index = 0
    return file


def probe_class() -> type[Message]:
    pool = descriptor_pool.Default()
    pool.Add(probe_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("probe.Probe"))


Probe = probe_class()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: 京东", {"name": "京东"}),
        ("name: '7'", {"name": "7"}),
        ("name: 2026-01-31", {"name": "2026-01-31"}),
        ("name: plus-year", {"name": "plus-year"}),
        ("points: -5", {"points": "-5"}),
        ("points: 9223372036854775807", {"points": "9223372036854775807"}),
        ("rate_bps: 2147483647", {"rateBps": 2147483647}),
        ("open: true", {"open": True}),
        ("expiry: end_of_next_year", {"expiry": "POINTS_EXPIRY_END_OF_NEXT_YEAR"}),
        ("lifetime: 30d", {"lifetime": "2592000s"}),
        ("lifetime: 1d12h", {"lifetime": "129600s"}),
        ("lifetime: 90s", {"lifetime": "90s"}),
        ("start_time: 2026-11-11T00:00:00+08:00", {"startTime": "2026-11-10T16:00:00Z"}),
        ("start_time: 2026-11-11T00:00:00.5Z", {"startTime": "2026-11-11T00:00:00.500Z"}),
        ("day: 2024-02-29", {"day": {"year": 2024, "month": 2, "day": 29}}),
        ("words: [a, b]", {"words": ["a", "b"]}),
        ("words: []", {}),
        ("parts:\n- name: a\n- {points: 1}", {"parts": [{"name": "a"}, {"points": "1"}]}),
        ("part: {}", {"part": {}}),
        ("labels: {b: 2, 'a b': 1}", {"labels": {"b": "2", "a b": "1"}}),
        ("share: 3", {"share": "3"}),
        ("words: &w [a]\npart: {words: *w}", {"words": ["a"], "part": {"words": ["a"]}}),
        ("# what it is\nname: a  # why", {"name": "a"}),
    ],
)
def test_what_is_right_is_read(text: str, expected: dict[str, object]) -> None:
    reading = read_message(text, Probe())
    assert reading.faults == []
    assert MessageToDict(reading.message) == expected


@pytest.mark.parametrize(
    ("text", "path", "line", "column", "words"),
    [
        ("nome: a", "nome", 1, 1, "unknown key; did you mean name?"),
        ("part:\n  zzz: 1", "part.zzz", 2, 3, "unknown key; known are: name, points"),
        ("<<: {name: a}", "<<", 1, 1, "unknown key"),
        ("name: a\nname: a", "name", 2, 1, "given twice, first in line 1"),
        ("most: 1\nshare: 2", "share", 2, 1, "cannot stand beside most"),
        ("labels: {a: 1, a: 2}", 'labels["a"]', 1, 16, "given twice, first in line 1"),
        ("? [a]\n: 1", "", 1, 3, "a key must be a name"),
        ("name: 7", "name", 1, 7, "7 is a whole number, a string is wanted; put it in quotes"),
        ("name: 7.0", "name", 1, 7, "a decimal number"),
        ("name: true", "name", 1, 7, "a truth value"),
        ("name:", "name", 1, 6, "is nothing"),
        ("name: ~", "name", 1, 7, "is nothing"),
        ("name: [a]", "name", 1, 7, "is a list, a single value is wanted"),
        ("name: {a: b}", "name", 1, 7, "is a mapping, a single value is wanted"),
        ('name: "\\ud800"', "name", 1, 7, "half of a surrogate pair"),
        ('name: "a\\0"', "name", 1, 7, "control character"),
        ("points: 1.5", "points", 1, 9, "1.5 is a decimal number, a whole number is wanted"),
        ("points: 1e3", "points", 1, 9, "a decimal number"),
        ("points: .nan", "points", 1, 9, "a decimal number"),
        ("points: 0x10", "points", 1, 9, "is a string"),
        ("points: '1'", "points", 1, 9, '"1" is a string'),
        ("points: one", "points", 1, 9, "one is a string"),
        ("points: 9223372036854775808", "points", 1, 9, "is outside -9223372036854775808 to"),
        ("points: " + "9" * 5000, "points", 1, 9, "is outside"),
        ("rate_bps: -2147483649", "rate_bps", 1, 11, "is outside -2147483648 to 2147483647"),
        ("open: yes", "open", 1, 7, "true or false is wanted"),
        ("open: 1", "open", 1, 7, "true or false is wanted"),
        ("expiry: later", "expiry", 1, 9, "later is none of never, end_of_next_year"),
        ("expiry: unspecified", "expiry", 1, 9, "is none of"),
        ("expiry: NEVER", "expiry", 1, 9, "is none of"),
        ("expiry: 1", "expiry", 1, 9, "is none of"),
        ("lifetime: 30", "lifetime", 1, 11, "is no span of time such as 30d"),
        ("lifetime: 1 day", "lifetime", 1, 11, "is no span of time"),
        ("lifetime: ''", "lifetime", 1, 11, "is no span of time"),
        ("lifetime: [1d]", "lifetime", 1, 11, "a single value is wanted"),
        ("start_time: 2026-11-11T00:00:00", "start_time", 1, 13, "is no instant such as"),
        ("start_time: 2026-02-30T00:00:00Z", "start_time", 1, 13, "is no instant"),
        ("start_time: 0001-01-01T00:00:00+08:00", "start_time", 1, 13, "is no instant"),
        ("day: 2026-02-29", "day", 1, 6, "is no date such as 2026-01-31"),
        ("day: 20260131", "day", 1, 6, "is no date"),
        ("words: a", "words", 1, 8, "a is a string, a list is wanted"),
        ("words: [a, 7]", "words[1]", 1, 12, "7 is a whole number"),
        ("words: [a, [b]]", "words[1]", 1, 12, "is a list, a single value is wanted"),
        ("parts: {name: a}", "parts", 1, 8, "is a mapping, a list is wanted"),
        ("parts:\n- name: a\n- name: 3", "parts[1].name", 3, 9, "3 is a whole number"),
        ("part: a", "part", 1, 7, "a is a string, a mapping of keys is wanted"),
        ("part:", "part", 1, 6, "is nothing, a mapping of keys is wanted"),
        ("labels: [a]", "labels", 1, 9, "is a list, a mapping of keys is wanted"),
        ("labels: {a: b}", 'labels["a"]', 1, 13, "b is a string, a whole number is wanted"),
        ("labels: {7: 1}", "labels", 1, 10, "7 is a whole number, a string is wanted"),
        ("[a]", "", 1, 1, "is a list, a mapping of keys is wanted"),
        ("just text", "", 1, 1, "just text is a string"),
    ],
)
def test_what_is_wrong_is_one_fault_with_its_place(
    text: str, path: str, line: int, column: int, words: str
) -> None:
    (fault,) = read_message(text, Probe()).faults
    assert (fault.path, fault.line, fault.column) == (path, line, column)
    assert words in fault.message


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "is empty"),
        ("# nothing but words", 1, 1, "is empty"),
        ("name: [a", 1, 9, "is not YAML: expected ',' or ']'"),
        ("name: a\n\tpoints: 1", 2, 1, "is not YAML"),
        ("name: a: b", 1, 8, "is not YAML"),
        ("name: a\nx\u0007", 2, 2, "has a character that YAML forbids"),
        ("name: a\n---\nname: b", 2, 1, "holds more than one document"),
        ("name: !!str 7", 1, 7, "tags such as tag:yaml.org,2002:str are not known here"),
        ("name: !!python/object:os.system a", 1, 7, "tags such as"),
        ("name: *nowhere", 1, 7, "no anchor &nowhere stands before this alias"),
        ("part: &p {part: *p}", 1, 17, "no anchor &p stands before this alias"),
    ],
)
def test_a_text_that_is_no_yaml_is_refused_where_it_ends_to_be(
    text: str, line: int, column: int, words: str
) -> None:
    (fault,) = read_message(text, Probe()).faults
    assert (fault.path, fault.line, fault.column) == ("", line, column)
    assert words in fault.message


def test_a_file_may_nest_deep_but_not_without_end() -> None:
    assert not read_message("part: {" * 31 + "}" * 31, Probe()).faults
    (fault,) = read_message("part: {" * 32 + "part: {}" + "}" * 32, Probe()).faults
    assert "nested deeper than 32 levels" in fault.message
    (fault,) = read_message("[" * 100_000, Probe()).faults
    assert "nested deeper" in fault.message


def test_aliases_of_aliases_cannot_make_a_small_file_large() -> None:
    lines = ["words: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (fault,) = read_message("\n".join(lines), Probe()).faults
    assert "has more than 20000 keys and values" in fault.message
    assert fault.line == 5


def test_a_file_has_a_largest_size() -> None:
    padding = "#" * (262_144 - len("name: a\n"))
    assert not read_message("name: a\n" + padding, Probe()).faults
    (fault,) = read_message("name: a\n#" + padding, Probe()).faults
    assert "larger than 262144 bytes" in fault.message


def test_a_misspelt_key_counts_as_given() -> None:
    reading = read_message("nmae: 7\npart:\n  prats: [{points: x}]", Probe())
    assert [fault.path for fault in reading.faults] == [
        "nmae",
        "part.prats",
        "part.parts[0].points",
    ]
    assert reading.message.name == "7"


def test_a_value_out_of_shape_leaves_the_others_of_its_list_in_place() -> None:
    reading = read_message("words: [a, 7, c]", Probe())
    assert list(reading.message.words) == ["a", "7", "c"]


@pytest.mark.parametrize(
    ("path", "place"),
    [("parts[1].name", 3), ("parts[1].points", 3), ("parts[9].name", 1), ("other", 1)],
)
def test_a_path_that_is_not_in_the_file_stands_where_its_parent_does(path: str, place: int) -> None:
    reading = read_message("parts:\n- name: a\n- name: b", Probe())
    assert reading.place_of(path).line == place
