"""What the callers of a simulated run ask for, and what happens to it on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, count
from random import Random

from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.posting import Group

from tests.support.ledger import TERMS, group
from tests.support.naive_drafts import ASSET, draft_of
from tests.support.naive_ledger import NaiveLedger, Wish

MEMBERS = ("m-1", "m-2", "m-3", "m-4")
KINDS = (
    *("earn", "spend", "reverse", "hold", "capture", "release", "extend", "give"),
    *("activate", "freeze", "thaw", "void", "prolong", "credit", "debit", "swap", "splurge"),
)
SOME = KINDS.index("activate")
"""Kinds from here on are rarer: they undo much of what the others are about."""
RECENT = 4
"""How far back requests reach for what they change; what is older has mostly ended."""
AMOUNTS = (1, 2, 4, 8, 16)
"""Powers of two, so that a wrong balance names the requests that are in it."""
SWAPPED_AMOUNTS = (10, 10, 20, 30, 8)
"""What can be swapped, and what cannot."""
HOUR = 61 * 60 * 10**6
"""So long that neither days of grace nor holds ever end on the hour, when requests arrive."""
HALF = 30 * 60 * 10**6
FUNDERS = ("platform", "merchant")
KEYS = ("", "", "paid", "sent")
CASES = ("", "case", "fraud")
LATE = ("expire", "grace", "reissue")


@dataclass(frozen=True)
class Mix:
    """The habits of one run: how often what is asked for, and how often what goes wrong."""

    kinds: tuple[float, ...]
    """Each with those before it."""
    batching: float
    reusing: float
    waiting: float
    changing: float = 0.0
    """How often an account is suspended, resumed, limited or closed."""
    sweeping: float = 0.0
    budget: int | None = None
    """How many points members may have of one of those who fund them."""
    losing: float = 0.0
    doubling: float = 0.0
    overtaking: float = 0.0
    ending_before: float = 0.0
    ending_after: float = 0.0
    stepping_back: float = 0.0

    @classmethod
    def draw(cls, chance: Random) -> Mix:
        """A mix; a quarter of the runs have no faults at all, the others some of them."""
        often = [chance.random() ** 2 / (1 if kind < SOME else 2) for kind in range(len(KINDS))]
        often[0] += 0.5
        mix = cls(
            kinds=tuple(accumulate(often)),
            batching=chance.random() / 3,
            reusing=chance.random() / 10,
            waiting=chance.random() / 5,
            changing=chance.choice((0.0, 0.01, 0.05)),
            sweeping=chance.choice((0.0, 0.1)),
            budget=chance.choice((None, None, 100, 500)),
        )
        if chance.random() < 0.25:
            return mix
        faults = {name: chance.choice((0.0, 0.02, 0.1, 0.3)) for name in FAULTS}
        return replace(mix, **faults)

    def without_faults(self) -> Mix:
        """The same habits while nothing goes wrong."""
        return replace(self, **dict.fromkeys(FAULTS, 0.0))


BUDGETED = "merchant"


@lru_cache
def terms_with(budget: int | None) -> Terms:
    """The program, in which one of those who fund points may have a budget for them."""
    if budget is None:
        return TERMS
    funder = replace(TERMS.accounts[BUDGETED], budgets={ASSET: budget})
    return replace(TERMS, accounts={**TERMS.accounts, BUDGETED: funder})


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

    requests: tuple[tuple[str, str, Wish], ...]
    atomic: bool
    group: Group


class Chooser:
    """Draws what is asked for next."""

    def __init__(self, chance: Random, mix: Mix) -> None:
        self.chance = chance
        self.mix = mix
        self.terms = terms_with(mix.budget)
        self.numbers = count(1)
        self.last = 0
        self.hour = 0
        self.aims: dict[str, str] = {}
        """What each member has reversed last."""

    def next(self, naive: NaiveLedger, hour: int) -> Asked:
        """One request, or several that are posted together or each for itself."""
        self.hour = hour
        size, atomic = 1, False
        if self.chance.random() < self.mix.batching:
            size, atomic = self.chance.randrange(2, 5), self.chance.random() < 0.5
        requests = tuple([self.request(naive) for _ in range(size)])
        drafts = [draft_of(*each) for each in requests]
        return Asked(requests, atomic, group(*drafts, atomic=atomic, terms=self.terms))

    def request(self, naive: NaiveLedger) -> tuple[str, str, Wish]:
        """Who asks, under which name, for what."""
        chance = self.chance
        if chance.random() >= self.mix.reusing or not self.last:
            self.last = number = next(self.numbers)
        else:
            number = chance.randrange(1, self.last + 1)
        kind = chance.choices(KINDS, cum_weights=self.mix.kinds)[0]
        member = self.one_of(MEMBERS)
        return member, f"r-{number}", self.wish(kind, member, naive)

    def wish(self, kind: str, member: str, naive: NaiveLedger) -> Wish:
        """Something of a kind that a member asks for."""
        if kind in ("earn", "credit"):
            return self.earning(kind)
        if kind in ("spend", "splurge"):
            return self.spending(kind)
        if kind == "reverse":
            return self.reversal(self.aim(member, naive))
        if kind in ("capture", "release", "extend"):
            return self.change_of_hold(kind, self.recent(naive.hold_names.get(member)))
        if kind in ("activate", "freeze", "thaw", "void", "prolong"):
            return self.change_of_lots(kind)
        return self.taking(kind, member)

    def aim(self, member: str, naive: NaiveLedger) -> str:
        """What to reverse: the same again, or something else."""
        if member not in self.aims or self.chance.random() < 0.5:
            anything = self.chance.random() < 0.1
            names = naive.posted_names if anything else naive.reversible_names
            self.aims[member] = self.recent(names.get(member))
        return self.aims[member]

    def taking(self, kind: str, member: str) -> Wish:
        """Points that go by hand, to somebody else, or are set aside."""
        amount, detail = self.one_of(SWAPPED_AMOUNTS if kind == "swap" else AMOUNTS), ()
        if kind == "give":
            detail = (self.one_of([each for each in MEMBERS if each != member]),)
        if kind == "hold":
            detail = (self.chance.randrange(12) * HOUR + HALF,)
        return Wish(kind, amount, detail)

    def change_of_hold(self, kind: str, held: str) -> Wish:
        """A hold is captured, given up or goes on."""
        if kind == "capture":
            amount = self.one_of((None, *AMOUNTS[:4]))
            return Wish(kind, amount, (held, self.chance.random() < 0.3))
        longer = (self.chance.randrange(12) * HOUR + HALF,) if kind == "extend" else ()
        return Wish(kind, None, (held, *longer))

    def change_of_lots(self, kind: str) -> Wish:
        """Something is done to lots, all of them or those that have a key."""
        if kind == "prolong":
            return Wish(kind, None, ((self.hour + self.chance.randrange(30)) * HOUR,))
        key, case = self.one_of(KEYS), self.one_of(CASES)
        if kind == "freeze":
            return Wish(kind, None, (key, case or CASES[1]))
        # Few lots have a key and a case.
        return Wish(kind, None, (key, "") if kind != "thaw" else ("", case))

    def earning(self, kind: str) -> Wish:
        """Points that come, perhaps to end, perhaps to wait."""
        chance = self.chance
        soon = self.hour + chance.randrange(12)
        expiry = soon * HOUR if soon and chance.random() < 0.6 else None
        wait = key = None
        if kind == "earn" and chance.random() < 0.3:
            key = self.one_of(KEYS) or None
            wait = (self.hour + chance.randrange(1, 8)) * HOUR if key is None else None
        amount = 2 * self.one_of(AMOUNTS)
        return Wish(kind, amount, (self.one_of(FUNDERS), expiry, wait, key))

    def spending(self, kind: str) -> Wish:
        """Points that go, perhaps line by line, perhaps as far as there are any."""
        amount = 2 * self.one_of(AMOUNTS)
        if self.chance.random() < 0.5:
            return Wish(kind, amount)
        lines = (("a", amount - 1), ("b", 1)) if self.chance.random() < 0.7 else ()
        shortfall = self.one_of(("reject", "partial", "debt"))
        if shortfall == "reject" and not lines:
            return Wish(kind, amount)  # It means the same.
        return Wish(kind, amount, (shortfall, lines))

    def reversal(self, name: str) -> Wish:
        """Something is taken back: all, some of it, or by lines."""
        lines: tuple[tuple[str, int | None], ...] = ()
        amount = self.one_of((None, *AMOUNTS))
        if self.chance.random() < 0.3:
            lines = ((self.one_of(("a", "a", "b", "c")), self.one_of((None, 1, 4))),)
            amount = None
        shortfall = self.one_of(("reject", "clamp", "debt", "debt", "debt"))
        return Wish("reverse", amount, (name, self.one_of(LATE), shortfall, lines))

    def recent(self, names: list[str] | None) -> str:
        """Something that happened not long ago."""
        back = self.chance.randrange(RECENT)
        return names[-1 - back % len(names)] if names else f"r-{back}"

    def one_of(self, choices: tuple | list):
        """One of some, each as likely; a method of chance that is quicker than its own."""
        return choices[int(self.chance.random() * len(choices))]
