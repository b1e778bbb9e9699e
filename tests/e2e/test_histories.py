"""Many clients, kills of processes and broken wires: what everybody was told fits together."""

from __future__ import annotations

import pytest

from tests.histories.__main__ import KILLS_EACH, OPERATIONS, one
from tests.histories.faults import KILLS

READY_AGAIN = 5.0
"""Seconds the ledger may take once its database is ready, every time."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_nothing_is_lost_or_doubled_whatever_breaks() -> None:
    result = await one(7, OPERATIONS)
    assert not result.anomalies, result
    assert result.operations >= OPERATIONS
    assert all(result.faults[name] >= KILLS_EACH for name in KILLS)
    assert len(result.recoveries) >= KILLS_EACH
    assert max(result.recoveries) <= READY_AGAIN
