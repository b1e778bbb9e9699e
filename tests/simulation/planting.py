"""Planting a fault into the domain, beside the real one: a text of a module and what stands there
instead.

A simulated run must go wrong with each of them, or it would not notice the fault in ours either.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

DOMAIN = "laurel_ledger.domain"
RELOADED = (
    DOMAIN,
    "tests.simulation.world",
    "tests.simulation.requests",
    "tests.simulation.budget",
    "tests.support.ledger",
    "tests.support.naive_drafts",
)


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    name: str
    module: str
    old: str
    new: str
    seeds: Sequence[int] = range(60)
    """Runs of which one must notice it. What takes a rare meeting has the seed of one."""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


class Planted(MetaPathFinder):
    """Finds one module, with the fault in it."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own place, read by a loader that plants the fault."""
        if fullname != f"{DOMAIN}.{self.mutant.module}":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None, fullname
        assert spec.origin is not None, fullname
        spec.loader = Planting(fullname, spec.origin, self.mutant)
        return spec


class Planting(SourceFileLoader):
    """Reads a module with another text in one place."""

    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> object:
        """Compiled anew: what is cached has no fault."""
        source = self.get_data(self.path).decode()
        assert source.count(self.mutant.old) == 1, f"{self.mutant}: where is {self.mutant.old!r}?"
        return self.source_to_code(source.replace(self.mutant.old, self.mutant.new), self.path)


@contextmanager
def planted(mutant: Mutant) -> Iterator[ModuleType]:
    """The simulated world over a domain with the fault in it, beside the real one."""
    own = {name: module for name, module in sys.modules.items() if reloaded(name)}
    for name in own:
        del sys.modules[name]
    finder = Planted(mutant)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module("tests.simulation.world")
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if reloaded(name)]:
            del sys.modules[name]
        sys.modules.update(own)


def reloaded(name: str) -> bool:
    """Whether a module knows the domain, and so must know the one with the fault."""
    return any(name == top or name.startswith(f"{top}.") for top in RELOADED)


def survives(mutant: Mutant, *, commands: int) -> bool:
    """Whether none of its seeds notices the fault."""
    with planted(mutant) as module:
        for seed in mutant.seeds:
            try:
                module.World(seed).run(commands)
            except Exception:  # noqa: BLE001  # However it is noticed.
                return False
    return True
