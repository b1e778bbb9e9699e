"""One real suite for all end-to-end tests: three processes, PostgreSQL, the story played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.suites import Suite, running_suite


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    """The suite as `make run` leaves it, with the demo member inside."""
    with running_suite() as running:
        yield running
