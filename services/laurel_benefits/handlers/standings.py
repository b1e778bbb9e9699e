"""Asks scoring for a member's standing, and remembers it for the time it does not answer."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import MemberKey, ScoreModelId
from laurel_benefits.domain.programs import MembershipPlan
from laurel_benefits.domain.publications import Forecast, next_publication
from laurel_benefits.domain.standings import Sight
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import standings


async def see_standing(
    member: MemberKey, model_id: ScoreModelId, source: ScoreSource, *, resources: Resources
) -> Sight:
    """What is known of the member now. Never fails because scoring does."""
    try:
        standing = await resources.scoring.get_standing(member, model_id, source)
    except DependencyDown:
        return await seen_before(member, model_id, source, resources)
    async with resources.database.begin() as connection:
        await standings.keep_standing(
            connection,
            member,
            model_id,
            source,
            standing,
            refresh_interval=resources.limits.standing_refresh_interval,
        )
    return Sight(standing=standing)


async def foresee(
    member: MemberKey,
    plan: MembershipPlan,
    *,
    zone: ZoneInfo,
    now: datetime,
    resources: Resources,
) -> Forecast | None:
    """What a score that is published will be next; None for live ones. Never fails, as above."""
    if plan.publish_day is None:
        return None
    publication = next_publication(plan.publish_day, now, zone)
    try:
        score = await resources.scoring.simulate_score(
            member, plan.score_model_id, publication.window_end_time
        )
    except DependencyDown:
        return None
    return Forecast(score=score, publish_time=publication.publish_time)


async def seen_before(
    member: MemberKey, model_id: ScoreModelId, source: ScoreSource, resources: Resources
) -> Sight:
    """What was seen last, unless that is too long ago to decide on."""
    async with resources.database.read() as connection:
        kept = await standings.kept_standing(connection, member, model_id, source)
    sight = Sight(standing=kept, degraded=True)
    return sight.no_older_than(resources.limits.degraded_age_max, resources.clock.now())
