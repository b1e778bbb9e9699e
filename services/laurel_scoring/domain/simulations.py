"""Facts that are supposed to have come or to have been taken back, judged as if they had."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from laurel_scoring.domain.errors import ActivityInUse, ActivityNotFound
from laurel_scoring.domain.facts import Fact, Purchase
from laurel_scoring.domain.intake import (
    Accepted,
    Books,
    Recorded,
    Reported,
    decide_activities,
)
from laurel_scoring.domain.retractions import returns_without_purchase


def suppose(
    standing: Sequence[Fact],
    added: Sequence[Reported],
    retracted: Collection[str],
    *,
    member_id: str,
    recorded: Mapping[str, Recorded],
    now: datetime,
) -> list[Fact]:
    """The facts that would stand; `recorded` are the added ones whose names are in use.

    Raises ActivityNotFound, ActivityInUse, and the refusal of the first added fact that has one.
    """
    for activity_id in sorted(set(retracted) - {fact.activity_id for fact in standing}):
        raise ActivityNotFound(activity_id=activity_id, member_id=member_id)
    left = [fact for fact in standing if fact.activity_id not in retracted]
    books = Books(recorded=dict(recorded))
    for fact in left:
        books.learn(fact)
    outcomes = decide_activities(added, {member_id: books}, now=now)
    supposed = list(left)
    for report, outcome in zip(added, outcomes, strict=True):
        if not isinstance(outcome, Accepted):
            raise outcome
        if not outcome.replayed:
            supposed.append(report.fact)
    refuse_returns_of_nothing(standing, retracted, supposed)
    return supposed


def refuse_returns_of_nothing(
    standing: Sequence[Fact], retracted: Collection[str], supposed: Sequence[Fact]
) -> None:
    """Raises ActivityInUse when a purchase is taken back whose goods went back."""
    taken = {
        fact.order_id: fact
        for fact in standing
        if isinstance(fact, Purchase) and fact.activity_id in retracted
    }
    if taken:
        for back in returns_without_purchase(supposed):
            purchase = taken[back.order_id]
            raise ActivityInUse(activity_id=purchase.activity_id, return_id=back.activity_id)
