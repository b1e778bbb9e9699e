"""How much processor time processes have used, and how the callers' latencies lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
USER_AND_SYSTEM_TIME = slice(11, 15)
"""Of a process and of its children that have ended, counted from the state in /proc/PID/stat."""
PARENT = 1


def stat_of(process_id: int) -> list[str]:
    """What /proc says of a process after its name; empty when it is gone."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def seconds_of(process_ids: Iterable[int]) -> float:
    """Processor seconds of some processes and everything below them."""
    return sum(_family_seconds(process_id) for process_id in process_ids)


def _family_seconds(process_id: int) -> float:
    own = sum(int(ticks) for ticks in stat_of(process_id)[USER_AND_SYSTEM_TIME])
    return own / TICKS + sum(_family_seconds(child) for child in _children(process_id))


def _children(process_id: int) -> list[int]:
    everybody = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [each for each in everybody if stat_of(each)[PARENT : PARENT + 1] == [str(process_id)]]


@dataclass(slots=True, kw_only=True)
class Window:
    """What was measured over a while."""

    items: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds of each call."""
    processor: dict[str, float] = field(default_factory=dict)
    """Processor seconds of each part: client, service, postgres."""

    @property
    def per_second(self) -> float:
        """Items a second."""
        return self.items / self.seconds

    def microseconds(self, part: str) -> float:
        """Processor microseconds of a part for each item."""
        return 1e6 * self.processor.get(part, 0.0) / max(1, self.items)

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the calls was answered."""
        return 1000 * percentile_of(sorted(self.latencies), share)


def percentile_of(ascending: Sequence[float], share: float) -> float:
    """The value below which a share lies; 0 for nothing."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))] if ascending else 0.0
