"""What the callers of a simulated run ask for, and what happens to it on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from random import Random

from laurel_ledger.domain.posting import Group

from tests.support.ledger import group
from tests.unit.ledger.test_oracle import LedgersAgree, NaiveLedger

MEMBERS = ("m-1", "m-2", "m-3")
KINDS = ("earn", "spend", "reverse", "hold", "capture", "release", "extend")
RECENT = 4
"""How far back requests reach for what they change; what is older has mostly ended."""
AMOUNTS = (1, 2, 4, 8, 16)
"""Powers of two, so that a wrong balance names the requests that are in it."""


@dataclass(frozen=True)
class Mix:
    """The habits of one run: how often what is asked for, and how often what goes wrong."""

    kinds: tuple[float, ...]
    batching: float
    reusing: float
    waiting: float
    losing: float = 0.0
    doubling: float = 0.0
    overtaking: float = 0.0
    ending_before: float = 0.0
    ending_after: float = 0.0
    stepping_back: float = 0.0

    @classmethod
    def draw(cls, chance: Random) -> Mix:
        """A mix; a quarter of the runs have no faults at all, the others some of them."""
        mix = cls(
            kinds=(0.5 + chance.random(), *(chance.random() ** 2 for _ in KINDS[1:])),
            batching=chance.random() / 3,
            reusing=chance.random() / 10,
            waiting=chance.random() / 5,
        )
        if chance.random() < 0.25:
            return mix
        faults = {name: chance.choice((0.0, 0.02, 0.1, 0.3)) for name in FAULTS}
        return replace(mix, **faults)

    def without_faults(self) -> Mix:
        """The same habits while nothing goes wrong."""
        return replace(self, **dict.fromkeys(FAULTS, 0.0))


FAULTS = (
    "losing",
    "doubling",
    "overtaking",
    "ending_before",
    "ending_after",
    "stepping_back",
)


@dataclass(frozen=True, eq=False)
class Asked:
    """Requests that are sent together, again and again until they are answered."""

    requests: tuple[tuple, ...]
    atomic: bool
    group: Group


class Chooser:
    """Draws what is asked for next."""

    def __init__(self, chance: Random, mix: Mix) -> None:
        self.chance = chance
        self.mix = mix
        self.numbers = count(1)
        self.last = 0
        self.hour = 0
        # Its methods know how a request is written as a draft, and what it can be aimed at.
        self.machine = LedgersAgree.__new__(LedgersAgree)

    def next(self, naive: NaiveLedger, hour: int) -> Asked:
        """One request, or several that are posted together or each for itself."""
        self.hour = hour
        size, atomic = 1, False
        if self.chance.random() < self.mix.batching:
            size, atomic = self.chance.randrange(2, 5), self.chance.random() < 0.5
        self.machine.naive = naive
        requests = [self.machine.aimed(*self.request()) for _ in range(size)]
        drafts = [self.machine.draft(*each) for each in requests]
        named = tuple((member, f"r-{number}", what) for member, number, what in requests)
        return Asked(named, atomic, group(*drafts, atomic=atomic))

    def request(self) -> tuple[str, int, tuple]:
        """Who asks, under which number, for what."""
        chance = self.chance
        if chance.random() >= self.mix.reusing or not self.last:
            self.last = next(self.numbers)
            number = self.last
        else:
            number = chance.randrange(1, self.last + 1)
        kind = chance.choices(KINDS, self.mix.kinds)[0]
        return chance.choice(MEMBERS), number, getattr(self, kind)()

    def earn(self) -> tuple:
        soon = self.hour + self.chance.randrange(12)
        expiry = soon if soon and self.chance.random() < 0.6 else None
        funder = self.chance.choice(("platform", "merchant"))
        return ("earn", 2 * self.chance.choice(AMOUNTS), (funder, expiry))

    def spend(self) -> tuple:
        return ("spend", self.chance.choice(AMOUNTS), None)

    def reverse(self) -> tuple:
        amount = self.chance.choice((None, *AMOUNTS))
        late = self.chance.choice(("expire", "grace", "reissue"))
        shortfall = self.chance.choice(("reject", "clamp", "debt", "debt", "debt"))
        return ("reverse", amount, (self.chance.randrange(RECENT), late, shortfall))

    def hold(self) -> tuple:
        return ("hold", self.chance.choice(AMOUNTS[2:]), ("", self.chance.randrange(12), False))

    def capture(self) -> tuple:
        final = self.chance.random() < 0.3
        amount = self.chance.choice((None, *AMOUNTS[:4]))
        return ("capture", amount, (self.chance.randrange(RECENT), 0, final))

    def release(self) -> tuple:
        return ("release", None, (self.chance.randrange(RECENT), 0, False))

    def extend(self) -> tuple:
        return ("extend", None, (self.chance.randrange(RECENT), self.chance.randrange(12), False))
