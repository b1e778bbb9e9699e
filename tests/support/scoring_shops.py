"""What a member's facts go through before they are kept: reports, refusals, retractions."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

from laurel_scoring.domain.errors import ActivityInUse
from laurel_scoring.domain.facts import Fact, Purchase, PurchaseReturn
from laurel_scoring.domain.intake import (
    Accepted,
    Books,
    Outcome,
    Reported,
    decide_activities,
)
from laurel_scoring.domain.retractions import ActivityRecord, decide_retraction

from tests.support.scoring_worlds import at

NOW = at("2026-06-15T12:00")
MEMBER = "m"


def report(fact: Fact) -> Reported:
    digest = blake2b(repr(fact).encode(), digest_size=16).digest()
    return Reported(member_id=MEMBER, fact=fact, digest=digest)


def decide(books: Books, *facts: Fact) -> list[Outcome]:
    return decide_activities([report(fact) for fact in facts], {MEMBER: books}, now=NOW)


class Shop:
    """Facts as the service keeps them: names for good, trade only as far as it stands."""

    def __init__(self) -> None:
        self.kept: dict[str, Fact] = {}
        self.taken: set[str] = set()
        self.books = Books()

    @property
    def standing(self) -> list[Fact]:
        return [fact for name, fact in self.kept.items() if name not in self.taken]

    def record(self, fact: Fact) -> bool:
        """Whether the fact is recorded, now or before."""
        (outcome,) = decide(self.books, fact)
        if isinstance(outcome, Accepted) and not outcome.replayed:
            self.kept[fact.activity_id] = fact
        return isinstance(outcome, Accepted)

    def retract(self, name: str, replacement: Fact | None) -> bool:
        """Whether the fact is taken back, now or before."""
        if name not in self.kept or name in self.taken:
            return name in self.taken
        record = ActivityRecord(
            member_id=MEMBER, fact=self.kept[name], record_time=NOW, retraction=None
        )
        order_id = getattr(record.fact, "order_id", None)
        trade = [each for each in self.standing if getattr(each, "order_id", "") == order_id]
        try:
            decide_retraction(record, trade, replacement=replacement, reason="", now=NOW)
        except ActivityInUse:
            return False
        self.taken.add(name)
        self.learn()
        if replacement is not None and not self.record(replacement):
            # A purchase that is itself a mistake stands in the way: nothing is taken back.
            self.taken.discard(name)
            self.learn()
            return False
        return True

    def learn(self) -> None:
        """Read the books anew from what stands."""
        self.books = Books(recorded=self.books.recorded)
        for each in self.standing:
            self.books.learn(each)


def mistaken(fact: Fact, chance: random.Random) -> Fact:
    """A fact as it was reported by mistake at first."""
    # A return moved before its purchase would be refused for good.
    earliest = 0 if isinstance(fact, PurchaseReturn) else -40
    moved = fact.activity_time + chance.randint(earliest, 40) * timedelta(hours=7)
    wrong = replace(fact, activity_id=f"wrong-{fact.activity_id}", activity_time=moved)
    if isinstance(wrong, Purchase):
        lines = tuple(replace(each, paid=each.paid + 100_00) for each in wrong.lines)
        wrong = replace(wrong, lines=lines)
    return wrong
