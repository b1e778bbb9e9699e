"""A second ledger, as simple as can be, that shares no code with the first.

What is asked for is a `Wish`, what comes of it a tuple: how it ended, and the number that goes with
it. Instants are whole microseconds from the beginning.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.support.naive_account import (
    FOREVER,
    NaiveAccount,
    NaiveHold,
    Pocket,
    Posted,
    Taken,
)

DAY = 86_400 * 10**6

PASSING = {"reused", "void", "missing", "nothing", "no line", "uneven"}
"""Ends that say nothing about the same request at another time."""
STOPPED = {"earn", "spend", "hold", "give", "swap"}
"""What a suspension stops."""
REVERSIBLE = {"earn", "spend", "capture", "splurge"}
"""What can be reversed."""
OF_HOLDS = {"hold", "capture", "release", "extend"}
OF_LOTS = {"activate", "freeze", "thaw", "void", "prolong"}


OTHER_POINTS = "+"
"""Behind a member's name: their account of the points that are had for others."""
OTHERS_END = 1323 * DAY // 2
"""When they become void unless something else was said: with the year after this one."""
SWAPPED, HAD = 10, 3
"""So many points are swapped for so many of the others."""


class Wish(NamedTuple):
    """What a member asks for."""

    kind: str
    amount: int | None = None
    detail: tuple[Any, ...] = ()


@dataclass
class NaiveLedger:
    """Members by name, and what became of every request."""

    accounts: dict[str, NaiveAccount] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], tuple[Wish, tuple]] = field(default_factory=dict)
    done: dict[tuple[str, str], Posted] = field(default_factory=dict)
    homes: dict[tuple[str, str], str] = field(default_factory=dict)
    """Whose account each request was about."""
    holds: dict[tuple[str, str], NaiveHold] = field(default_factory=dict)
    posted_names: dict[str, list[str]] = field(default_factory=dict)
    """What each member has posted, in its order."""
    reversible_names: dict[str, list[str]] = field(default_factory=dict)
    """What of it can be reversed."""
    hold_names: dict[str, list[str]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)
    """How many points members may have of who does not give without end."""
    issued: dict[str, int] = field(default_factory=dict)

    def account(self, member: str) -> NaiveAccount:
        if member not in self.accounts:
            always_until = OTHERS_END if member.endswith(OTHER_POINTS) else None
            self.accounts[member] = NaiveAccount(always_until=always_until)
        return self.accounts[member]

    def home_of(self, member: str, wish: Wish) -> str:
        """Whose account a wish is about: the member's, theirs of the other points, or that of what
        is to be reversed.
        """
        if wish.kind == "reverse":
            return self.homes.get((member, wish.detail[0]), member)
        return member + OTHER_POINTS if wish.kind == "splurge" else member

    def post(self, member: str, name: str, wish: Wish, now: int) -> tuple:
        """What becomes of a request."""
        if earlier := self.outcomes.get((member, name)):
            return earlier[1] if earlier[0] == wish else ("reused",)
        home = self.homes[member, name] = self.home_of(member, wish)
        account = self.account(home)
        if wish.kind == "reverse":
            answer = self.reverse(member, name, wish, now)
        elif wish.kind in OF_HOLDS:
            answer = self.change_hold(member, name, wish, now)
        elif wish.kind in OF_LOTS:
            account.settle(now)
            answer = self.change_lots(account, wish, now)
            account.settle(now)
        else:
            answer = self.stopped(account, wish) or self.move(member, name, wish, now)
        if answer[0] not in PASSING:
            self.outcomes[member, name] = (wish, answer)
        if answer[0] == "posted":
            self.posted_names.setdefault(member, []).append(name)
            if wish.kind in REVERSIBLE:
                self.reversible_names.setdefault(member, []).append(name)
        return answer

    def stopped(self, account: NaiveAccount, wish: Wish) -> tuple | None:
        """Whether the account lets this happen at all."""
        if account.state == "closed":
            return ("closed",)
        if account.state == "suspended" and wish.kind in STOPPED:
            return ("suspended",)
        limits, amount = account.limits, wish.amount or 0
        if wish.kind == "earn" and amount > limits.get("earn_max", FOREVER):
            return ("limited", "earn_max")
        if wish.kind in ("spend", "hold", "give", "swap") and amount > limits.get(
            "spend_max", FOREVER
        ):
            return ("limited", "spend_max")
        return None

    def move(self, member: str, name: str, wish: Wish, now: int) -> tuple:
        """Points come, go, or go to somebody else."""
        account = self.account(self.home_of(member, wish))
        account.settle(now)
        if wish.kind == "swap":
            return self.swap(account, member, wish, now)
        if wish.kind in ("earn", "credit"):
            return self.earn(account, member, name, wish, now)
        if wish.kind == "give":
            return self.give(account, wish, now)
        return self.spend(account, member, name, wish, now)

    def earn(self, account: NaiveAccount, member: str, name: str, wish: Wish, now: int) -> tuple:
        funder, expiry, wait, key = wish.detail
        if expiry is not None and expiry <= max(now, wait or now):
            return ("void",)
        if account.posted + wish.amount > account.limits.get("balance_max", FOREVER):
            return ("too many", account.posted)
        if wish.kind == "earn" and not self.draw(funder, wish.amount):
            return ("no budget", max(0, self.budgets[funder] - self.issued[funder]))
        pocket = account.pocket(funder, expiry, wait, key)
        account.fill(pocket, wish.amount, now)
        self.done[member, name] = Posted(wish.kind, wish.amount, [(pocket, wish.amount)])
        return ("posted", account.posted)

    def draw(self, funder: str, amount: int) -> bool:
        """Whether who gives the points may; they are given then."""
        given = self.issued.get(funder, 0)
        if given + amount > self.budgets.get(funder, FOREVER):
            return False
        self.issued[funder] = given + amount
        return True

    def spend(self, account: NaiveAccount, member: str, name: str, wish: Wish, now: int) -> tuple:
        shortfall, lines = wish.detail or ("reject", ())
        have = account.available(now)
        there = min(have, wish.amount)
        owed = wish.amount - there if shortfall == "debt" else 0
        if (shortfall == "reject" and there < wish.amount) or not there + owed:
            return ("insufficient", have)
        taken = account.take(there, account.usable(now))
        account.debt += owed
        self.done[member, name] = Posted(
            wish.kind, there + owed, taken, tuple(paid(lines, there + owed))
        )
        return ("posted", account.posted)

    def give(self, account: NaiveAccount, wish: Wish, now: int) -> tuple:
        other = self.account(wish.detail[0])
        other.settle(now)
        if other.state != "open":
            return (other.state,)
        have = account.available(now)
        if wish.amount > have:
            return ("insufficient", have)
        if other.posted + wish.amount > other.limits.get("balance_max", FOREVER):
            return ("too many", other.posted)
        for pocket, part in account.take(wish.amount, account.usable(now)):
            other.fill(other.pocket(pocket.funder, pocket.expiry, None, None), part, now)
        return ("posted", account.posted)

    def swap(self, account: NaiveAccount, member: str, wish: Wish, now: int) -> tuple:
        """Points for others: each pocket's share, what is left over to the largest fractions."""
        other = self.account(member + OTHER_POINTS)
        other.settle(now)
        if wish.amount % SWAPPED:
            return ("uneven",)
        have = account.available(now)
        if wish.amount > have:
            return ("insufficient", have)
        taken = account.take(wish.amount, account.usable(now))
        coming = wish.amount // SWAPPED * HAD
        shares = {pocket.no: divmod(part * coming, wish.amount) for pocket, part in taken}
        odd = coming - sum(whole for whole, _ in shares.values())
        lucky = sorted(shares, key=lambda no: (-shares[no][1], no))[:odd]
        for pocket, _ in taken:
            if share := shares[pocket.no][0] + (pocket.no in lucky):
                other.fill(other.pocket(pocket.funder, pocket.expiry, None, None), share, now)
        return ("posted", account.posted)

    def merge(self, member: str, into: str, *, releasing: bool, now: int) -> str:
        """All that a member has goes on in another one's account, and theirs is closed."""
        account, other = self.account(member), self.account(into)
        if account.state == "closed":
            return "closed"
        if other.state != "open":
            return other.state
        tried = copy.deepcopy(account)
        tried.clear(now, releasing=releasing)
        if tried.holds or tried.debt or any(each.case and each.left for each in tried.pockets):
            return "open points"
        account.clear(now, releasing=releasing)
        other.settle(now)
        for pocket in sorted(account.pockets, key=lambda each: each.rank):
            if pocket.left:
                other.open(replace(pocket, parent=None))
        account.pockets, account.state = [], "closed"
        other.repay(now)
        return "merged"

    def change_hold(self, member: str, name: str, wish: Wish, now: int) -> tuple:
        account = self.account(member)
        if wish.kind != "hold" and (member, wish.detail[0]) not in self.holds:
            return ("missing",)
        if refused := self.stopped(account, wish):
            return refused
        account.settle(now)
        if wish.kind == "hold":
            answer = self.place(account, member, name, wish, now)
        else:
            hold = self.holds[member, wish.detail[0]]
            answer = (hold.ended,) if hold.ended else self.change(account, member, name, wish, now)
        account.settle(now)
        return answer

    def place(self, account: NaiveAccount, member: str, name: str, wish: Wish, now: int) -> tuple:
        have = account.available(now)
        if wish.amount > have:
            return ("insufficient", have)
        pins, missing = [], wish.amount
        for pocket in account.usable(now):
            part = min(missing, pocket.free)
            missing -= part
            pocket.pinned += part
            if part:
                pins.append((pocket, part))
        hold = NaiveHold(pins, now + wish.detail[0])
        account.holds[name] = self.holds[member, name] = hold
        self.hold_names.setdefault(member, []).append(name)
        return ("posted", account.posted)

    def change(self, account: NaiveAccount, member: str, name: str, wish: Wish, now: int) -> tuple:
        held, *rest = wish.detail
        hold = self.holds[member, held]
        if wish.kind == "release":
            account.free(held, "released", now)
        elif wish.kind == "extend":
            hold.end = max(hold.end, now + rest[0])
        else:
            wanted = hold.points if wish.amount is None else wish.amount
            if wanted > hold.points:
                return ("exceeds", hold.points)
            taken = self.capture(hold, wanted)
            self.done[member, name] = Posted("capture", wanted, taken)
            posted = account.posted
            if rest[0] or not hold.pins:
                account.free(held, "captured", now)
            return ("posted", posted)
        return ("posted", account.posted)

    def capture(self, hold: NaiveHold, amount: int) -> Taken:
        taken, kept = [], []
        for pocket, pinned in hold.pins:
            part = min(amount, pinned)
            amount -= part
            pocket.left -= part
            pocket.pinned -= part
            if part:
                taken.append((pocket, part))
            if pinned > part:
                kept.append((pocket, pinned - part))
        hold.pins = kept
        return taken

    def change_lots(self, account: NaiveAccount, wish: Wish, now: int) -> tuple:
        """Pockets that are meant and can be changed so."""
        if wish.kind == "prolong" and wish.detail[0] <= now:
            return ("void",)
        meant = [each for each in account.pockets if fits(each, wish, now)]
        if not meant:
            return ("nothing",)
        meant.sort(key=lambda pocket: pocket.rank)
        for pocket in meant:
            if wish.kind == "activate":
                pocket.woken = True
            elif wish.kind == "freeze":
                pocket.case = wish.detail[1]
            elif wish.kind == "thaw":
                pocket.case = None
            elif wish.kind == "void":
                pocket.left = pocket.pinned
            else:
                prolong(account, pocket, wish.detail[0])
        if wish.kind in ("activate", "freeze", "thaw"):
            account.repay(now)
        return ("posted", account.posted)

    def reverse(self, member: str, name: str, wish: Wish, now: int) -> tuple:
        target, late, shortfall, lines = wish.detail
        home = self.home_of(member, wish)
        account = self.account(home)
        if self.outcomes.get((member, target), (None, ("no",)))[1][0] != "posted":
            return ("missing",)
        if account.state == "closed":
            return ("closed",)
        account.settle(now)
        done = self.done.get((member, target))
        if done is None or done.kind not in REVERSIBLE:
            return ("irreversible",)
        left = done.amount - done.undone
        parts = parts_of(done, lines)
        if isinstance(parts, tuple):
            return parts
        wanted = sum(parts.values()) if lines else left if wish.amount is None else wish.amount
        if wanted > left or not wanted:
            return ("exceeds", left)
        if done.kind == "earn":
            answer, wanted = self.take_back(account, done, wanted, shortfall, now)
            if answer[0] == "posted":
                self.issued[done.taken[0][0].funder] -= wanted
        else:
            answer = self.put_back(account, done, wanted, late, now)
        if answer[0] == "posted":
            for line_id, part in (parts or from_the_last(done, wanted)).items():
                done.undone_lines[line_id] = done.undone_lines.get(line_id, 0) + part
            done.undone += wanted
        account.settle(now)
        return answer

    def put_back(
        self, account: NaiveAccount, done: Posted, wanted: int, late: str, now: int
    ) -> tuple:
        """The last that went comes first, and what was lent before all that."""
        lent = max(0, min(wanted, done.lent - done.undone))
        if lent > account.debt:
            return ("repaid", account.debt)
        account.debt -= lent
        skipped, wanted = max(0, done.undone - done.lent), wanted - lent
        posted = account.posted + wanted
        for pocket, part in reversed(done.taken):
            passed = min(part, skipped)
            back = min(part - passed, wanted)
            skipped, wanted = skipped - passed, wanted - back
            if not back:
                continue
            if not pocket.void(now):
                account.fill(pocket, back, now)
            elif late == "expire":
                account.put(pocket, back)
            else:
                expiry = now + DAY if late == "grace" else account.always_until
                account.fill(account.pocket(pocket.funder, expiry, None, None), back, now)
        return ("posted", posted)

    def take_back(
        self, account: NaiveAccount, done: Posted, wanted: int, shortfall: str, now: int
    ) -> tuple[tuple, int]:
        """Out of its own pocket and what came of it, then as it would be spent."""
        source = done.taken[0][0]
        own = [each for each in account.pockets if each.free and each.comes_from(source)]
        withheld = sum(each.free for each in own if not each.usable(now))
        have = account.available(now) + withheld
        there = min(have, wanted)
        if (shortfall == "reject" and there < wanted) or (shortfall == "clamp" and not there):
            return ("insufficient", have), wanted
        own.sort(key=lambda pocket: pocket.rank)
        account.take(there, [*own, *(each for each in account.usable(now) if each not in own)])
        owed = wanted - there if shortfall == "debt" else 0
        account.debt += owed
        return ("posted", account.posted), there + owed

    def change_account(self, member: str, kind: str, limits: dict[str, int], now: int) -> str:
        """Somebody suspends, resumes, limits or closes an account."""
        account = self.account(member)
        if kind == "close":
            account.settle(now)
        if account.state == "closed":
            return "closed"
        if kind == "close" and (account.points or account.debt):
            return "not empty"
        states = {"suspend": "suspended", "resume": "open", "close": "closed"}
        account.state = states.get(kind, account.state)
        if kind == "limit":
            account.limits = limits
        return "changed"


def fits(pocket: Pocket, wish: Wish, now: int) -> bool:
    """Whether a pocket is meant and can be changed so."""
    kind, detail = wish.kind, wish.detail
    if kind == "prolong":
        return bool(pocket.free and pocket.expiry is not None and pocket.expiry < detail[0])
    key, case = detail
    if key and pocket.key != key:
        return False
    if kind == "freeze":
        return bool(pocket.left and not pocket.case)
    if case and pocket.case != case:
        return False
    if kind == "thaw":
        return bool(pocket.left and pocket.case)
    return bool(pocket.free) if kind == "void" else bool(pocket.left and pocket.waits(now))


def prolong(account: NaiveAccount, pocket: Pocket, expiry: int) -> None:
    """The free points of a pocket go on in a new one that is like it."""
    child = Pocket(0, pocket.funder, expiry, pocket.wait, pocket.key, pocket.woken, pocket.case)
    child.parent, child.left = pocket, pocket.free
    pocket.left = pocket.pinned
    account.open(child)


def paid(lines: Iterable[tuple[str, int]], spent: int) -> Iterator[tuple[str, int]]:
    """How much of each line was paid for, for as long as the points last."""
    for line_id, amount in lines:
        yield line_id, min(amount, spent)
        spent -= min(amount, spent)


def parts_of(done: Posted, asked: tuple) -> dict[str, int] | tuple:
    """How much of each line is to come back; a refusal where that cannot be."""
    paid_for, parts = dict(done.lines), {}
    if any(line_id not in paid_for for line_id, _ in asked):
        return ("no line",)
    for line_id, amount in done.lines:
        if line_id not in dict(asked):
            continue
        wanted = dict(asked)[line_id]
        left = amount - done.undone_lines.get(line_id, 0)
        parts[line_id] = left if wanted is None else wanted
        if not 0 < parts[line_id] <= left:
            return ("line exceeds", left)
    return parts


def from_the_last(done: Posted, amount: int) -> dict[str, int]:
    """How much of each line comes back when nobody said which."""
    parts = {}
    for line_id, most in reversed(done.lines):
        parts[line_id] = min(amount, most - done.undone_lines.get(line_id, 0))
        amount -= parts[line_id]
    return parts
