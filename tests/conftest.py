"""Fixtures for every kind of test."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import settings
from laurel_kit.clock import SettableClock
from laurel_kit.postgres import PostgresServer
from laurel_kit.programs import registry, revisions
from laurel_kit.programs.loading import Examination, examine
from laurel_kit.programs.sections import ProgramSection
from xdist.remote import Producer

from tests.support.clocks import settable_clock
from tests.support.databases import DatabaseOf, TestDatabases
from tests.support.postgres import shared_server
from tests.support.scheduling import ByFileAndGroup
from tests.support.tasks import left_behind
from tests.support.watchdog import Watchdog

# How long an example takes says what else the machine does, not whether the rule holds.
settings.register_profile("laurel", deadline=None)
settings.load_profile("laurel")


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands at noon of 10 March 2026 in Shanghai until it is set."""
    return settable_clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, shared by all test processes."""
    with shared_server() as server:
        yield server


@pytest.fixture(scope="session")
async def test_databases(postgres: PostgresServer) -> AsyncIterator[TestDatabases]:
    """The maker of databases."""
    databases = TestDatabases(postgres)
    await databases.clear()
    yield databases
    await databases.close()


@pytest.fixture
async def database_of(test_databases: TestDatabases) -> AsyncIterator[DatabaseOf]:
    """Empty, migrated databases for one test: it is called with the name of a service."""
    databases = DatabaseOf(test_databases)
    yield databases
    await databases.close()


@pytest.fixture(scope="session", autouse=True)
def programs_read_once() -> Iterator[None]:
    """Each text is read once: JD's whole program takes a third of a second, and most tests want it.

    Only by the services' own sections, to which a text always means the same.
    """

    @cache
    def examined_before(text: str, section: type[ProgramSection[Any]]) -> Examination[Any]:
        return examine(text, section())

    def examined(text: str, section: ProgramSection[Any]) -> Examination[Any]:
        kind = type(section)
        ours = kind.__module__.startswith("laurel_")
        return examined_before(text, kind) if ours else examine(text, section)

    with pytest.MonkeyPatch.context() as patch:
        for module in (registry, revisions):
            patch.setattr(module, "examine", examined)
        yield


@pytest.fixture(scope="session")
async def session_loop(pytestconfig: pytest.Config) -> asyncio.AbstractEventLoop:
    """The loop in which all tests run."""
    loop = asyncio.get_running_loop()
    pytestconfig.pluginmanager.getplugin(Watchdog.NAME).loop = loop
    return loop


@pytest.fixture(autouse=True)
def no_task_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves tasks running: they would disturb the ones after it."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    loop = request.getfixturevalue("session_loop")
    before = asyncio.all_tasks(loop)
    yield
    left = left_behind(loop, before)
    assert not left, f"left behind: {left}"


def pytest_configure(config: pytest.Config) -> None:
    """Nothing hangs for ever, and nothing hangs in silence."""
    config.pluginmanager.register(Watchdog(), Watchdog.NAME)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileAndGroup:
    """Who shares a start shares a worker."""
    return ByFileAndGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: a worker that meets one last keeps all others waiting."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
