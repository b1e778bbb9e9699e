"""Conditions of a program: what holds, and what is refused before a program is used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from laurel_kit.programs.expressions import (
    ConditionInvalid,
    Kind,
    Value,
    compile_condition,
)

VARIABLES = {
    "kind": Kind.STRING,
    "days": Kind.INTEGER,
    "tags": Kind.STRINGS,
    "first": Kind.BOOLEAN,
    "at": Kind.INSTANT,
}
VALUES: dict[str, Value] = {
    "kind": "review",
    "days": 3,
    "tags": ["vip", "new"],
    "first": True,
    "at": datetime(2026, 11, 10, 16, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("true", True),
        ("kind == 'review' && days < 4", True),
        ("kind == 'review' && days < 3", False),
        ("days >= 3 && days <= 3 && !(days > 3)", True),
        ("kind in ['order', 'review']", True),
        ("'vip' in tags || first", True),
        ("first ? days > 5 : days > 1", False),
        ("tags.exists(t, t.startsWith('v'))", True),
        ("tags.all(t, t.contains('e'))", False),
        ("size(tags) == 2 && kind.size() == 6 && kind.endsWith('ew')", True),
        ("at >= timestamp('2026-11-11T00:00:00+08:00')", True),
        ("at < timestamp('2026-11-11T00:00:00+08:00')", False),
        ("days != -1", True),
    ],
)
def test_a_condition_holds_or_does_not(text: str, holds: bool) -> None:
    assert compile_condition(text, VARIABLES).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour == 'red'", "undeclared reference to 'colour' at column 1"),
        ("first &&\n colour && shape", "'colour' at line 2, column 2; undeclared reference to 'sh"),
        ("kind == 3", "no matching overload for '_==_' applied to '(string, int)' at column 6"),
        ("days > 1.5", "no matching overload"),
        ("days", "is INT, a condition is true or false"),
        ("kind", "is STRING"),
        ("", "Syntax error"),
        ("kind ==", "Syntax error"),
        ("days / 2 == 1", "uses divide_int64, which may fail"),
        ("days + 1 == 4", "uses add_int64"),
        ("tags[0] == 'vip'", "uses index_list"),
        ("int(kind) == 3", "uses string_to_int64"),
        ("kind.matches('(a+)+$')", "uses matches_string"),
        ("tags.map(t, t + 'x').size() > 0", "uses add_list, add_string"),
        ("{'a': 1}.b == 1", "uses fields or structures"),
        ("tags.all(t, tags.exists(u, u == t))", "has a loop within a loop"),
        ("at > timestamp('yesterday')", '"yesterday" is no instant'),
        ("at > timestamp(kind)", "is no instant"),
        ("(" * 40 + "first" + ")" * 40, "is nested too deeply"),
        ("first" + " || first" * 200, "is longer than 1000 characters"),
    ],
)
def test_what_could_fail_or_mean_nothing_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConditionInvalid) as refusal:
        compile_condition(text, VARIABLES)
    assert words in refusal.value.message


def test_a_condition_wants_the_variables_it_looks_at_and_no_others() -> None:
    condition = compile_condition("days > 1 && tags.exists(days, days == kind)", VARIABLES)
    assert condition.names == ("kind", "days", "tags")
    assert condition.holds({"days": 2, "tags": ["a"], "kind": "a"})
    with pytest.raises(KeyError):
        condition.holds({"days": 2})


def test_a_condition_of_another_kind_of_value_is_a_fault_of_the_caller() -> None:
    condition = compile_condition("days > 1", VARIABLES)
    with pytest.raises(AssertionError):
        condition.holds({"days": "many"})


@pytest.mark.parametrize(
    ("text", "compared", "is_closed"),
    [
        ('days > 5 && kind == "a"', {"days": {5}, "kind": {"a"}}, True),
        ('kind in ["a", "b"] || !ok', {"kind": {"a", "b"}, "ok": set()}, True),
        ('"a" in tags ? days < 3 : days < 4', {"tags": {"a"}, "days": {3, 4}}, True),
        ('kind.startsWith("a")', {"kind": {"a"}}, True),
        ("size(tags) > 1", {"tags": set()}, False),
        ('tags.exists(tag, tag == "a")', {"tags": set()}, False),
        ("days > other", {"days": set(), "other": set()}, False),
    ],
)
def test_a_condition_says_what_its_variables_are_compared_with(
    text: str, compared: dict[str, set[object]], is_closed: bool
) -> None:
    variables = {
        "kind": Kind.STRING,
        "days": Kind.INTEGER,
        "other": Kind.INTEGER,
        "tags": Kind.STRINGS,
        "ok": Kind.BOOLEAN,
    }
    condition = compile_condition(text, variables)
    assert (condition.compared, condition.is_closed) == (compared, is_closed)
