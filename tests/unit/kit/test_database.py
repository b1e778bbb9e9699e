"""Which errors say that the database cannot serve."""

from __future__ import annotations

import asyncpg
import pytest
from laurel_kit.database import DatabaseUnavailable, failures_named, says_down


@pytest.mark.parametrize(
    ("error", "down"),
    [
        (ConnectionResetError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InterfaceError("wrong number of arguments"), False),
        # So a connection answers that was told of its end, and has not come to it yet.
        (
            asyncpg.InternalClientError(
                "cannot switch to state 12; another operation (2) is in progress"
            ),
            True,
        ),
        (asyncpg.InternalClientError("released a free connection holder"), False),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.UniqueViolationError(), False),
        (ValueError("closed"), False),
    ],
    ids=repr,
)
def test_errors_of_a_database_that_cannot_serve_are_told_from_others(
    error: Exception, *, down: bool
) -> None:
    assert says_down(error) is down
    with pytest.raises(DatabaseUnavailable if down else type(error)), failures_named():
        raise error
