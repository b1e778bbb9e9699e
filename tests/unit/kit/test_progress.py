"""How a long-running operation says how far it is, and how long the rest will take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from laurel_kit.operation_table import Operation
from laurel_kit.operations import write_progress

BEGUN = datetime(2026, 3, 10, tzinfo=UTC)


def operation(**fields: Any) -> Operation:
    plain: dict[str, Any] = {
        "operation_id": "o",
        "kind": "settlement",
        "program_id": "jd",
        "fingerprint": b"",
        "request": "{}",
        "state": "RUNNING",
        "checkpoint": None,
        "done": 100,
        "total": 1000,
        "per_second": 200,
        "cancel_requested": False,
        "response": None,
        "error": None,
        "lease_owner": "w",
        "create_time": BEGUN,
        "end_time": None,
    }
    return Operation(**{**plain, **fields})


@pytest.mark.parametrize(
    ("done", "total", "per_second", "seconds"),
    [(100, 1000, 200, 5), (0, 1, 200, 1), (1000, 1000, 1, 0), (1200, 1000, 10, 0)],
)
def test_progress_says_how_long_the_rest_takes_rounded_up(
    done: int, total: int, per_second: int, seconds: int
) -> None:
    progress = write_progress(operation(done=done, total=total, per_second=per_second))
    assert progress.HasField("remaining")
    assert progress.remaining.ToSeconds() == seconds


@pytest.mark.parametrize("unknown", [{"total": None}, {"per_second": 0}, {"end_time": BEGUN}])
def test_progress_promises_nothing_that_is_not_known(unknown: dict[str, Any]) -> None:
    assert not write_progress(operation(**unknown)).HasField("remaining")
