"""Decides whether members may have benefits: one, several at once, or all on a page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.eligibility import (
    BenefitCase,
    Occasion,
    decide_benefit,
    find_benefit,
    stock_period_at,
)
from laurel_benefits.domain.errors import BenefitNotFound
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import BenefitId, MemberKey, ProgramId, RevisionId, ScoreModelId
from laurel_benefits.domain.programs import Benefit, BenefitsProgram
from laurel_benefits.domain.standings import NOT_ASKED, Sight
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import uses
from laurel_benefits.storage.holdings import read_holdings

Wanted = tuple[MemberKey, ScoreModelId, ScoreSource]
"""A standing that decisions look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBenefit:
    """Which benefit, for whom."""

    member: MemberKey
    benefit_id: BenefitId
    occasion: Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBenefits:
    """A page of whose benefits; `after` is the last benefit of the page before."""

    member: MemberKey
    occasion: Occasion
    page_size: int
    after: BenefitId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBenefit:
    """The decision and the benefit it is about."""

    benefit: Benefit
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitPage:
    """Decisions by benefit_id, and whether more follow."""

    checked: tuple[CheckedBenefit, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What decisions of one moment have in common: the program, and what is known of members."""

    revision: Revision[BenefitsProgram]
    now: datetime
    sights: Mapping[Wanted, Sight]
    holdings: Mapping[MemberKey, Holdings]
    given: Mapping[BenefitId, int]
    """How often benefits with a stock were used by all members in its present period."""

    def case(self, benefit: Benefit, member: MemberKey, occasion: Occasion) -> BenefitCase:
        """What is decided on."""
        return BenefitCase(
            benefit=benefit,
            sight=self.sights.get(wanted_of(benefit, member), NOT_ASKED),
            holdings=self.holdings[member],
            occasion=occasion,
            now=self.now,
            zone=self.revision.time_zone,
            program_revision=RevisionId(self.revision.revision_id),
            given=self.given.get(benefit.benefit_id, 0),
        )

    def check(self, benefit: Benefit, member: MemberKey, occasion: Occasion) -> CheckedBenefit:
        """The decision on one benefit of one member."""
        decision = decide_benefit(self.case(benefit, member, occasion))
        return CheckedBenefit(benefit=benefit, decision=decision)


async def check_benefit(query: CheckBenefit, *, resources: Resources) -> CheckedBenefit:
    """Decide whether a member may have a benefit now. Raises BenefitNotFound."""
    revision = await revision_now(query.member.program_id, resources)
    benefit = find_benefit(revision.model, query.benefit_id)
    scene = await scene_of(revision, [(query.member, benefit)], resources)
    return scene.check(benefit, query.member, query.occasion)


async def batch_check_benefits(
    program_id: ProgramId, queries: Sequence[CheckBenefit], *, resources: Resources
) -> Sequence[CheckedBenefit | BenefitNotFound]:
    """Decide on each by itself, in their order. Standings are asked for once a member."""
    revision = await revision_now(program_id, resources)
    found = [find_or_refuse(revision.model, query.benefit_id) for query in queries]
    pairs = [
        (query.member, benefit)
        for query, benefit in zip(queries, found, strict=True)
        if isinstance(benefit, Benefit)
    ]
    scene = await scene_of(revision, pairs, resources)
    return [
        scene.check(benefit, query.member, query.occasion)
        if isinstance(benefit, Benefit)
        else benefit
        for query, benefit in zip(queries, found, strict=True)
    ]


async def list_benefits(query: ListBenefits, *, resources: Resources) -> BenefitPage:
    """Decide on the benefits of a page, in the order of their ids."""
    revision = await revision_now(query.member.program_id, resources)
    catalogue = sorted(revision.model.benefits.values(), key=lambda each: each.benefit_id)
    rest = [each for each in catalogue if query.after is None or each.benefit_id > query.after]
    page = rest[: query.page_size]
    scene = await scene_of(revision, [(query.member, each) for each in page], resources)
    checked = tuple(scene.check(each, query.member, query.occasion) for each in page)
    return BenefitPage(checked=checked, more=len(rest) > len(page))


async def revision_now(program_id: ProgramId, resources: Resources) -> Revision[BenefitsProgram]:
    """The revision of the program that holds now. Raises ProgramNotFound."""
    async with resources.database.read() as connection:
        return await resources.programs.at(connection, program_id, resources.clock.now())


def find_or_refuse(program: BenefitsProgram, benefit_id: BenefitId) -> Benefit | BenefitNotFound:
    """The benefit of that name, or its refusal as a value: others of a batch stand."""
    try:
        return find_benefit(program, benefit_id)
    except BenefitNotFound as refusal:
        return refusal


async def scene_of(
    revision: Revision[BenefitsProgram],
    pairs: Sequence[tuple[MemberKey, Benefit]],
    resources: Resources,
) -> Scene:
    """Gather what decisions on these benefits of these members look at."""
    asked = {wanted_of(benefit, member) for member, benefit in pairs if benefit.asks_scoring}
    sights = await see_all(asked, resources)
    now = resources.clock.now()
    async with resources.database.snapshot() as connection:
        holdings = await holdings_of({member for member, _ in pairs}, connection, now)
        given = await given_of(
            revision, {benefit.benefit_id for _, benefit in pairs}, connection, now
        )
    return Scene(revision=revision, now=now, sights=sights, holdings=holdings, given=given)


async def holdings_of(
    members: Iterable[MemberKey], connection: Connection, now: datetime
) -> dict[MemberKey, Holdings]:
    """What this service knows of each member."""
    return {member: await read_holdings(connection, member, now) for member in members}


async def given_of(
    revision: Revision[BenefitsProgram],
    benefit_ids: Iterable[BenefitId],
    connection: Connection,
    now: datetime,
) -> dict[BenefitId, int]:
    """How often each that has a stock was used by all members in its present period."""
    program_id, zone = ProgramId(revision.program_id), revision.time_zone
    given = {}
    for benefit_id in benefit_ids:
        if period := stock_period_at(revision.model.benefits[benefit_id], now, zone):
            given[benefit_id] = await uses.count_given(connection, program_id, benefit_id, period)
    return given


async def see_all(wanted: Iterable[Wanted], resources: Resources) -> Mapping[Wanted, Sight]:
    """The standings, a few at a time. Never fails because scoring does."""
    places = asyncio.Semaphore(resources.limits.standings_at_once_max)

    async def see(each: Wanted) -> tuple[Wanted, Sight]:
        member, model_id, source = each
        async with places:
            return each, await see_standing(member, model_id, source, resources=resources)

    return dict(await asyncio.gather(*(see(each) for each in wanted)))


def wanted_of(benefit: Benefit, member: MemberKey) -> Wanted:
    """The standing a benefit looks at."""
    return member, benefit.score_model_id, benefit.score_source
