"""Paths into a program file: `scoring.models[0].levels[2].from_score`, `ledger.labels["owner"]`."""

from __future__ import annotations

import re


def child(path: str, name: str) -> str:
    """The path of a field of what is at `path`."""
    return f"{path}.{name}" if path else name


def item(path: str, position: int) -> str:
    """The path of an element of a list."""
    return f"{path}[{position}]"


def keyed(path: str, key: str | int | bool) -> str:
    """The path of an entry of a map."""
    return f'{path}["{key}"]' if isinstance(key, str) else f"{path}[{str(key).lower()}]"


def parent_of(path: str) -> str:
    """The path of what holds this one: `a.b[0].c`, `a.b[0]`, `a.b`, `a`, nothing."""
    if path.endswith('"]'):
        return path[: path.rindex('["')]
    return path[: max(path.rfind("."), path.rfind("["), 0)]


def related(path: str, other: str) -> bool:
    """Whether one of the two is the other or holds it."""
    return within(path, other) or within(other, path)


def within(path: str, outer: str) -> bool:
    """Whether `path` is `outer` or something in it."""
    return not outer or path == outer or path.startswith((f"{outer}.", f"{outer}["))


def names_of(path: str) -> list[str]:
    """The names of the fields on the way, without positions and keys."""
    return re.sub(r"\[(\d+|true|false|\"[^\"]*\")\]", "", path).split(".")
