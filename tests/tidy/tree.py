"""What the tidy tests read: the files of the tree, and Python sources as syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("ledger", "scoring", "benefits")
GENERATED = ("shared/laurel/", "shared/buf/")
# Folders that tools make; every other folder with a leading dot but `.ci` is a tool's too.
MADE_BY_TOOLS = {"__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its absolute dotted name."""

    module: str
    line: int

    def within(self, *packages: str) -> bool:
        """Whether it is one of `packages` or stands below one."""
        return any(self.module == name or self.module.startswith(f"{name}.") for name in packages)


@dataclass(frozen=True)
class Source:
    """A Python file by its path from the root of the tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree; walking it is what most checks do."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parts

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def service(self) -> str | None:
        """The service it belongs to: `ledger` for `services/laurel_ledger/...`."""
        if self.parts[0] == "services" and len(self.parts) > 2:
            return self.parts[1].removeprefix("laurel_")
        return None

    @property
    def room(self) -> str | None:
        """The folder or file directly inside the service: `domain`, `handlers`, `faults`."""
        return self.parts[2].removesuffix(".py") if self.service else None

    @property
    def package(self) -> str:
        """The dotted name of the package it stands in."""
        parts = self.parts[1:-1] if self.parts[0] in {"services", "shared"} else self.parts[:-1]
        return ".".join(parts)

    def at(self, line: int, text: str) -> str:
        return f"{self.path}:{line}: {text}"

    @cached_property
    def imports(self) -> list[Import]:
        """Every module that is imported anywhere in the file, for types only included.

        `from a import b` names both `a` and `a.b`, for `b` may be a module.
        """
        return [found for node in self.nodes for found in self._imports_of(node)]

    def _imports_of(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = self._absolute(node)
            yield Import(base, node.lineno)
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.package.split(".")
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, node.module] if node.module else base)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def classes(self) -> Iterator[ast.ClassDef]:
        for node in self.nodes:
            if isinstance(node, ast.ClassDef):
                yield node

    def strings(self) -> Iterator[ast.Constant]:
        """Every text literal that is no docstring."""
        documentation = {id(node) for node in self._docstrings()}
        for node in self.nodes:
            literal = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if literal and id(node) not in documentation:
                yield node

    def _docstrings(self) -> Iterator[ast.AST]:
        """Texts that stand alone as a statement: of modules, classes, functions and fields."""
        for node in self.nodes:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                yield node.value

    def prose(self) -> Iterator[tuple[int, str]]:
        """Docstrings and comments with the line they begin on."""
        for node in self._docstrings():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
        for number, line in enumerate(self.lines, start=1):
            if comment := re.search(r"(?:^|\s)#\s(.*)", line):
                yield number, comment[1]


Check = Callable[[Source], Iterable[str]]


def python(text: str, path: str = "services/laurel_ledger/domain/example.py") -> Source:
    """A source made up by a test, to see a check fail."""
    return Source(path, text)


def offences(check: Check, sources: Iterable[Source]) -> list[str]:
    """Everything `check` finds, in the order of the files."""
    return [offence for source in sources for offence in check(source)]


def report(found: Iterable[str]) -> None:
    """Fail with every offence on a line of its own."""
    lines = list(found)
    assert not lines, "\n".join(["", *lines])


@cache
def files() -> tuple[Path, ...]:
    """Every file of the tree that people wrote or that is committed, by path."""
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        hidden = path.name.startswith(".") and path.name not in {".ci", ".gitignore"}
        if hidden or path.name in MADE_BY_TOOLS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def every_source() -> tuple[Source, ...]:
    """The Python files of the tree that are not generated, each parsed once for all tests."""
    return tuple(
        Source(relative(path), path.read_text())
        for path in files()
        if path.suffix == ".py" and not relative(path).startswith(GENERATED)
    )


def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files below `folders` (default: everywhere) that are not generated."""
    chosen = tuple(f"{folder}/" for folder in folders) or ("",)
    return tuple(source for source in every_source() if source.path.startswith(chosen))


def product() -> tuple[Source, ...]:
    """What runs: the kit, the command and the services, without tests and tools."""
    return sources("shared", "services")


def snake(name: str) -> str:
    """`PostTransaction` as `post_transaction`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
