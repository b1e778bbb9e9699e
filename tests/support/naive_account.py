"""What a member of the naive ledger has: pockets of points, holds, a debt.

A pocket is a number of points that are alike; everything is found by walking lists and adding up.
Instants are whole microseconds from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

FOREVER = 10**30


@dataclass(slots=True, eq=False)
class Pocket:
    """Points that are alike in everything that matters."""

    no: int
    funder: str
    expiry: int | None
    wait: int | None = None
    key: str | None = None
    woken: bool = False
    case: str | None = None
    left: int = 0
    pinned: int = 0
    parent: Pocket | None = None

    @property
    def free(self) -> int:
        return self.left - self.pinned

    def void(self, now: int) -> bool:
        return self.expiry is not None and self.expiry <= now

    def waits(self, now: int) -> bool:
        return not self.woken and (self.key is not None or (self.wait or 0) > now)

    def usable(self, now: int) -> bool:
        return not (self.case or self.void(now) or self.waits(now))

    @property
    def rank(self) -> tuple[int, int]:
        return (FOREVER if self.expiry is None else self.expiry, self.no)

    def comes_from(self, other: Pocket) -> bool:
        pocket: Pocket | None = self
        while pocket is not None and pocket is not other:
            pocket = pocket.parent
        return pocket is other


Taken = list[tuple[Pocket, int]]
"""Out of which pockets how many points went, in this order."""


@dataclass(slots=True, eq=False)
class NaiveHold:
    """Points that are set aside, and until when."""

    pins: Taken
    end: int
    ended: str = ""

    @property
    def points(self) -> int:
        return sum(part for _, part in self.pins)


@dataclass(slots=True)
class Posted:
    """What is to be known of something that was posted, to reverse it."""

    kind: str
    amount: int
    taken: Taken
    lines: tuple[tuple[str, int], ...] = ()
    undone: int = 0
    undone_lines: dict[str, int] = field(default_factory=dict)

    @property
    def lent(self) -> int:
        return self.amount - sum(part for _, part in self.taken)


@dataclass(slots=True)
class NaiveAccount:
    """What a member has."""

    pockets: list[Pocket] = field(default_factory=list)
    opened: int = 0
    always_until: int | None = None
    """When points become void that come with nothing said of it."""
    debt: int = 0
    holds: dict[str, NaiveHold] = field(default_factory=dict)
    """Those that have not ended."""
    state: str = "open"
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return sum([pocket.left for pocket in self.pockets])

    @property
    def posted(self) -> int:
        return self.points - self.debt

    @property
    def held(self) -> int:
        return sum([pocket.pinned for pocket in self.pockets])

    def usable(self, now: int) -> list[Pocket]:
        """Pockets with something to spend, in the order of spending."""
        found = [each for each in self.pockets if each.left > each.pinned and each.usable(now)]
        return sorted(found, key=lambda pocket: pocket.rank)

    def available(self, now: int) -> int:
        return max(0, sum([pocket.free for pocket in self.usable(now)]) - self.debt)

    def settle(self, now: int) -> None:
        """All that is due happens."""
        due = [(hold.end, name) for name, hold in self.holds.items() if hold.end <= now]
        for _, name in sorted(due):
            self.free(name, "expired", now)
            self.expire(now)
        self.expire(now)
        self.repay(now)

    def clear(self, now: int, *, releasing: bool) -> None:
        """All that is due happens, and holds end if they are to."""
        self.settle(now)
        for name in list(self.holds) if releasing else []:
            self.free(name, "released", now)
            self.settle(now)

    def expire(self, now: int) -> None:
        for pocket in self.pockets:
            if pocket.void(now) and not (pocket.case and pocket.left):
                pocket.left = pocket.pinned
        self.pockets = [each for each in self.pockets if each.left or not each.void(now)]

    def repay(self, now: int) -> None:
        owed = min(self.debt, sum([pocket.free for pocket in self.usable(now)]))
        if owed:
            self.debt -= owed
            self.take(owed, self.usable(now))

    def take(self, amount: int, order: Iterable[Pocket]) -> Taken:
        taken = []
        for pocket in order:
            part = min(amount, pocket.free)
            if part:
                pocket.left -= part
                amount -= part
                taken.append((pocket, part))
        assert not amount
        return taken

    def pocket(self, funder: str, expiry: int | None, wait: int | None, key: str | None) -> Pocket:
        """The oldest that is like this, or a new one."""
        for each in self.pockets:
            alike = (each.funder, each.expiry, each.wait, each.key) == (funder, expiry, wait, key)
            if alike and not (each.case or each.woken):
                return each
        return self.open(Pocket(0, funder, expiry, wait, key))

    def open(self, pocket: Pocket) -> Pocket:
        self.opened += 1
        pocket.no = self.opened
        self.pockets.append(pocket)
        return pocket

    def fill(self, pocket: Pocket, amount: int, now: int) -> None:
        """Points come in; what is owed goes out at once."""
        repaid = min(amount, self.debt) if pocket.usable(now) else 0
        self.debt -= repaid
        self.put(pocket, amount - repaid)

    def put(self, pocket: Pocket, amount: int) -> None:
        pocket.left += amount
        if pocket not in self.pockets:
            self.pockets.append(pocket)
            self.pockets.sort(key=lambda each: each.no)

    def free(self, name: str, how: str, now: int) -> None:
        """A hold ends; what is owed is repaid out of what it kept, if that can be spent."""
        hold = self.holds.pop(name)
        for pocket, part in hold.pins:
            pocket.pinned -= part
            repaid = min(self.debt, part) if pocket.usable(now) else 0
            pocket.left -= repaid
            self.debt -= repaid
        hold.pins, hold.ended = [], how
