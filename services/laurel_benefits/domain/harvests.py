"""Harvests: one fruit of a ripe tree, then a new tree begins (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.decisions import (
    Decision,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.game_errors import FruitNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import FruitId, HarvestId, MemberKey, RequestId, RevisionId
from laurel_benefits.domain.orchard_rules import PERCENT, Fruit, Orchard
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import Sight
from laurel_benefits.domain.trees import Tree, tier_of


class HarvestState(StrEnum):
    """How far a harvest is."""

    PENDING = "PENDING"
    TAKEN = "TAKEN"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """The fruit of a tree."""

    harvest_id: HarvestId
    member: MemberKey
    tree_no: int
    fruit_id: FruitId
    grams: int
    points: int
    asset_id: str
    funding_account_id: str
    address: str
    ledger_request_id: RequestId
    """The name of the earning; empty without points."""
    harvest_time: datetime
    program_revision: RevisionId
    state: HarvestState
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestCase:
    """A tree, the fruit that is wanted, and the moment."""

    orchard: Orchard
    tree: Tree
    fruit: Fruit
    address: str
    stock_left: int | None
    sight: Sight
    risk: MemberRisk | None
    now: datetime
    program_revision: RevisionId

    def grown(self, amount: int) -> int:
        """An amount as big as the member's level makes it (L2), rounded down."""
        return amount * tier_of(self.orchard, self.sight).harvest_percent // PERCENT


def find_fruit(orchard: Orchard, fruit_id: FruitId) -> Fruit:
    """The fruit of that name. Raises FruitNotFound."""
    if found := orchard.fruits.get(fruit_id):
        return found
    raise FruitNotFound(fruit_id=fruit_id)


def decide_harvest(case: HarvestCase) -> Decision:
    """Whether a tree gives a fruit now: ripe, with an address for a parcel (L8)."""
    reasons = (*judge_risk(case.risk, case.now), *judge_harvest(case))
    return Decision(
        allowed=not reasons,
        reasons=with_degraded(reasons, case.sight),
        value=None,
        evidence=evidence_of(case.sight, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, None),
        degraded=case.sight.degraded,
        program_revision=case.program_revision,
    )


def judge_harvest(case: HarvestCase) -> Iterator[Reason]:
    """What speaks against it."""
    if not case.tree.ripe(case.orchard):
        yield Reason(
            code=ReasonCode.TREE_NOT_RIPE,
            subject="tree",
            required=case.orchard.ripe_units,
            actual=case.tree.units,
        )
    if case.fruit.grams and not case.address:
        yield Reason(code=ReasonCode.ATTRIBUTE_MISSING, subject="address")
    if case.stock_left is not None and case.stock_left <= 0:
        yield Reason(code=ReasonCode.STOCK_EXHAUSTED, subject="stock", required=1)


def make_harvest(
    case: HarvestCase, *, harvest_id: HarvestId, ledger_request_id: RequestId
) -> Harvest:
    """The harvest that a yes allows; points are still to be paid."""
    fruit = case.fruit
    return Harvest(
        harvest_id=harvest_id,
        member=case.tree.member,
        tree_no=case.tree.tree_no,
        fruit_id=fruit.fruit_id,
        grams=case.grown(fruit.grams),
        points=case.grown(fruit.points),
        asset_id=fruit.asset_id,
        funding_account_id=fruit.funding_account_id,
        address=case.address,
        ledger_request_id=ledger_request_id if fruit.points else RequestId(""),
        harvest_time=case.now,
        program_revision=case.program_revision,
        state=HarvestState.PENDING if fruit.points else HarvestState.TAKEN,
    )


def next_tree(tree: Tree) -> Tree:
    """The tree that begins when one is harvested; its drops stay, its growth does not."""
    return Tree(member=tree.member, tree_no=tree.tree_no + 1, drops=tree.drops)
