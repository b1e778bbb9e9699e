"""The processes of an embedded PostgreSQL: which of them live, and how they are ended.

A process id alone proves nothing: after a crash it may belong to anybody. A server and its children
have the data folder as their working folder, and that is what is looked at.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

POLL_INTERVAL = 0.02
ORPHAN_PATIENCE = timedelta(seconds=5)
"""Children of a killed server notice that it is gone and end by themselves, usually at once."""


class PostgresFailed(Exception):
    """The server could not be made, started or stopped; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a server says of itself in `postmaster.pid`."""

    process_id: int
    port: int
    ready: bool


def read_status(data: Path) -> Status | None:
    """The status in the data folder; None when there is none or it is half-written."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return Status(int(lines[0]), int(lines[3]), ready)
    except (OSError, ValueError, IndexError):
        return None


def runs_over(process_id: int, data: Path) -> bool:
    """Whether a process is a server over that data: its working folder is the data folder."""
    return process_id in processes_over(data, [process_id])


def processes_over(data: Path, process_ids: Iterable[int] | None = None) -> list[int]:
    """The living processes over that data, out of the given ones or of all."""
    if process_ids is None:
        process_ids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    found = []
    for process_id in process_ids:
        try:
            folder = Path(f"/proc/{process_id}/cwd").readlink()
        except OSError:
            continue
        if folder == data.resolve():
            found.append(process_id)
    return found


def end_orphans(data: Path) -> None:
    """Wait for the children of a server that was killed; they end by themselves, or are ended."""
    for _ in range(2):
        deadline = time.monotonic() + ORPHAN_PATIENCE.total_seconds()
        while orphans := processes_over(data):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_INTERVAL)
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
    if processes_over(data):
        raise PostgresFailed(f"processes {processes_over(data)} hold {data} and cannot be ended")


def stop_process(process_id: int, data: Path, timeout: timedelta) -> None:
    """Stop a server that is no child of ours."""
    for way in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if runs_over(process_id, data):
            os.kill(process_id, way)
        deadline = time.monotonic() + timeout.total_seconds()
        while time.monotonic() < deadline:
            if not runs_over(process_id, data):
                return
            time.sleep(POLL_INTERVAL)
    raise PostgresFailed(f"PostgreSQL (process {process_id}) over {data} does not stop")
