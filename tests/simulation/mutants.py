"""Faults planted into the decision, each once made by somebody's ledger or easily made by ours.

A mutant is a text of a module of the domain and what stands there instead. A simulated run must go
wrong with each of them, or it would not notice the fault in ours either.
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
RELOADED = (DOMAIN, "tests.simulation.world", "tests.simulation.requests", "tests.unit.ledger")
SUPPORT = "tests.support.ledger"


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


MUTANTS = (
    Mutant(
        "a second reversal is accepted",
        "reversals",
        "reversible = original.amount - reversed_before",
        "reversible = original.amount",
    ),
    Mutant(
        "what a batch reversed is not seen in it",
        "posting",
        "page.reversed_amounts[original.request_key] = before + transaction.amount",
        "pass",
    ),
    Mutant(
        "holds do not count in what is available",
        "accounts",
        "return sum([lot.free for lot in account.lots if lot.usable(now)])",
        "return sum([lot.remaining for lot in account.lots if lot.usable(now)])",
    ),
    Mutant(
        "a released hold can be captured",
        "holds",
        "    if hold.state is HoldState.RELEASED:\n",
        "    if False:\n",
    ),
    Mutant(
        "a lapsed hold can be captured",
        "holds",
        "    if hold.state is HoldState.LAPSED:\n",
        "    if False:\n",
    ),
    Mutant(
        "a captured hold can be captured again",
        "holds",
        "    if hold.state is HoldState.CAPTURED:\n",
        "    if False:\n",
    ),
    Mutant(
        "a capture may exceed its hold",
        "holds",
        "    if amount > hold.remaining:\n",
        "    if amount > hold.amount:\n",
    ),
    Mutant(
        "an atomic batch leaves its first members",
        "posting",
        "    tried = page.begin()\n",
        "    tried = page\n",
    ),
    Mutant(
        "a hold of a batch cannot be captured in it",
        "pages",
        "        return self.holds.get(key) or self.over.hold(key)\n",
        "        return self.over.hold(key)\n",
    ),
    Mutant(
        "an update of an atomic group is lost",
        "pages",
        "        self.accounts.update(tried.accounts)\n",
        "",
    ),
    Mutant(
        "a request id twice in a batch is posted twice",
        "pages",
        "        return self.records.get(key) or self.over.record(key)\n",
        "        return self.over.record(key)\n",
    ),
    Mutant(
        "a repeat is posted again",
        "posting",
        "    if earlier := page.record(draft.request_key):\n",
        "    if (earlier := page.record(draft.request_key)) and False:\n",
    ),
    Mutant(
        "other content under a request id is taken for a repeat",
        "posting",
        "if mismatched := mismatched_fields(earlier.draft, draft):",
        "if mismatched := ():",
    ),
    Mutant(
        "a repeat turns a refusal into success",
        "posting",
        "    if error.lasting:\n",
        "    if False:\n",
    ),
    Mutant(
        "versions have gaps",
        "accounts",
        "version=account.version + bool(amount),",
        "version=account.version + 1 + bool(amount),",
    ),
    Mutant(
        "debt and points stand together",
        "accounts",
        "repaid = min(amount, account.owed) if lot.usable(now) else 0",
        "repaid = 0",
    ),
    Mutant(
        "debt is repaid twice over",
        "accounts",
        "repaid = min(amount, account.owed) if",
        "repaid = min(amount, 2 * account.owed) if",
    ),
    Mutant(
        "a released hold does not repay a debt",
        "holds",
        "repaid = min(owed, pinned) if lot.usable(now) else 0",
        "repaid = 0",
    ),
    Mutant(
        "a debt is repaid with void points",
        "holds",
        "repaid = min(owed, pinned) if lot.usable(now) else 0",
        "repaid = min(owed, pinned)",
        seeds=(130, 193, 230, 276),
    ),
    Mutant(
        "void points stay in the balance",
        "due",
        "    account = _expire_lots(page, key, program_revision)\n    if account",
        "    account = page.account(key)\n    if account",
    ),
    Mutant(
        "points are void an instant late",
        "accounts",
        "self.expire_time > now or self.kept:\n",
        "self.expire_time >= now or self.kept:\n",
    ),
    Mutant(
        "points are void a day early",
        "accounts",
        "self.expire_time > now or self.kept:\n",
        "(self.expire_time - now).days > 0 or self.kept:\n",
    ),
    Mutant(
        "the oldest lot is spent first, whatever its expiry",
        "accounts",
        "return (lot.expire_time or NEVER, lot.lot_no)",
        "return (NEVER, lot.lot_no)",
    ),
    Mutant(
        "points that never expire are spent first",
        "accounts",
        "return (lot.expire_time or NEVER, lot.lot_no)",
        "return (lot.expire_time or NEVER.min.replace(tzinfo=NEVER.tzinfo), lot.lot_no)",
    ),
    Mutant(
        "pinned points expire",
        "accounts",
        "consumed=lot.earned - lot.reserved, expired=not lot.reserved",
        "consumed=lot.earned, expired=True",
    ),
    Mutant(
        "pinned points are spent",
        "accounts",
        "        return self.earned - self.consumed - self.reserved\n",
        "        return self.earned - self.consumed\n",
    ),
    Mutant(
        "a hold keeps its points after it lapsed",
        "due",
        "    while account.holds and (hold := lapsing(account, page.moment)):\n",
        "    while hold := None:\n",
    ),
    Mutant(
        "a hold lapses late",
        "holds",
        "if hold.expire_time <= now]",
        "if hold.expire_time + (now - now.replace(hour=0)) < now]",
    ),
    Mutant(
        "a last capture keeps the rest pinned",
        "holds",
        "    if final and after.state is HoldState.OPEN:\n",
        "    if False:\n",
    ),
    Mutant(
        "a part of a capture is not taken from the hold",
        "holds",
        "held=account.held - amount), after)",
        "held=account.held), after)",
    ),
    Mutant(
        "an extension shortens a hold",
        "holds",
        "expire_time=max(hold.expire_time, now + lifetime)",
        "expire_time=now + lifetime",
    ),
    Mutant(
        "a hold pins more than there is",
        "holds",
        "    if amount > available:\n",
        "    if amount > account.posted:\n",
    ),
    Mutant(
        "expiry is dodged by spending and reversing",
        "reversals",
        "if _late(taken, now) and reversal.late_restore is LateRestore.EXPIRE:",
        "if False:",
    ),
    Mutant(
        "points come back first consumed first",
        "reversals",
        "    for taken in reversed(_taken(original)):\n",
        "    for taken in _taken(original):\n",
    ),
    Mutant(
        "a second part comes back to the lots of the first",
        "reversals",
        "    passed = max(0, reversal.reversed_before - lent)\n",
        "    passed = 0\n",
    ),
    Mutant(
        "points come back to another lot",
        "reversals",
        "    if not _late(taken, now):\n        return taken.expire_time\n",
        "    if not _late(taken, now):\n        return None\n",
    ),
    Mutant(
        "what is taken back is taken from any lot",
        "reversals",
        "key=lambda lot: (lot.lot_no not in own, *spending_rank(lot))",
        "key=spending_rank",
    ),
    Mutant(
        "a shortfall that is to be refused becomes a debt",
        "reversals",
        "owed = missing if reversal.shortfall is Shortfall.DEBT else 0",
        "owed = missing",
    ),
    Mutant(
        "a debt is forgiven",
        "reversals",
        "return replace(account, posted=account.posted - owed), movements",
        "return account, movements",
    ),
    Mutant(
        "a clamped reversal of nothing is posted",
        "reversals",
        "missing if reversal.shortfall is Shortfall.REJECT else not there + owed",
        "missing if reversal.shortfall is Shortfall.REJECT else False",
    ),
    Mutant(
        "anything can be reversed",
        "reversals",
        "    if original.type not in REVERSED_BY:\n",
        "    if False:\n",
    ),
    Mutant(
        "a balance goes below zero",
        "posting",
        "InsufficientPoints(",
        "ZeroDivisionError(",
    ),
    Mutant(
        "lots of two funders are one",
        "accounts",
        "found = (lot.funding_account_id, lot.expire_time,",
        "found = (name[0], lot.expire_time,",
    ),
    Mutant(
        "lots of two expiries are one",
        "accounts",
        "found = (lot.funding_account_id, lot.expire_time,",
        "found = (lot.funding_account_id, name[1],",
    ),
    Mutant(
        "what expired is not taken from the balance",
        "accounts",
        "sum(movement.amount for movement in movements)), movements",
        "0), movements",
    ),
)


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
    return name == SUPPORT or any(name == top or name.startswith(f"{top}.") for top in RELOADED)


def survives(mutant: Mutant, *, commands: int) -> bool:
    """Whether none of its seeds notices the fault."""
    with planted(mutant) as module:
        for seed in mutant.seeds:
            try:
                module.World(seed).run(commands)
            except Exception:  # noqa: BLE001  # However it is noticed.
                return False
    return True
