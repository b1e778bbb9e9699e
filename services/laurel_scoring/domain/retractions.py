"""Facts that are taken back: as if they had never come, yet kept on record (A14, C11)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from laurel_scoring.domain.errors import ActivityInUse, ActivityRetracted
from laurel_scoring.domain.facts import Fact, Purchase, PurchaseReturn
from laurel_scoring.domain.history import in_order
from laurel_scoring.domain.intake import Books, not_returnable


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """That a fact was taken back, for good; `replacement_id` is empty when nothing came instead."""

    activity_id: str
    reason: str
    retract_time: datetime
    replacement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord:
    """A fact of a member as it is kept."""

    member_id: str
    fact: Fact
    record_time: datetime
    retraction: Retraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which facts of a member are wanted; an empty or missing part means all."""

    program_id: str
    member_id: str
    kinds: Collection[str]
    start_time: datetime | None
    end_time: datetime | None
    include_retracted: bool


def decide_retraction(
    record: ActivityRecord,
    standing: Iterable[Fact],
    *,
    replacement: Fact | None,
    reason: str,
    now: datetime,
) -> Retraction:
    """Take a fact back; `standing` are the facts of its order that stand.

    Raises ActivityRetracted, and ActivityInUse for a purchase of which something went back that
    the replacement does not hold: had the purchase never come, its return would have been refused.
    """
    fact = record.fact
    if record.retraction is not None:
        raise ActivityRetracted(activity_id=fact.activity_id, member_id=record.member_id)
    if isinstance(fact, Purchase):
        left = [other for other in standing if other.activity_id != fact.activity_id]
        for back in returns_without_purchase([*left, replacement] if replacement else left):
            raise ActivityInUse(activity_id=fact.activity_id, return_id=back.activity_id)
    return Retraction(
        activity_id=fact.activity_id,
        reason=reason,
        retract_time=now,
        replacement_id=replacement.activity_id if replacement else "",
    )


def returns_without_purchase(facts: Iterable[Fact]) -> Iterator[PurchaseReturn]:
    """The returns among facts of one order that would be refused had only these facts come."""
    books = Books()
    returns: list[PurchaseReturn] = []
    for fact in in_order(facts):
        if isinstance(fact, PurchaseReturn):
            returns.append(fact)
        else:
            books.learn(fact)
    for back in returns:
        if any(not_returnable(back, books)):
            yield back
        books.learn(back)
