"""Verifying closed periods: sealed over their content, and one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from laurel_ledger.domain.verification import Difference, differing

EVERYWHERE = -1
"""Stands for the shard of a row that belongs to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPeriod:
    """A closed period as it stands in the books."""

    program_id: str
    start_time: datetime | None
    end_time: datetime
    close_time: datetime
    seal: bytes
    content: str


def check_periods(stored: Iterable[StoredPeriod]) -> Iterator[Difference]:
    """Verify closed periods, by program and time."""
    ends: dict[str, datetime] = {}
    for each in stored:
        said = _said(each.content)
        yield from differing(
            "period",
            EVERYWHERE,
            f"{each.program_id} until {each.end_time.isoformat()}",
            seal=(hashlib.sha256(each.content.encode()).digest(), each.seal),
            program_id=(said.get("program_id"), each.program_id),
            start_time=(ends.get(each.program_id), each.start_time),
            end_time=(said.get("end_time"), each.end_time.astimezone(UTC).isoformat()),
            close_time=(said.get("close_time"), each.close_time.astimezone(UTC).isoformat()),
        )
        ends[each.program_id] = each.end_time


def _said(content: str) -> dict[str, object]:
    """What is sealed; nothing of what cannot be read."""
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
