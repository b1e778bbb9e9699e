"""What ends a test process that hangs where no exception reaches it: in a lock, a fork, its exit.

The limit of a test raises an exception in it, which a thread that waits in C never sees. A thread
of the fault handler does: it says where every thread stands and ends the process, so that a run
fails within minutes and names the place. The process that hands out the tests is watched as well:
it may wait for no longer than the longest test takes.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator

import pytest

MERCY = 60.0
"""Seconds beyond a test's own limit, in which an ordinary failure may still be told."""

SILENCE = 1200.0
"""Seconds without a test that begins or ends; longer than the limit of any test."""

FAREWELL = 180.0
"""Seconds a process may take to end once its last test is over."""

STDERR = os.dup(2)
"""Where to say it: a test captures the ordinary one."""


def pytest_sessionstart() -> None:
    """Watch the collection, and the wait for a first test."""
    watch(SILENCE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Watch a test with all its fixtures, then the wait for the next one."""
    watch(limit_of(item) + MERCY)
    try:
        return (yield)
    finally:
        watch(SILENCE)


def pytest_runtest_logreport() -> None:
    """Something was heard of a worker: where tests are handed out, this is what is waited for."""
    if "PYTEST_XDIST_WORKER" not in os.environ and "PYTEST_CURRENT_TEST" not in os.environ:
        watch(SILENCE)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Watch the end of the process."""
    watch(FAREWELL)


def watch(seconds: float) -> None:
    """End this process unless it is heard of again."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)


def limit_of(item: pytest.Item) -> float:
    """Seconds a test may take by its mark, or by the setting of all."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0] if mark else item.config.getini("timeout"))
