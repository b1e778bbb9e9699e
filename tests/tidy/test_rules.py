"""Rules that none may skip and golden cases are each tested under their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from tests.tidy.tree import ROOT, files, report

# A row of table O: its number, its text, the rules it sums up.
RULE = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \|", re.MULTILINE)
CASE = re.compile(r"^- (P\d+)\.", re.MULTILINE)
# `def test_..._o29_k3(` names O29 and K3; elsewhere the number is written as in the book.
NAMED_BY_TEST = re.compile(r"def test_\w+")
NAMED = re.compile(r"(?<![A-Za-z0-9])[OP]\d+(?![0-9A-Za-z])")
CARDS = "N"
"""Prepaid shopping cards: the book has their rules, the services do not serve them."""


def chapter(heading: str) -> str:
    """What the rule book says under a heading."""
    book = (ROOT / "docs" / "rules.md").read_text()
    return re.split(r"^#{2,3} ", book.split(f"\n{heading}", 1)[1], maxsplit=1, flags=re.MULTILINE)[
        0
    ]


def rules() -> Iterator[str]:
    """The numbers of table O, less those of cards."""
    for number, _, ids in RULE.findall(chapter("## O. ")):
        if not all(each.startswith(CARDS) for each in ids.split()):
            yield f"O{number}"


def golden_cases() -> Iterator[str]:
    """The numbers of the cases P, less those of cards."""
    for part in range(1, 9):
        yield from CASE.findall(chapter(f"### P.{part} "))


@cache
def named_in_tests() -> frozenset[str]:
    """What tests and the cases that they read name."""
    found: set[str] = set()
    for path in files():
        here = path.is_relative_to(ROOT / "tests" / "tidy")
        if path.is_relative_to(ROOT / "tests") and path.suffix in {".py", ".yaml"} and not here:
            text = path.read_text()
            names = (each.upper() for each in NAMED_BY_TEST.findall(text))
            found.update(NAMED.findall(text), *(NAMED.findall(name) for name in names))
    return frozenset(found)


def unnamed(numbers: Iterable[str], names: frozenset[str]) -> Iterator[str]:
    """Numbers that no test has in its name."""
    return (f"no test is named for {each}" for each in numbers if each not in names)


def test_every_rule_that_none_may_skip_is_tested_by_its_number() -> None:
    assert len(list(rules())) == 49
    report(unnamed(rules(), named_in_tests()))


def test_every_golden_case_is_tested_by_its_number() -> None:
    assert len(list(golden_cases())) > 40
    report(unnamed(golden_cases(), named_in_tests()))


def test_a_number_without_a_test_is_found() -> None:
    assert list(unnamed(["O29", "O99"], named_in_tests())) == ["no test is named for O99"]
