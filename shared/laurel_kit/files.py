"""Files that may change while the server runs: keys, certificates, policies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

Value = TypeVar("Value")

LOOK_INTERVAL = 1.0
"""Seconds between two looks at a file; a changed one counts at most this much late."""

_LOG = structlog.stdlib.get_logger(__name__)


class FileUnusable(Exception):
    """A file that the settings name cannot be read, or is not what it should be."""


class Watched(Generic[Value]):
    """What is read from some files, read again when one of them changes.

    A file that cannot be read at the start raises FileUnusable. Later on the last good value
    stays: half of a file that is being written must not lock every caller out.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[Sequence[Path]], Value],
    ) -> None:
        self._paths = tuple(paths)
        self._read = read
        self._looked = time.monotonic()
        try:
            self._marks = marks_of(self._paths)
            self._value = read(self._paths)
        except (OSError, ValueError) as error:
            raise FileUnusable(f"{', '.join(map(str, paths))}: {error}") from error

    def value(self) -> Value:
        """The present value."""
        now = time.monotonic()
        if now - self._looked >= LOOK_INTERVAL:
            self._looked = now
            self._look()
        return self._value

    def _look(self) -> None:
        try:
            marks = marks_of(self._paths)
            if marks != self._marks:
                self._value = self._read(self._paths)
                self._marks = marks
                _LOG.info("read again", files=[str(path) for path in self._paths])
        except (OSError, ValueError):
            _LOG.exception("cannot be read; the last good version counts", files=self._paths)


def marks_of(paths: Sequence[Path]) -> tuple[tuple[int, int, int], ...]:
    """What changes when a file does: time, size and, where it was replaced, its number."""
    stats = [path.stat() for path in paths]
    return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)
