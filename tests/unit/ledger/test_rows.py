"""The tables of the rules: rows enough, and every refusal that the rules know stands in one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from laurel_ledger import domain
from laurel_ledger.domain import errors

ROWS_MIN = 400
DOMAIN = Path(domain.__file__).parent
TABLES = Path(__file__).parent


def refusals() -> set[str]:
    """Names of the refusals that the rules raise."""
    return {
        node.exc.func.id
        for path in DOMAIN.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and isinstance(getattr(errors, node.exc.func.id, None), type)
    }


def rows() -> list[ast.expr]:
    """The rows that are written down for the tests of the ledger's rules; what is drawn or counted
    out is none.
    """
    return [
        row
        for path in sorted(TABLES.glob("test_*.py"))
        for table in tables_of(ast.parse(path.read_text()))
        for row in table.elts
        if not isinstance(row, ast.Starred)
    ]


def tables_of(module: ast.Module) -> Iterator[ast.List]:
    """The lists that tests are parametrized with, where they stand or by their name; each once."""
    named = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    calls = [
        node.args[1]
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "parametrize"
    ]
    tables = [named.get(each.id) if isinstance(each, ast.Name) else each for each in calls]
    seen = {id(each): each for each in tables if isinstance(each, ast.List)}
    yield from seen.values()


def test_there_are_enough_rows() -> None:
    assert len(rows()) >= ROWS_MIN


@pytest.mark.parametrize("refusal", sorted(refusals()))
def test_every_refusal_of_the_rules_stands_in_a_row(refusal: str) -> None:
    names = {node.id for row in rows() for node in ast.walk(row) if isinstance(node, ast.Name)}
    assert refusal in names
