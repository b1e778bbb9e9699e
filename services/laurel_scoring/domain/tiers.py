"""Tiers: what a publication makes of the level a member holds, and what an override lays over it.

`decide_move` is the rule; the statement that moves a whole population is the same rule over rows,
and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, add_months_to, business_day, day_start

from laurel_scoring.domain.errors import (
    LevelNotFound,
    OverrideEndInvalid,
    OverrideNotFound,
    TiersNotDeclared,
)
from laurel_scoring.domain.models import Level, ScoreModel, ScoringProgram
from laurel_scoring.domain.tier_policies import Fall, TierPolicy

LOWEST = 1
"""The position of the level that everybody has who never reached another one."""


class Cause(Enum):
    """Why a tier changed."""

    REACHED = "reached"
    FELL = "fell"
    RENEWED = "renewed"
    GRACE_BEGAN = "grace_began"
    RECOVERED = "recovered"
    CORRECTED = "corrected"
    OVERRIDDEN = "overridden"
    OVERRIDE_ENDED = "override_ended"
    INVITATION_ACCEPTED = "invitation_accepted"
    INVITATION_RENEWED = "invitation_renewed"
    INVITATION_ENDED = "invitation_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What moves tiers: one published score of a member."""

    month: date
    run: int
    value: int
    position: int
    """The place of its level, 1 for the lowest."""
    due_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The level that a member holds by publications."""

    position: int
    since_time: datetime | None
    """The settlement day on which it was reached; None for who never left the lowest level."""
    until_time: datetime | None
    """The end of its term; None without one."""
    grace_until_time: datetime | None
    """Until when it is kept although the score is below it; None while it is not."""
    month: date | None
    """The month of the publication that gave it."""

    @property
    def sure_until(self) -> datetime | None:
        """Until when no publication takes it away; None when the next one may."""
        return self.grace_until_time or self.until_time


NOTHING_HELD = Holding(
    position=LOWEST, since_time=None, until_time=None, grace_until_time=None, month=None
)
"""What everybody holds who never left the lowest level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a publication does to a tier."""

    cause: Cause
    holding: Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The levels of a model, and how they are held."""

    policy: TierPolicy
    levels: tuple[Level, ...]
    zone: ZoneInfo

    def level(self, position: int) -> Level:
        """The level at a place."""
        return self.levels[position - 1]

    def has(self, level_id: str) -> bool:
        """Whether the model has a level."""
        return any(each.level_id == level_id for each in self.levels)

    def place_of(self, level_id: str) -> int:
        """The place of a level; one that the model has no longer counts as the lowest."""
        places = (each.position for each in self.levels if each.level_id == level_id)
        return next(places, LOWEST)

    def above(self, position: int) -> Level | None:
        """The next level that a higher score gives, None above the highest."""
        return next((each for each in self.levels[position:] if not each.one_in), None)

    @property
    def by_rank(self) -> bool:
        """Whether a level is of those with the highest scores: it depends on everybody's (K1)."""
        return any(each.rank_size for each in self.levels)

    def term_end(self, position: int, begun: datetime) -> datetime | None:
        """When a term that begins now ends; None for a level without terms."""
        months = self.policy.months_of(self.level(position).level_id)
        return None if months is None else add_months_to(begun, months, self.zone)

    def grace_end(self, begun: datetime) -> datetime:
        """When a grace that begins now ends."""
        days = timedelta(days=self.policy.grace_days)
        return day_start(business_day(begun, self.zone) + days, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A level laid over the one held, by somebody, for a time; without a level it is lifted."""

    override_id: str
    level_id: str
    reason: str
    made_by: str
    start_time: datetime
    end_time: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether it counts at an instant."""
        return bool(self.level_id) and self.start_time <= instant < self.end_time


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange:
    """A change of a tier as it is kept; overrides have no month, run and value."""

    program_id: str
    member_id: str
    model_id: str
    change_id: str
    change_time: datetime
    cause: Cause
    from_level_id: str
    to_level_id: str
    since_time: datetime
    until_time: datetime | None
    grace_until_time: datetime | None
    month: date | None
    run: int | None
    value: int | None
    revision_id: str
    reason: str
    made_by: str


def ladder_of(program: ScoringProgram, model: ScoreModel, zone: ZoneInfo) -> Ladder:
    """How the levels of a model are held. Raises TiersNotDeclared."""
    policy = program.tier_policy(model.model_id)
    if policy is None:
        raise TiersNotDeclared(model_id=model.model_id)
    return Ladder(policy=policy, levels=model.levels, zone=zone)


def decide_move(held: Holding, publication: Publication, ladder: Ladder) -> Move | None:
    """What a publication makes of a tier; None when nothing changes.

    A higher level is held at once (A19). A lower one takes the tier away at the end of its term, or
    within it where the policy says so (A20), and after the grace. A correction of the publication
    that gave the tier takes it back at once: it was never reached.
    """
    assert held.month is None or publication.month >= held.month, "months move tiers in order"
    if publication.position > held.position:
        return Move(cause=Cause.REACHED, holding=begin(publication.position, publication, ladder))
    if publication.position == held.position:
        return confirm(held, publication, ladder)
    if publication.run > 1 and publication.month == held.month:
        return Move(cause=Cause.CORRECTED, holding=begin(publication.position, publication, ladder))
    return loosen(held, publication, ladder)


def confirm(held: Holding, publication: Publication, ladder: Ladder) -> Move | None:
    """The score still reaches the tier: a term that is over is renewed, a grace ends well."""
    if held.until_time is not None and held.until_time <= publication.due_time:
        until = ladder.term_end(held.position, publication.due_time)
        renewed = replace(held, until_time=until, grace_until_time=None, month=publication.month)
        return Move(cause=Cause.RENEWED, holding=renewed)
    if held.grace_until_time is not None:
        return Move(cause=Cause.RECOVERED, holding=replace(held, grace_until_time=None))
    return None


def loosen(held: Holding, publication: Publication, ladder: Ladder) -> Move | None:
    """The score is below the tier: it is kept through its term and its grace, then it falls."""
    now, policy = publication.due_time, ladder.policy
    in_term = held.until_time is not None and held.until_time > now
    if in_term and not policy.falls_within_term:
        return None
    if policy.grace_days and held.grace_until_time is None:
        patient = replace(held, grace_until_time=ladder.grace_end(now))
        return Move(cause=Cause.GRACE_BEGAN, holding=patient)
    if held.grace_until_time is not None and held.grace_until_time > now:
        return None
    one_down = policy.fall is Fall.ONE_LEVEL_DOWN
    target = held.position - 1 if one_down else publication.position
    return Move(cause=Cause.FELL, holding=begin(target, publication, ladder))


def begin(position: int, publication: Publication, ladder: Ladder) -> Holding:
    """A tier that is held from a publication on."""
    return Holding(
        position=position,
        since_time=publication.due_time,
        until_time=ladder.term_end(position, publication.due_time),
        grace_until_time=None,
        month=publication.month,
    )


def decide_override(
    level_id: str,
    end_time: datetime | None,
    *,
    standing: Override | None,
    ladder: Ladder,
    now: datetime,
    lifetime_max: timedelta,
) -> datetime:
    """When an override of a level ends; one without a level lifts the one that stands, now.

    Raises LevelNotFound, OverrideEndInvalid, OverrideNotFound.
    """
    if not level_id:
        if standing is None or not standing.holds(now):
            raise OverrideNotFound(model_id=ladder.policy.model_id)
        return now
    if not ladder.has(level_id):
        raise LevelNotFound(model_id=ladder.policy.model_id, level_id=level_id)
    assert end_time is not None, "the contract asks for it beside a level"
    latest = now + lifetime_max
    if not now < end_time <= latest:
        raise OverrideEndInvalid(end_time=end_time, earliest=now, latest=latest)
    return end_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the next settlement, or the end of a balance's term, would make of the facts of now.

    A balance without a term has nothing ahead: then there is no time.
    """

    due_time: datetime | None
    value: int
    move: Move | None
    next_level: Level | None
    missing_for_next: int
    missing_to_keep: int


def outlook_of(
    held: Holding, value: int, level: Level, *, month: date, due_time: datetime, ladder: Ladder
) -> Outlook:
    """What is missing for the next level, and to keep the present one, at the next settlement.

    Of levels by rank nothing can be said: they depend on the scores of everybody else.
    """
    if ladder.by_rank:
        return Outlook(
            due_time=due_time,
            value=value,
            move=None,
            next_level=None,
            missing_for_next=0,
            missing_to_keep=0,
        )
    publication = Publication(
        month=month, run=1, value=value, position=level.position, due_time=due_time
    )
    above = ladder.above(held.position)
    kept = ladder.level(held.position)
    return Outlook(
        due_time=due_time,
        value=value,
        move=decide_move(held, publication, ladder),
        next_level=above,
        missing_for_next=max(0, above.from_score - value) if above else 0,
        missing_to_keep=max(0, kept.from_score - value),
    )


def holding_of_balance(level: Level, term_end: date | None, zone: ZoneInfo) -> Holding:
    """What the level of a running balance is held as: since and until are those of its term."""
    if term_end is None:
        return replace(NOTHING_HELD, position=level.position)
    begun = add_months(term_end, -level.term_months)
    return replace(
        NOTHING_HELD,
        position=level.position,
        since_time=day_start(begun, zone),
        until_time=day_start(term_end, zone),
    )


def outlook_of_balance(
    held: Holding, *, value: int, after: Holding, value_after: int, ladder: Ladder
) -> Outlook:
    """What the end of the term would leave (A17); a higher level is reached at once (A19)."""
    above, kept = ladder.above(held.position), ladder.level(held.position)
    move = None
    if held.until_time is not None:
        cause = Cause.FELL if after.position < held.position else Cause.RENEWED
        move = Move(cause=cause, holding=after)
    return Outlook(
        due_time=held.until_time,
        value=value_after,
        move=move,
        next_level=above,
        missing_for_next=max(0, above.from_score - value) if above else 0,
        missing_to_keep=max(0, kept.from_score - value_after),
    )
