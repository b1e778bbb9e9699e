"""Cards that make up for missed days of checking in: earned by days in a row, used one a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day, day_start

from laurel_benefits.domain.decisions import (
    Decision,
    Reason,
    ReasonCode,
    evidence_of,
)
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import RevisionId
from laurel_benefits.domain.make_up_rules import MakeUpRules
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import NOT_ASKED

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpCard:
    """A card, named by the day that earned it."""

    earn_day: date
    last_day: date
    """The last business day on which it can be used."""
    used_day: date | None = None
    """The missed day it made up for."""

    def usable_on(self, today: date) -> bool:
        """Whether it can be used."""
        return self.used_day is None and today <= self.last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpCase:
    """A missed day, what is known of the member, and the moment."""

    day: date
    rules: MakeUpRules
    streaks: Mapping[date, int]
    """Days in a row by the days checked in, from the day before the missed one on."""
    cards: Sequence[MakeUpCard]
    risk: MemberRisk | None
    now: datetime
    zone: ZoneInfo
    program_revision: RevisionId

    @property
    def today(self) -> date:
        """The present business day."""
        return business_day(self.now, self.zone)


def earns_card(
    rules: MakeUpRules, *, streak_days: int, cards: Sequence[MakeUpCard], today: date
) -> MakeUpCard | None:
    """The card a check-in earns; None where it earns none, or there are enough."""
    held = sum(card.usable_on(today) for card in cards)
    if streak_days % rules.earned_every_days or held >= rules.held_max:
        return None
    return MakeUpCard(earn_day=today, last_day=today + (rules.lifetime_days - 1) * ONE_DAY)


def decide_make_up(case: MakeUpCase) -> Decision:
    """Whether a card makes up for a missed day."""
    reasons = (*judge_risk(case.risk, case.now), *judge_missed(case), *judge_cards(case))
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        value=None,
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=None,
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_missed(case: MakeUpCase) -> Iterator[Reason]:
    """Whether the day was missed, is over, and not too long ago."""
    if case.day in case.streaks:
        yield Reason(code=ReasonCode.REPEATED, subject="check_in")
    back = (case.today - case.day).days
    if back < 1:
        opens = day_start(case.day + ONE_DAY, case.zone)
        yield Reason(code=ReasonCode.OUTSIDE_WINDOW, subject="day", available_from=opens)
    if back > case.rules.days_back_max:
        yield Reason(
            code=ReasonCode.OUTSIDE_WINDOW,
            subject="day",
            required=case.rules.days_back_max,
            actual=back,
        )


def judge_cards(case: MakeUpCase) -> Iterator[Reason]:
    """Whether there is a card."""
    if card_for(case.cards, case.today) is None:
        yield Reason(code=ReasonCode.CARD_MISSING, subject="make_up_card", required=1, actual=0)


def card_for(cards: Sequence[MakeUpCard], today: date) -> MakeUpCard | None:
    """The card that is used: the one that ends first."""
    usable = [card for card in cards if card.usable_on(today)]
    return min(usable, key=lambda card: (card.last_day, card.earn_day), default=None)


def streaks_with(streaks: Mapping[date, int], day: date) -> dict[date, int]:
    """The days whose place in a row changes when a missed day is made up for, itself included."""
    days = streaks.get(day - ONE_DAY, 0) + 1
    changed = {day: days}
    following = day + ONE_DAY
    while following in streaks:
        days += 1
        changed[following] = days
        following += ONE_DAY
    return changed


def missed_days(
    rules: MakeUpRules, streaks: Mapping[date, int], *, first_day: date | None, today: date
) -> tuple[date, ...]:
    """Days that a card can make up for, since the member came first; the earliest first."""
    if first_day is None:
        return ()
    days = (today - back * ONE_DAY for back in range(rules.days_back_max, 0, -1))
    return tuple(day for day in days if day > first_day and day not in streaks)
