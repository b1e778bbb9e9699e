"""Which award each rule of a model gives, by the facts it looks at."""

from __future__ import annotations

from laurel_scoring.domain.awards import (
    Award,
    Known,
    award_amounts,
    award_attribute,
    award_credit,
    award_orders,
)
from laurel_scoring.domain.engagements import Conduct, engagement_awards
from laurel_scoring.domain.models import (
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    PerActivePeriod,
    PerAmount,
    PerBand,
    PerCount,
    PerDistinct,
    PerUnit,
    Rule,
    WhileSet,
)
from laurel_scoring.domain.sets import award_sets, purchase_supports


def awards_of(
    rule: Rule, known: Known, *, split: frozenset[DistinctKey], conduct: Conduct
) -> list[Award]:
    """Everything a rule gives, oldest first.

    `split` names what a cap of the rule or its dimension looks at: purchases are then valued apart
    by it. What a single fact gives is listed also for facts before the window, because caps look at
    whole days, months and orders.
    """
    match rule.source, rule.award:
        case FromProfile(attribute=attribute), WhileSet(points=points):
            return list(award_attribute(attribute, points, known.standing))
        case FromCredit() as source, (PerUnit() | PerBand()) as award:
            return list(award_credit(source, award, known.standing))
        case FromEngagements() as source, award:
            return engagement_awards(rule, source, award, known, conduct)
        case _, PerAmount() as award:
            return list(award_amounts(rule, award, known.history, split))
        case _, PerCount(points=points):
            return list(award_orders(rule, points, known.history))
        case _, (PerDistinct() | PerActivePeriod()) as award:
            return award_sets(award, purchase_supports(rule, award, known), known)
    raise AssertionError("a checked model pairs every source with an award of its kind")
