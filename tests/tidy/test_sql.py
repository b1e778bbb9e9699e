"""SQL stands where it belongs, is written in lower case, and names the columns it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.tidy.tree import Source, offences, product, python, report

# The beginning of a statement, or of a clause that is put together with others.
STATEMENT = re.compile(
    r"^\s*(?:--[^\n]*\n\s*)*(?:select\s+(?:[\d:(]|\w+\s*\(|\S.*\sfrom\s)|insert\s+into\s|update\s+\w+\s+(?:\w+\s+)?set\s"
    r"|delete\s+from\s|with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s+(?:materialized\s*)?\("
    r"|create\s+(?:unique\s+)?(?:table|index|role|database|function|schema)\s"
    r"|alter\s+(?:table|role|database|default)\s|drop\s+(?:table|index|database|role)\s"
    r"|grant\s+\w+|revoke\s+\w+|truncate\s+(?:table\s+)?\w+\s*$|lock\s+table\s"
    r"|set\s+(?:local\s+)?\w+\s*(?:=|to)\s|copy\s+\w+\s*\()",
    re.IGNORECASE | re.DOTALL,
)
KEYWORDS = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|FROM|JOIN|ORDER BY|GROUP BY|VALUES|RETURNING"
    r"|CREATE|ALTER|GRANT|REVOKE|ON CONFLICT|FOR UPDATE|NOT NULL|PRIMARY KEY|REFERENCES)\b"
)
# Of the kit these keep tables; the supervisor makes databases and roles.
KEEPERS = {
    "database", "migrations", "postgres", "schema", "requests", "outbox", "feed", "timers",
    "operations", "operation_table", "sandbox",
}  # fmt: skip


def statements(source: Source) -> Iterator[tuple[int, str]]:
    """Every text of the file that is SQL, with its line."""
    for literal in source.strings():
        if STATEMENT.match(str(literal.value)):
            yield literal.lineno, str(literal.value)


def keeps_tables(source: Source) -> bool:
    """Whether SQL belongs into the file."""
    if source.service:
        return source.room == "storage"
    if source.parts[:2] == ("shared", "laurel_kit"):
        rest = {part.removesuffix(".py") for part in source.parts[2:]}
        return bool(rest & KEEPERS) or rest >= {"programs", "storage"}
    return False


def stray_statements(source: Source) -> Iterator[str]:
    """SQL stands in `storage/` of a service and in the kit's keepers of tables."""
    if not keeps_tables(source):
        for line, text in statements(source):
            yield source.at(line, f"SQL outside storage: {text.split(maxsplit=3)[:3]}")


def loud_statements(source: Source) -> Iterator[str]:
    """SQL is written in lower case."""
    for line, text in statements(source):
        if found := KEYWORDS.search(re.sub(r"'[^']*'", "", text)):
            yield source.at(line, f"{found[0]} in capitals")


def composed_statements(source: Source) -> Iterator[str]:
    """`select *` reads columns that a later migration adds, and no reader asked for."""
    for line, text in statements(source):
        if re.search(r"select\s+\*\s+from\s+\w+\b(?!\s*\()", text):
            yield source.at(line, "select *: name the columns")


CHECKS = {
    check.__name__: check for check in (stray_statements, loud_statements, composed_statements)
}
HANDLER = "services/laurel_ledger/handlers/lots.py"
STORAGE = "services/laurel_ledger/storage/lots.py"
VIOLATIONS = [
    ("stray_statements", HANDLER, 'SQL = "select remaining from lot"'),
    ("stray_statements", HANDLER, 'SQL = "update lot set remaining = 0"'),
    ("stray_statements", "shared/laurel_kit/pages.py", 'SQL = "delete from outbox"'),
    ("stray_statements", HANDLER, 'SQL = "with open_lot as (select 1) select 2"'),
    ("loud_statements", STORAGE, 'SQL = "SELECT remaining from lot"'),
    ("loud_statements", STORAGE, 'SQL = "select remaining from lot WHERE true"'),
    ("composed_statements", STORAGE, 'SQL = "select * from lot"'),
    ("composed_statements", STORAGE, 'SQL = "insert into lot select * from open_lot"'),
]
ALLOWED = [
    (HANDLER, 'TEXT = "select one of these offers, with care"'),
    (HANDLER, '"""Update the lot set in the request."""'),
    (STORAGE, "SQL = \"select remaining from lot where state = 'FROM'\""),
    (STORAGE, 'SQL = "insert into lot select * from unnest($1::text[], $2::int[])"'),
    ("shared/laurel_kit/outbox.py", 'SQL = "insert into outbox values (1)"'),
]


@pytest.mark.parametrize("check", CHECKS)
def test_sql_keeps_its_place_and_its_case(check: str) -> None:
    report(offences(CHECKS[check], product()))


@pytest.mark.parametrize(("check", "path", "text"), VIOLATIONS)
def test_sql_out_of_place_is_found(check: str, path: str, text: str) -> None:
    assert offences(CHECKS[check], [python(text, path)])


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_prose_and_sql_in_its_place_pass(path: str, text: str) -> None:
    for check in CHECKS.values():
        report(offences(check, [python(text, path)]))
