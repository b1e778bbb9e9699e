"""Amounts are integers, and the numbers and names of programs stand in program files only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.tidy.tree import ROOT, Source, offences, python, report, sources

# Rooms in which a business number could hide. Storage, settings and wiring have technical ones.
ROOMS = {"domain", "handlers", "wire", "servicer", "servicers"}
# What only one program has; ids of its rules are common words.
PROGRAM_NAME = re.compile(r"(?:program|asset|account|model|plan|benefit)_id: *[\"']?([\w.:-]+)")
LITERAL_MAX = 99
DAYS_MAX = 1


def floating_amounts(source: Source) -> Iterator[str]:
    """No rule knows a float, nor the division that makes one."""
    if source.room != "domain":
        return
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id in {"float", "Decimal"}:
            yield source.at(node.lineno, f"a rule uses {node.id}")
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield source.at(node.lineno, f"a rule uses {node.value}")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield source.at(node.lineno, "a rule divides with /: name the rounding")


def business_numbers(source: Source) -> Iterator[str]:
    """A number above 99 is a constant with a name and a reason, and no program's number."""
    if source.room not in ROOMS:
        return
    explained = explained_constants(source)
    for node in source.nodes:
        number = isinstance(node, ast.Constant) and type(node.value) is int
        if number and abs(node.value) > LITERAL_MAX and node.lineno not in explained:
            yield source.at(node.lineno, f"the number {node.value}: a program file says it")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("timedelta"):
            yield from business_spans(source, node)


def business_spans(source: Source, call: ast.Call) -> Iterator[str]:
    """A span of several days is a rule of some program."""
    for keyword in call.keywords:
        literal = isinstance(keyword.value, ast.Constant)
        if literal and keyword.arg in {"days", "weeks"} and keyword.value.value > DAYS_MAX:
            yield source.at(call.lineno, f"{ast.unparse(call)}: a program file says it")


def explained_constants(source: Source) -> set[int]:
    """The lines of named constants that are instants, or have a comment or a text beside them."""
    explained: set[int] = set()
    body = source.tree.body
    for position, node in enumerate(body):
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if not (isinstance(target, ast.Name) and re.fullmatch(r"_?[A-Z][A-Z0-9_]*", target.id)):
            continue
        following = body[position + 1] if position + 1 < len(body) else None
        documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        instant = ast.unparse(node.value or target).startswith(("datetime(", "date("))
        around = source.lines[max(node.lineno - 2, 0) : node.end_lineno]
        if documented or instant or any("#" in line for line in around):
            explained |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return explained


@cache
def program_names() -> frozenset[str]:
    """Every id that a program file declares: `jd`, `bean`, `jingxiang`, `plus-year`."""
    names: set[str] = set()
    for path in sorted((ROOT / "shared" / "programs").glob("*.yaml")):
        names |= {match[1] for match in PROGRAM_NAME.finditer(path.read_text())}
    return frozenset(names)


def business_names(source: Source, names: frozenset[str] | None = None) -> Iterator[str]:
    """No code of a service or of the kit knows what a program calls its things."""
    if not (source.service or source.parts[:2] == ("shared", "laurel_kit")):
        return
    known = program_names() if names is None else names
    for literal in source.strings():
        if literal.value in known:
            yield source.at(literal.lineno, f"{literal.value!r} is a name of a program")


CHECKS = {check.__name__: check for check in (floating_amounts, business_numbers, business_names)}
VIOLATIONS = [
    ("floating_amounts", "half = amount / 2"),
    ("floating_amounts", "amount /= 2"),
    ("floating_amounts", "rate = 0.5"),
    ("floating_amounts", "def share(part: float) -> int: ..."),
    ("business_numbers", "def allowed(score):\n    return score > 4500"),
    ("business_numbers", "PRICE_LOW = 14_800"),
    ("business_numbers", "from datetime import timedelta\nTRIAL = timedelta(days=30)"),
]
ALLOWED = [
    ("floating_amounts", "half = amount // 2"),
    ("business_numbers", "# Basis points of a whole (X3).\nWHOLE = 10_000"),
    ("business_numbers", "WHOLE = 10_000\n'''Basis points of a whole (X3).'''"),
    ("business_numbers", "from datetime import datetime\nEPOCH = datetime(1970, 1, 1)"),
    ("business_numbers", "from datetime import timedelta\nnext_day = day + timedelta(days=1)"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_numbers_and_names_of_programs_stay_out_of_code(check: str) -> None:
    report(offences(CHECKS[check], sources("services", "shared")))


@pytest.mark.parametrize(("check", "text"), VIOLATIONS)
def test_a_number_of_a_program_in_code_is_found(check: str, text: str) -> None:
    assert offences(CHECKS[check], [python(text)])


@pytest.mark.parametrize(("check", "text"), ALLOWED)
def test_a_number_of_the_trade_passes(check: str, text: str) -> None:
    report(offences(CHECKS[check], [python(text)]))


def test_a_name_of_a_program_in_code_is_found() -> None:
    found = business_names(python('ASSET = "bean"'), frozenset({"bean"}))
    assert list(found)
    documented = business_names(python('"""bean"""\nasset = beans'), frozenset({"bean"}))
    assert not list(documented)
