"""Ladders of levels and publications over them, for the rules of tiers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, day_start
from laurel_scoring.domain.models import Level
from laurel_scoring.domain.settlements import Settlement, SettlementKey, SettlementState
from laurel_scoring.domain.tier_policies import Fall, TierPolicy, TierTerm
from laurel_scoring.domain.tiers import Ladder, Publication

ZONE = ZoneInfo("Asia/Shanghai")
FIRST_MONTH = date(2026, 1, 1)
LEVELS = ("bronze", "silver", "gold", "diamond")
STEP = 1000
"""Points between two levels."""


def ladder(
    *,
    terms: dict[str, int] | None = None,
    fall: Fall = Fall.REASSESS,
    grace_days: int = 0,
    falls_within_term: bool = False,
) -> Ladder:
    """Four levels, a thousand points apart."""
    policy = TierPolicy(
        model_id="m",
        terms=tuple(TierTerm(level_id=name, months=n) for name, n in (terms or {}).items()),
        fall=fall,
        grace_days=grace_days,
        falls_within_term=falls_within_term,
    )
    levels = tuple(
        Level(level_id=name, display_name=name, from_score=place * STEP, position=place + 1)
        for place, name in enumerate(LEVELS)
    )
    return Ladder(policy=policy, levels=levels, zone=ZONE)


def due_of(number: int) -> datetime:
    """When the month of a number, counted from 0, is settled: on its second day."""
    return day_start(add_months(FIRST_MONTH, number).replace(day=2), ZONE)


def publication(number: int, level_id: str, *, run: int = 1) -> Publication:
    """A score at the beginning of a level, published in the month of a number."""
    position = LEVELS.index(level_id) + 1
    return Publication(
        month=add_months(FIRST_MONTH, number),
        run=run,
        value=(position - 1) * STEP,
        position=position,
        due_time=due_of(number),
    )


def settlement(program_id: str, number: int, *, run: int = 1) -> Settlement:
    """The settlement of the month of a number."""
    month = add_months(FIRST_MONTH, number)
    return Settlement(
        key=SettlementKey(program_id=program_id, model_id="m", month=month, run=run),
        state=SettlementState.RUNNING,
        due_time=due_of(number),
        revision_id="sha256:0",
        revision_time=datetime(2025, 1, 1, tzinfo=UTC),
        start_time=due_of(number),
        end_time=None,
        last_member_id="",
        members_done=0,
        members_total=0,
        scores_published=0,
        correction_reason="mistake" if run > 1 else "",
    )
