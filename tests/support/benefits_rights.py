"""Decisions about benefits of the JD program for tests of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.eligibility import (
    BenefitCase,
    Occasion,
    decide_benefit,
    find_benefit,
)
from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.rulings import Ruling, RulingKind
from laurel_benefits.domain.standings import Sight

from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, jd, sight

BORN = BirthDate(month=3, day=10)


def case(
    benefit_id: str,
    seen: Sight | None = None,
    *,
    running: Sequence[Membership] = (),
    ruling: Ruling | None = None,
    used: int = 0,
    birth_date: BirthDate | None = BORN,
    order_fen: int = 0,
    given: int = 0,
    now: datetime = NOON,
) -> BenefitCase:
    """A benefit of a member who has used it so often in the present period."""
    name = BenefitId(benefit_id)
    empty = BenefitCase(
        benefit=find_benefit(jd(), name),
        sight=seen or sight(),
        holdings=Holdings(running=tuple(running), rulings={name: ruling} if ruling else {}),
        occasion=Occasion(birth_date=birth_date, order_fen=order_fen),
        now=now,
        zone=SHANGHAI,
        program_revision=REVISION,
        given=given,
    )
    return with_uses(empty, used)


def with_uses(empty: BenefitCase, used: int) -> BenefitCase:
    """The same case after so many uses in its period."""
    if empty.period is None:
        return empty
    counts = {(empty.benefit.benefit_id, empty.period.key): used}
    return replace(empty, holdings=replace(empty.holdings, used=counts))


def decide(benefit_id: str, seen: Sight | None = None, **options: object) -> Decision:
    """The decision on such a case."""
    return decide_benefit(case(benefit_id, seen, **options))  # type: ignore[arg-type]  # By name.


def ruling(
    kind: RulingKind,
    benefit_id: str = "vip-line",
    *,
    at: datetime = NOON,
    lifetime: timedelta = timedelta(days=1),
) -> Ruling:
    """A ruling made at a time, for a while."""
    ends = None if kind is RulingKind.WITHDRAWN else at + lifetime
    return Ruling(
        member=MEMBER,
        benefit_id=BenefitId(benefit_id),
        position=1,
        kind=kind,
        reason="a test",
        maker="support",
        create_time=at,
        expire_time=ends,
    )
