"""Trees: water makes them grow, as fast as the member's level says, until they are ripe (L5, L7).

Growth is counted in hundredths of a unit and shown in whole ones, so that what a pour leaves over
is there for the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_benefits.domain.decisions import (
    Decision,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
    with_degraded,
)
from laurel_benefits.domain.game_errors import OrchardNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import MemberKey, ProgramId, RevisionId
from laurel_benefits.domain.orchard_rules import PERCENT, Orchard, TierSpeed
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A member's tree and the water for it."""

    member: MemberKey
    tree_no: int = 1
    drops: int = 0
    growth_hundredths: int = 0
    ripe_time: datetime | None = None
    """When it was watered for the last time it needed."""

    @property
    def units(self) -> int:
        """Whole units it has grown."""
        return self.growth_hundredths // PERCENT

    @property
    def carried_hundredths(self) -> int:
        """Hundredths of a unit that are carried to the next pour (L7)."""
        return self.growth_hundredths % PERCENT

    def ripe(self, orchard: Orchard) -> bool:
        """Whether it can be harvested."""
        return self.units >= orchard.ripe_units

    def with_drops(self, drops: int) -> Tree:
        """The same with more water."""
        return replace(self, drops=self.drops + drops)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeView:
    """A tree as the rules of an instant see it."""

    tree: Tree
    stage_id: str
    stage_name: str
    next_units: int
    ripe: bool
    helpers_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterCase:
    """A tree, what is known of its member, and the moment."""

    orchard: Orchard
    tree: Tree
    pours: int
    sight: Sight
    risk: MemberRisk | None
    now: datetime
    program_revision: RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Watering:
    """The decision, and the tree as it is then."""

    decision: Decision
    tree: Tree
    pours: int
    units: int
    speed_percent: int


def find_orchard(program: BenefitsProgram, program_id: ProgramId) -> Orchard:
    """The game's rules. Raises OrchardNotFound."""
    if program.orchard is None:
        raise OrchardNotFound(program_id=program_id)
    return program.orchard


def view_of(tree: Tree, orchard: Orchard, *, helpers_today: int) -> TreeView:
    """A tree with its stage (L5); a ripe one is in none."""
    begun = [stage for stage in orchard.stages if stage.from_units <= tree.units]
    later = (stage.from_units for stage in orchard.stages if stage.from_units > tree.units)
    ripe = tree.ripe(orchard)
    return TreeView(
        tree=tree,
        stage_id="" if ripe else begun[-1].stage_id,
        stage_name="" if ripe else begun[-1].display_name,
        next_units=next(later, orchard.ripe_units),
        ripe=ripe,
        helpers_today=helpers_today,
    )


def tier_of(orchard: Orchard, sight: Sight) -> TierSpeed:
    """What the member's level brings; a member whose level is not known has none."""
    score = sight.standing.score if sight.standing else None
    return orchard.speed_of(score.level_id if score else "")


def decide_watering(case: WaterCase) -> Watering:
    """Whether a tree may be watered, and how it grows by it (L6, L7).

    Water that a ripe tree would not need is not poured.
    """
    orchard, tree = case.orchard, case.tree
    speed_percent = tier_of(orchard, case.sight).speed_percent
    growth = orchard.pour_units * speed_percent
    needed = -(-(orchard.ripe_units * PERCENT - tree.growth_hundredths) // growth)
    pours = max(min(case.pours, needed), 0)
    reasons = (*judge_risk(case.risk, case.now), *judge_water(case, pours))
    decision = Decision(
        allowed=not reasons,
        reasons=with_degraded(reasons, case.sight),
        value=None,
        evidence=evidence_of(case.sight, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, None),
        degraded=case.sight.degraded,
        program_revision=case.program_revision,
    )
    if reasons:
        return Watering(decision=decision, tree=tree, pours=0, units=0, speed_percent=speed_percent)
    grown = replace(
        tree,
        drops=tree.drops - pours * orchard.pour_drops,
        growth_hundredths=tree.growth_hundredths + pours * growth,
        ripe_time=case.now if pours == needed else None,
    )
    return Watering(
        decision=decision,
        tree=grown,
        pours=pours,
        units=grown.units - tree.units,
        speed_percent=speed_percent,
    )


def judge_water(case: WaterCase, pours: int) -> Iterator[Reason]:
    """Whether the tree takes water, and the member has it."""
    needed = pours * case.orchard.pour_drops
    if case.tree.ripe(case.orchard):
        yield Reason(code=ReasonCode.TREE_RIPE, subject="tree")
    elif case.tree.drops < needed:
        yield Reason(
            code=ReasonCode.BALANCE_TOO_LOW,
            subject="drops",
            required=needed,
            actual=case.tree.drops,
        )
