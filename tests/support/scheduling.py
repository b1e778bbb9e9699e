"""Which worker runs which test: a file stays together, and so do the files of a group.

A file's tests share what is costly to start, and so do files that carry the same `xdist_group`.
Names of tests no longer tell their group since pytest 9, so the mark is read from the text.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

ROOT = Path(__file__).resolve().parents[2]
GROUP = re.compile(r"xdist_group\(\"(\w+)\"\)")


class ByFileAndGroup(LoadScopeScheduling):
    """Hands out files and groups of files in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid.partition("::")[0])

    def remove_node(self, node: WorkerController) -> str | None:
        """The test at which a worker ended; nobody else is given it, what it had left is."""
        units = self.assigned_work[node].values()
        left = ((unit, test) for unit in units for test, done in unit.items() if not done)
        unit, test = next(left, (None, None))
        if unit is not None:
            unit[test] = True
        super().remove_node(node)
        return test


@cache
def scope_of(file: str) -> str:
    """The group of a file, or the file by itself."""
    found = GROUP.search((ROOT / file).read_text())
    return found[1] if found else file
