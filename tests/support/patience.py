"""How long tests wait before they give up: on a starved machine everything comes, and late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

PATIENCE = 240
"""Seconds that a call of a test may take."""
PATIENT: dict[str, Any] = {
    "write_deadline_max": timedelta(seconds=2 * PATIENCE),
    "read_time_max": timedelta(seconds=2 * PATIENCE),
}
"""Settings of a service that lets its callers wait so long."""
