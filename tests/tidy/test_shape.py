"""The shape of code: how long a function and a file may be, and how things are called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy.tree import Source, offences, product, python, report, sources

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
# A name that fits everything says nothing.
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc", "base", "manager"}
WORDS_OF_A_TEST_MIN = 3


def long_functions(source: Source) -> Iterator[str]:
    """A function fits on a screen."""
    for function in source.functions():
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield source.at(function.lineno, f"{function.name} has {lines} lines")


def long_files(source: Source) -> Iterator[str]:
    """A file has one subject."""
    if len(source.lines) > FILE_LINES_MAX:
        yield source.at(1, f"{len(source.lines)} lines: split it by its subjects")


def empty_names(source: Source) -> Iterator[str]:
    """Files and folders are named for their subject."""
    for part in source.parts:
        if part.removesuffix(".py") in EMPTY_NAMES:
            yield source.at(1, f"{part!r} names no subject")


def silent_modules(source: Source) -> Iterator[str]:
    """A module opens with a sentence that says what it is about."""
    if source.name != "__init__.py" and source.text.strip():
        opening = ast.get_docstring(source.tree) or ""
        if not re.match(r"[\w`'\"(].*[.:]", opening, re.DOTALL):
            yield source.at(1, "opens without a sentence about its subject")


def unfinished_code(source: Source) -> Iterator[str]:
    """What is declared is done; only a Protocol has empty bodies."""
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield source.at(node.lineno, "declared and not done")
    for owner in source.classes():
        if any("Protocol" in ast.unparse(base) for base in owner.bases):
            continue
        for function in owner.body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and _empty(function):
                yield source.at(function.lineno, f"{owner.name}.{function.name} does nothing")


def _empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether nothing but a docstring and an ellipsis stands in it."""
    decorators = {ast.unparse(decorator).split(".")[-1] for decorator in function.decorator_list}
    if decorators & {"overload", "abstractmethod"}:
        return False
    statements = [
        statement
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    ellipsis = any(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is ...
        for statement in function.body
    )
    return not statements and ellipsis


def unexplained_exceptions(source: Source) -> Iterator[str]:
    """A rule of lint or of types that is broken has its reason on the same line."""
    for number, line in enumerate(source.lines, start=1):
        if found := re.search(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)", line):
            named = re.match(r"(\[[\w, -]+\]|:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)", found["rest"])
            reason = found["rest"][named.end() :] if named else ""
            if not re.search(r"[A-Za-z]{3}", reason):
                yield source.at(number, "an ignored rule without its name and reason")


CHECKS = {
    check.__name__: check
    for check in (
        long_functions,
        long_files,
        empty_names,
        silent_modules,
        unfinished_code,
        unexplained_exceptions,
    )
}
LONG = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
OPENING = '"""A subject."""\n'
VIOLATIONS = [
    ("long_functions", "a.py", LONG),
    ("long_functions", "a.py", LONG.replace("def", "async def")),
    ("long_files", "a.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    ("empty_names", "services/laurel_ledger/utils.py", OPENING),
    ("empty_names", "shared/laurel_kit/common/a.py", OPENING),
    ("silent_modules", "a.py", "x = 1\n"),
    ("silent_modules", "a.py", '"""No full stop"""'),
    ("unfinished_code", "a.py", "def f():\n    raise NotImplementedError"),
    ("unfinished_code", "a.py", "class A:\n    def f(self): ..."),
    ("unexplained_exceptions", "a.py", "x = 1  # no" + "qa"),
    ("unexplained_exceptions", "a.py", "x = 1  # no" + "qa: S101"),
    ("unexplained_exceptions", "a.py", "x = 1  # type: " + "ignore[misc]"),
]
ALLOWED = [
    ("long_functions", LONG.replace("    x = 1\n", "", 1)),
    ("unfinished_code", "class A(Protocol):\n    def f(self): ..."),
    ("unexplained_exceptions", "x = 1  # no" + "qa: S101 - the reason"),
    ("unexplained_exceptions", "x = 1  # type: " + "ignore[misc]  # the reason"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_code_keeps_its_shape(check: str) -> None:
    report(offences(CHECKS[check], sources()))


@pytest.mark.parametrize(("check", "path", "text"), VIOLATIONS)
def test_what_outgrows_the_shape_is_found(check: str, path: str, text: str) -> None:
    assert offences(CHECKS[check], [python(text, path)])


@pytest.mark.parametrize(("check", "text"), ALLOWED)
def test_what_keeps_the_shape_passes(check: str, text: str) -> None:
    report(offences(CHECKS[check], [python(text)]))


def short_test_names(source: Source) -> Iterator[str]:
    """The name of a test is a sentence."""
    for function in source.functions():
        if function.name.startswith("test_") and source.name != "conftest.py":
            words = function.name.removeprefix("test_").split("_")
            if len(words) < WORDS_OF_A_TEST_MIN:
                yield source.at(function.lineno, f"{function.name} is no sentence")


def test_names_of_tests_are_sentences() -> None:
    report(offences(short_test_names, sources("tests")))


def test_a_short_test_name_is_found() -> None:
    assert offences(short_test_names, [python("def test_get_lot(): pass".replace("_lot", ""))])


def lonely_folders(paths: list[str]) -> Iterator[str]:
    """A folder holds several files of one subject; a single file needs no folder."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name != "__init__.py":
            folders.setdefault(folder, set()).add(name)
        folders.setdefault(folder.rpartition("/")[0], set()).add(folder)
    for folder, names in sorted(folders.items()):
        if len(names) == 1 and "migrations" not in folder and folder not in {"", "shared"}:
            yield f"{folder}: a folder for {next(iter(names))} alone"


def test_no_folder_is_made_for_one_file() -> None:
    report(lonely_folders([source.path for source in product()]))


def test_a_folder_for_one_file_is_found() -> None:
    kit = "shared/laurel_kit"
    assert list(lonely_folders([f"{kit}/a/only.py", f"{kit}/b.py", f"{kit}/c.py"]))
    assert not list(lonely_folders([f"{kit}/a/one.py", f"{kit}/a/two.py", f"{kit}/b.py"]))
