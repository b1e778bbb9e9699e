"""The time of day comes from the clock, and the environment is read in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy.tree import Source, offences, product, python, report, sources

CLOCK = "shared/laurel_kit/clock.py"
WALL_TIME = {
    "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.datetime.today", "date.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime",
}  # fmt: skip
# The time of the database is not the time of the sandbox's clock.
SQL_TIME = re.compile(
    r"\b(now\s*\(\s*\)|current_timestamp|current_date|localtimestamp|clock_timestamp"
    r"|statement_timestamp|transaction_timestamp)",
    re.IGNORECASE,
)
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
ENVIRONMENT_READERS = re.compile(r"(^|/)(settings|__main__)\.py$|^shared/laurel_cli/")


def dotted(node: ast.AST) -> str:
    """`datetime.now` of the syntax of `datetime.now`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def wall_time(source: Source) -> Iterator[str]:
    """Only the clock asks the machine what time it is."""
    if source.path == CLOCK:
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and dotted(node) in WALL_TIME:
            yield source.at(node.lineno, f"{dotted(node)}: ask laurel_kit.clock")
    for found in source.imports:
        if found.module in WALL_TIME:
            yield source.at(found.line, f"imports {found.module}: ask laurel_kit.clock")


def database_time(source: Source) -> Iterator[str]:
    """SQL gets the time as a parameter, or the sandbox's clock would not move it."""
    for literal in source.strings():
        for match in SQL_TIME.finditer(str(literal.value)):
            if re.search(r"\b(select|insert|update|delete|create)\b", str(literal.value)):
                yield source.at(literal.lineno, f"SQL asks for {match[0]}: pass the time in")


def environment(source: Source) -> Iterator[str]:
    """Settings are read once, at the start, and handed down."""
    if ENVIRONMENT_READERS.search(source.path):
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and dotted(node) in ENVIRONMENT:
            yield source.at(node.lineno, f"{dotted(node)}: take it from the settings")
    for found in source.imports:
        if found.module in ENVIRONMENT:
            yield source.at(found.line, f"imports {found.module}: take it from the settings")


CHECKS = {check.__name__: check for check in (wall_time, database_time, environment)}
VIOLATIONS = [
    ("wall_time", "from datetime import datetime, UTC\nx = datetime.now(UTC)"),
    ("wall_time", "import datetime\nx = datetime.date.today()"),
    ("wall_time", "import time\nx = time.time()"),
    ("wall_time", "from time import time_ns"),
    ("wall_time", "from datetime import datetime\nfactory = datetime.now"),
    ("database_time", 'SQL = "insert into hold values (1, now())"'),
    ("database_time", 'SQL = "select current_timestamp"'),
    ("environment", "import os\nx = os.environ['HOME']"),
    ("environment", "from os import environ"),
    ("environment", "import os\nx = os.getenv('HOME')"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_time_and_environment_are_asked_for_in_one_place(check: str) -> None:
    report(offences(CHECKS[check], product()))


@pytest.mark.parametrize(("check", "text"), VIOLATIONS)
def test_asking_elsewhere_is_found(check: str, text: str) -> None:
    assert offences(CHECKS[check], [python(text)])


def test_measuring_a_span_is_not_asking_the_time() -> None:
    report(offences(wall_time, [python("import time\nx = time.monotonic()")]))


def sleeping_tests(source: Source) -> Iterator[str]:
    """A test waits for something, never for a while; zero only lets others run."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in {"time.sleep", "asyncio.sleep"}:
            yields = node.args and isinstance(node.args[0], ast.Constant) and not node.args[0].value
            if not yields:
                yield source.at(node.lineno, f"{dotted(node.func)}: wait for what is to happen")


def test_tests_do_not_sleep() -> None:
    report(offences(sleeping_tests, sources("tests/unit", "tests/storage", "tests/contract")))


def test_a_sleeping_test_is_found() -> None:
    assert offences(sleeping_tests, [python("import time\ntime.sleep(1)")])
    assert not offences(sleeping_tests, [python("import asyncio\nx = asyncio.sleep(0)")])
