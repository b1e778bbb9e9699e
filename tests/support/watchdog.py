"""What ends a test process that hangs where no exception reaches it.

The limit of a test raises an exception in it, which a thread that waits in C never sees, and which
a loop swallows when it strikes in a callback. So a test that outlives its limit has its tasks told,
and a thread of the fault handler, which needs nothing of Python, says where every thread stands and
ends the process: a run fails within minutes and names the place. The process that hands out the
tests is watched as well: it may wait for no longer than the longest test takes.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
from collections.abc import Iterator
from io import StringIO
from threading import Timer

import pytest

MERCY = 60.0
"""Seconds beyond a test's own limit, in which an ordinary failure may still be told."""

SILENCE = 2100.0
"""Seconds without a test that begins or ends; longer than the limit of any test and its mercy."""

FAREWELL = 180.0
"""Seconds a process may take to end once its last test is over."""


class Watchdog:
    """Watches this process from its configuration to its end."""

    NAME = "watchdog"

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """Where the tests run, once it does."""
        # The ordinary one is captured while a test runs.
        self.stderr = os.dup(2)
        self.watch(SILENCE)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch a test with all its fixtures, then the wait for the next one."""
        self.watch(limit_of(item) + MERCY)
        telling = Timer(limit_of(item) + MERCY / 2, self.tell_tasks, [item])
        telling.daemon = True
        telling.start()
        try:
            return (yield)
        finally:
            telling.cancel()
            self.watch(SILENCE)

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector) -> None:
        """Watch on: pytest calls its own dog off when a test fails, and with it this one."""
        if isinstance(node, pytest.Item):
            self.watch(limit_of(node) + MERCY)

    def pytest_runtest_logfinish(self) -> None:
        """Watch the wait for other processes, when it is they who run the tests."""
        self.watch(SILENCE)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Watch the end of the process."""
        self.watch(FAREWELL)

    def watch(self, seconds: float) -> None:
        """End this process unless it is heard of again."""
        faulthandler.dump_traceback_later(seconds, exit=True, file=self.stderr)

    def tell_tasks(self, item: pytest.Item) -> None:
        """Say what the tasks of a test that hangs wait for."""
        told = StringIO()
        told.write(f"{item.nodeid} goes on and on\n")
        for task in asyncio.all_tasks(self.loop) if self.loop else ():
            task.print_stack(file=told)
        os.write(self.stderr, told.getvalue().encode())


def limit_of(item: pytest.Item) -> float:
    """Seconds a test may take by its mark, or by the setting of all."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0] if mark else item.config.getini("timeout"))
