"""GetTier, BatchGetTiers and ListTierChanges: what members hold, and how that came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_scoring.domain.invitations import Invitation
from laurel_scoring.domain.models import Level, ScoreModel, ScoringProgram
from laurel_scoring.domain.scores import worth
from laurel_scoring.domain.settlements import PublishedScore, due_time, first_month_after
from laurel_scoring.domain.tiers import (
    Holding,
    Ladder,
    Outlook,
    Override,
    TierChange,
    holding_of_balance,
    ladder_of,
    outlook_of,
    outlook_of_balance,
)
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import model_of
from laurel_scoring.storage.activities import MemberFacts, read_facts_of_members
from laurel_scoring.storage.invitations import read_invitations
from laurel_scoring.storage.settlements import find_scores
from laurel_scoring.storage.tiers import list_changes, read_holdings, read_overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class TierQuery:
    """Whose tiers are wanted, by which model."""

    program_id: str
    model_id: str
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierView:
    """The tier of a member with everything that is known about it."""

    program_id: str
    member_id: str
    ladder: Ladder
    holding: Holding
    override: Override | None
    """The one that counts now."""
    invitation: Invitation | None
    """The one that stands, of several that of the highest level."""
    as_of: datetime
    published: PublishedScore | None
    outlook: Outlook
    revision_id: str

    @property
    def held_level(self) -> Level:
        """The level held by publications."""
        return self.ladder.level(self.holding.position)

    @property
    def level(self) -> Level:
        """The level that counts."""
        if self.override is not None:
            return self.ladder.level(self.ladder.place_of(self.override.level_id))
        if self.seat is not None:
            return self.ladder.level(self.ladder.place_of(self.seat.level_id))
        return self.held_level

    @property
    def seat(self) -> Invitation | None:
        """The invitation by which the member holds a level now."""
        holds = self.invitation is not None and self.invitation.holds(self.as_of)
        return self.invitation if holds else None

    @property
    def since_time(self) -> datetime | None:
        """From when on the level counts."""
        if self.override is not None:
            return self.override.start_time
        return self.seat.accept_time if self.seat else self.holding.since_time

    @property
    def until_time(self) -> datetime | None:
        """Until when the level is sure; None when the next publication may change it."""
        if self.override is not None:
            return self.override.end_time
        return self.seat.until_time if self.seat else self.holding.sure_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the tiers of some members are read with."""

    revision: Revision[ScoringProgram]
    model: ScoreModel
    ladder: Ladder
    now: datetime


async def get_tier(query: TierQuery, *, resources: Resources) -> TierView:
    """The tier of one member. Raises ProgramNotFound, ModelNotFound, TiersNotDeclared."""
    (view,) = await batch_get_tiers(query, resources=resources)
    return view


async def batch_get_tiers(query: TierQuery, *, resources: Resources) -> list[TierView]:
    """The tier of each member, in order. Raises what get_tier raises."""
    program_id, model_id, member_ids = query.program_id, query.model_id, query.member_ids
    async with resources.database.snapshot() as connection:
        stage = await read_stage(connection, program_id, model_id, resources)
        holdings = await read_holdings(connection, program_id, model_id, member_ids, stage.ladder)
        overrides = await read_overrides(
            connection, program_id, model_id, member_ids, instant=stage.now
        )
        invitations = await read_invitations(connection, program_id, model_id, member_ids)
        scores = await find_scores(connection, program_id, member_ids, model_id, by=stage.now)
        known = await read_facts_of_members(connection, program_id, dict.fromkeys(member_ids))
    return [
        view_of(
            stage,
            facts,
            holding=holdings[member_id],
            override=overrides.get(member_id),
            invitations=invitations.get(member_id, ()),
            published=scores.get(member_id),
        )
        for member_id, facts in ((each, known[each]) for each in member_ids)
    ]


async def list_tier_changes(
    query: TierQuery,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    resources: Resources,
) -> Sequence[TierChange]:
    """The changes of a member's tier, the latest first. Raises ProgramNotFound."""
    (member_id,) = query.member_ids
    async with resources.database.read() as connection:
        await resources.programs.at(connection, query.program_id, resources.clock.now())
        return await list_changes(
            connection, query.program_id, member_id, query.model_id, before=before, limit=limit
        )


async def read_stage(
    connection: Connection, program_id: str, model_id: str, resources: Resources
) -> Stage:
    """The levels of a model as they hold now. Raises what get_tier raises."""
    now = resources.clock.now()
    revision = await resources.programs.at(connection, program_id, now)
    model = model_of(revision, model_id)
    ladder = ladder_of(revision.model, model, revision.time_zone)
    return Stage(revision=revision, model=model, ladder=ladder, now=now)


def view_of(
    stage: Stage,
    facts: MemberFacts,
    *,
    holding: Holding,
    override: Override | None,
    invitations: Sequence[Invitation],
    published: PublishedScore | None,
) -> TierView:
    """The tier of one member."""
    counts = override is not None and override.holds(stage.now)
    if stage.model.at_term_end is None:
        outlook = look_ahead(stage, holding, facts)
    else:
        holding, outlook = read_balance(stage, facts)
    return TierView(
        program_id=stage.revision.program_id,
        member_id=facts.member_id,
        ladder=stage.ladder,
        holding=holding,
        override=override if counts else None,
        invitation=max(
            invitations, key=lambda each: stage.ladder.place_of(each.level_id), default=None
        ),
        as_of=stage.now,
        published=published,
        outlook=outlook,
        revision_id=stage.revision.revision_id,
    )


def look_ahead(stage: Stage, holding: Holding, facts: MemberFacts) -> Outlook:
    """What the next settlement would do if nothing more happened."""
    zone = stage.revision.time_zone
    month = first_month_after(stage.model, stage.now, zone)
    due = due_time(stage.model, month, zone)
    moment = Moment(basis=Basis.PUBLISHED, instant=due, zone=zone)
    found = worth(facts.facts, stage.model, moment)
    return outlook_of(
        holding, found.value, found.level, month=month, due_time=due, ladder=stage.ladder
    )


def read_balance(stage: Stage, facts: MemberFacts) -> tuple[Holding, Outlook]:
    """What a running balance holds now, and what the end of its term would leave."""
    zone, model = stage.revision.time_zone, stage.model
    moment = Moment(basis=Basis.LIVE, instant=stage.now, zone=zone)
    now = worth(facts.facts, model, moment)
    held = holding_of_balance(now.level, now.term_end, zone)
    then = now
    if held.until_time is not None:
        moment = Moment(basis=Basis.LIVE, instant=held.until_time, zone=zone)
        then = worth(facts.facts, model, moment)
    outlook = outlook_of_balance(
        held,
        value=now.value,
        after=holding_of_balance(then.level, then.term_end, zone),
        value_after=then.value,
        ladder=stage.ladder,
    )
    return held, outlook
