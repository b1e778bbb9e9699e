"""Whatever facts go through on their way, every shipped model ends where they lead in order once.

They are delayed, repeated, reported by mistake and corrected, or false and taken back.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from laurel_scoring.domain.facts import Fact, Purchase, PurchaseReturn
from laurel_scoring.domain.history import in_order
from laurel_scoring.domain.models import ScoreModel
from laurel_scoring.domain.scores import score, worth
from laurel_scoring.domain.windows import Basis

from tests.support.programs import PROGRAMS
from tests.support.scoring_lives import MOMENTS, rich_lives
from tests.support.scoring_shops import Shop, mistaken
from tests.support.scoring_worlds import did, shipped_program

MODELS: list[ScoreModel] = [
    model for path in sorted(PROGRAMS.glob("*.yaml")) for model in shipped_program(path.stem).models
]


class Delivery(RuleBasedStateMachine):
    """The facts of one life on their way to the books of a shop."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.truth: list[Fact] = []
        self.waiting: list[Fact] = []
        self.wrong: dict[str, Fact] = {}
        """What has to be said instead of facts that were reported by mistake."""
        self.false: list[str] = []
        self.chance = Random(0)

    @initialize(facts=rich_lives(), seed=some.integers(0, 1000))
    def live(self, facts: list[Fact], seed: int) -> None:
        self.chance = Random(seed)
        self.truth, self.waiting = facts, list(facts)
        self.chance.shuffle(self.waiting)

    @precondition(lambda self: self.waiting)
    @rule(number=some.integers(1, 10))
    def deliver(self, number: int) -> None:
        """Some facts arrive; a return before its purchase is refused and sent again later."""
        sent, self.waiting = self.waiting[:number], self.waiting[number:]
        self.waiting += [fact for fact in sent if not self.shop.record(fact)]

    @precondition(lambda self: self.shop.standing)
    @rule()
    def repeat(self) -> None:
        """A fact arrives again, and changes nothing."""
        before = len(self.shop.kept)
        assert self.shop.record(self.chance.choice(self.shop.standing))
        assert len(self.shop.kept) == before

    @precondition(lambda self: self.waiting)
    @rule()
    def mistake(self) -> None:
        """A fact arrives otherwise than it was; the right one is to replace it."""
        fact = self.waiting[0]
        reported = mistaken(fact, self.chance)
        if self.shop.record(reported):
            self.waiting.pop(0)
            self.wrong[reported.activity_id] = fact

    @precondition(lambda self: self.wrong)
    @rule()
    def correct(self) -> None:
        """A mistake is corrected, if nothing hangs on it that has to go first."""
        name = self.chance.choice(sorted(self.wrong))
        fact = self.wrong.pop(name)
        if not self.shop.retract(name, fact):
            self.wrong[name] = fact

    @rule()
    def lie(self) -> None:
        """Something that never happened is reported."""
        fact = self.chance.choice(self.truth) if self.truth else did("2026-01-01", "login")
        if isinstance(fact, PurchaseReturn):
            return
        told = replace(fact, activity_id=f"false-{len(self.shop.kept)}")
        if isinstance(told, Purchase):
            told = replace(told, order_id=told.activity_id)
        assert self.shop.record(told)
        self.false.append(told.activity_id)

    @precondition(lambda self: self.false)
    @rule()
    def take_back(self) -> None:
        """What never happened is taken back; a repeat of it then brings nothing back."""
        name = self.false.pop()
        assert self.shop.retract(name, None)
        assert self.shop.record(self.shop.kept[name])
        assert name not in {fact.activity_id for fact in self.shop.standing}

    def teardown(self) -> None:
        """Everything arrives in the end."""
        while self.waiting or self.wrong or self.false:
            if self.waiting:
                self.deliver(len(self.waiting))
            if self.wrong:
                self.correct()
            if self.false:
                self.take_back()
        ordered = in_order(self.truth)
        assert in_order(self.shop.standing) == ordered
        for model in MODELS:
            for moment in MOMENTS:
                if moment.basis is Basis.LIVE or model.settlement_day:
                    found = score(self.shop.standing, model, moment)
                    assert found == score(ordered, model, moment)
                    parts = sum(each.counted for each in found.contributions)
                    assert found.value == parts + sum(each.points for each in found.adjustments)
                    brief = worth(ordered, model, moment)
                    assert (brief.value, brief.level) == (found.value, found.level)


Delivery.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestDelivery = Delivery.TestCase
