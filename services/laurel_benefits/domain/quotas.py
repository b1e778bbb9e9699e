"""How often a benefit may be used: the period a use is counted in, and what it has left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import (
    business_day,
    day_end,
    day_start,
    month_start,
    next_month_start,
    next_year_start,
    year_start,
)

from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.programs import QuotaPeriod
from laurel_benefits.domain.rulings import Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What uses are counted in. `key` names it among the periods of one benefit of one member."""

    key: str
    reset_time: datetime | None
    """When the next one begins; None where there is none."""


def period_at(
    kind: QuotaPeriod,
    now: datetime,
    zone: ZoneInfo,
    *,
    membership: Membership | None,
    grant: Ruling | None,
) -> Period | None:
    """The period that now lies in.

    A term is that of the running membership that gives the benefit, or else of the grant that does;
    without either there is no period, and the benefit is refused for that.
    """
    today = business_day(now, zone)
    match kind:
        case QuotaPeriod.DAY:
            return Period(key=f"DAY:{today}", reset_time=day_end(today, zone))
        case QuotaPeriod.MONTH:
            start, end = month_start(today), next_month_start(today)
            return Period(key=f"MONTH:{start}", reset_time=day_start(end, zone))
        case QuotaPeriod.YEAR:
            start, end = year_start(today), next_year_start(today)
            return Period(key=f"YEAR:{start}", reset_time=day_start(end, zone))
        case QuotaPeriod.TERM:
            return term_period(membership, grant)
    return Period(key="EVER", reset_time=None)


def term_period(membership: Membership | None, grant: Ruling | None) -> Period | None:
    """The term of a membership, or of the grant that stands in for one."""
    if membership:
        return Period(
            key=f"TERM:{membership.membership_id}", reset_time=membership.term.expire_time
        )
    if grant:
        return Period(key=f"GRANT:{grant.position}", reset_time=grant.expire_time)
    return None
