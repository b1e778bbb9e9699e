"""Gathers what decides on an activity, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.actions import claim_action, find_action
from laurel_benefits.domain.activities import (
    Action,
    Activity,
    ActivityDraft,
    Approval,
    Deletion,
    Penalty,
    Referral,
    Review,
    Scene,
    Verdict,
    check_time,
    counters_of,
    decide_claim,
    find_activities,
)
from laurel_benefits.domain.activity_errors import ReviewNotFound
from laurel_benefits.domain.activity_rules import ActivityRules, TimesLimit
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import (
    ActivityId,
    LineId,
    MemberId,
    MemberKey,
    OrderKey,
    RequestId,
    RevisionId,
)
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.orders import Order
from laurel_benefits.domain.penalties import decide_penalty, find_penalty
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.referrals import Acquaintance, claim_referral, find_referrals
from laurel_benefits.domain.returns import returned_quantities, taken_before
from laurel_benefits.domain.reviews import (
    Approved,
    Reviewed,
    bad_review,
    claim_approval,
    claim_review,
    decide_deletion,
    find_photos,
    kind_of,
    still_paid,
)
from laurel_benefits.domain.risks import RiskState, risk_at
from laurel_benefits.domain.standings import NOT_ASKED, Sight
from laurel_benefits.domain.velocities import rules_of, window_key
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import (
    activities,
    checkouts,
    line_rewards,
    memberships,
    orders,
    referrals,
    returns,
)
from laurel_benefits.storage.activities import Traits
from laurel_benefits.storage.risks import latest_risk

Sights = Mapping[MemberId, Sight]
"""What scoring says of those who approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The decision on an activity, and what it is about."""

    scene: Scene
    verdict: Verdict
    traits: Traits
    line: LineReward | None = None
    """Of a review and an approval: what its posting is for, name and points still to come."""
    taken: tuple[LineReward, ...] = ()
    """What a deletion takes back."""


async def see_approvers(
    member: MemberKey, drafts: Iterable[ActivityDraft], *, resources: Resources
) -> Sights:
    """What scoring says of those who approve, asked before anything is locked.

    Raises DependencyDown where it does not answer and nothing was seen lately: an approval that is
    not judged is not recorded.
    """
    sights: dict[MemberId, Sight] = {}
    for draft in drafts:
        if isinstance(draft.fact, Approval) and draft.fact.approver_id not in sights:
            approver_id = draft.fact.approver_id
            approver = replace(member, member_id=approver_id)
            sights[approver_id] = await see_approver(approver, draft.activity_time, resources)
    return sights


async def see_approver(approver: MemberKey, instant: datetime, resources: Resources) -> Sight:
    """What scoring says of one of them, if the program asks."""
    async with resources.database.read() as connection:
        revision = await resources.programs.at(connection, approver.program_id, instant)
    rules = revision.model.activities
    photos = rules.reviews.photos if rules and rules.reviews else None
    if photos is None or not photos.approver_gate.asks_scoring:
        return NOT_ASKED
    sight = await see_standing(
        approver, photos.score_model_id, ScoreSource.LIVE, resources=resources
    )
    if sight.standing is None:
        raise DependencyDown(dependency="scoring")
    return sight


async def judge_activity(
    connection: Connection,
    member: MemberKey,
    draft: ActivityDraft,
    sights: Sights,
    resources: Resources,
) -> Judged:
    """Decide on an activity by the program of its time.

    Raises TimeInFuture, ProgramNotFound, ActivitiesNotServed, ActivityKindUnknown, ReviewNotFound.
    """
    check_time(draft, now=resources.clock.now(), skew_max=resources.limits.clock_skew_max)
    revision = await resources.programs.at(connection, member.program_id, draft.activity_time)
    scene = await scene_of(connection, member, draft, revision, resources)
    match draft.fact:
        case Action():
            return await judge_action(connection, scene, draft, draft.fact)
        case Review():
            return await judge_review(connection, scene, draft, draft.fact)
        case Approval():
            return await judge_approval(connection, scene, draft, draft.fact, sights)
        case Deletion():
            return await judge_deletion(connection, scene, draft, draft.fact)
        case Referral():
            return await judge_referral(connection, scene, draft, draft.fact)
        case Penalty():
            return await judge_penalty(connection, scene, draft, draft.fact)


async def scene_of(
    connection: Connection,
    member: MemberKey,
    draft: ActivityDraft,
    revision: Revision[BenefitsProgram],
    resources: Resources,
) -> Scene:
    """What decisions of every kind look at. Raises ActivitiesNotServed, ActivityKindUnknown."""
    rules = find_activities(revision.model, member.program_id)
    scene = Scene(
        rules=rules,
        member=member,
        risk=await latest_risk(connection, member),
        now=resources.clock.now(),
        zone=revision.time_zone,
        program_revision=RevisionId(revision.revision_id),
        used={},
        item_cap_points=revision.model.earning.item_cap_points,
    )
    kind, limits = limits_of(rules, draft)
    guards = revision.model.risk.velocity if revision.model.risk else ()
    velocity = rules_of(guards, kind) if kind else ()
    counters = [
        *counters_of(rules, kind, limits, scene.day_of(draft)),
        *(window_key(rule, scene.now) for rule in velocity),
    ]
    used = await activities.used_of(connection, member, counters)
    return replace(scene, used=used, velocity=velocity)


def limits_of(rules: ActivityRules, draft: ActivityDraft) -> tuple[str, tuple[TimesLimit, ...]]:
    """The kind whose limits count, and those; none of what others do, or what takes back. Raises
    ActivityKindUnknown.
    """
    match draft.fact:
        case Action(action_kind=kind):
            return kind, find_action(rules, kind).limits
        case Referral():
            referrals_rules = find_referrals(rules)
            return referrals_rules.kind, referrals_rules.limits
        case Penalty(penalty_kind=kind):
            penalty = find_penalty(rules, kind)
            return kind, (*penalty.free, *penalty.member_free)
        case Review() as review:
            return kind_of(rules, review), ()
    return "", ()


async def judge_action(
    connection: Connection, scene: Scene, draft: ActivityDraft, action: Action
) -> Judged:
    """Decide on an action."""
    known = bool(action.subject_id) and await activities.subject_paid(
        connection, scene.member, action.action_kind, action.subject_id
    )
    claim = claim_action(scene, draft, action, subject_known=known)
    return Judged(
        scene=scene,
        verdict=decide_claim(scene, draft, claim),
        traits=Traits(subject_id=action.subject_id),
    )


async def judge_review(
    connection: Connection,
    scene: Scene,
    draft: ActivityDraft,
    review: Review,
) -> Judged:
    """Decide on a review of a line."""
    key = OrderKey(member=scene.member, order_id=review.order_id)
    order = await orders.find_order(connection, key)
    traits = traits_of(scene, review, order)
    reviewed = None
    if order and any(line.line_id == review.line_id for line in order.draft.lines):
        reviewed = await reviewed_line(connection, scene, order, review, traits)
    bad_times = list(await activities.bad_review_times(connection, scene.member))
    bad_times += [draft.activity_time] if traits.bad else []
    claim = claim_review(scene, draft, review, reviewed, bad_times)
    return Judged(
        scene=scene,
        verdict=decide_claim(scene, draft, claim),
        traits=traits,
        line=reward_for(key, review.line_id, draft.activity_id, draft.activity_id),
    )


def traits_of(scene: Scene, review: Review, order: Order | None) -> Traits:
    """What a review is found by later."""
    lines = order.draft.lines if order else ()
    sku_ids = [line.sku_id for line in lines if line.line_id == review.line_id]
    return Traits(
        order_id=review.order_id,
        line_id=review.line_id,
        sku_id=sku_ids[0] if sku_ids else "",
        order_time=order.draft.order_time if order else None,
        bad=bad_review(scene.rules, review),
    )


async def reviewed_line(
    connection: Connection, scene: Scene, order: Order, review: Review, traits: Traits
) -> Reviewed:
    """The line that is reviewed, with what it has earned, paid and lost."""
    key = OrderKey(member=order.member, order_id=order.draft.order_id)
    place = place_of(order, review.line_id)
    earning = order.line_earnings[place]
    kind = kind_of(scene.rules, review)
    checkout = await checkouts.find_checkout(connection, key)
    gone = returned_quantities(await returns.returns_of(connection, key))
    return Reviewed(
        order=order,
        line=order.draft.lines[place],
        earned_points=earning.capped_points,
        points_fen=checkout.paid.points_left(review.line_id) if checkout else 0,
        returned_pieces=gone.get(review.line_id, 0),
        rewarded_points=await rewarded_points(connection, key, review.line_id),
        earlier=await activities.paid_reviews(connection, order.member, kind, traits),
    )


async def rewarded_points(connection: Connection, key: OrderKey, line_id: LineId) -> int:
    """What reviews of a line have paid."""
    rewards = await line_rewards.rewards_of_order(connection, key)
    return sum(each.points for each in rewards if each.line_id == line_id)


async def judge_approval(
    connection: Connection,
    scene: Scene,
    draft: ActivityDraft,
    approval: Approval,
    sights: Sights,
) -> Judged:
    """Decide on an approval of a review with photos. Raises ReviewNotFound."""
    member, review_id = scene.member, approval.review_id
    written = await find_review(connection, member, review_id, kind=find_photos(scene.rules).kind)
    review = written.draft.fact
    assert isinstance(review, Review), "only reviews are found"
    key = OrderKey(member=member, order_id=review.order_id)
    rewards = await line_rewards.rewards_of_review(connection, member, review_id)
    approved = Approved(
        paid=written.decision.allowed
        and not await activities.deleted_review(connection, member, review_id),
        paid_points=sum(each.points for each in rewards),
        approvers=await activities.approvers_of(connection, member, review_id),
        approver=sights.get(approval.approver_id, NOT_ASKED),
        line_left_points=await line_left(connection, scene, key, review.line_id),
    )
    claim = claim_approval(scene, approval, approved)
    return Judged(
        scene=scene,
        verdict=decide_claim(scene, draft, claim),
        traits=Traits(subject_id=review_id, approver_id=approval.approver_id),
        line=reward_for(key, review.line_id, review_id, draft.activity_id),
    )


async def line_left(
    connection: Connection, scene: Scene, key: OrderKey, line_id: LineId
) -> int | None:
    """What the cap of a line leaves; None without a cap (D4)."""
    cap = scene.item_cap_points
    order = await orders.find_order(connection, key)
    if cap is None or order is None:
        return None
    earning = order.line_earnings[place_of(order, line_id)]
    earned = earning.capped_points
    return max(cap - earned - await rewarded_points(connection, key, line_id), 0)


async def judge_deletion(
    connection: Connection, scene: Scene, draft: ActivityDraft, deletion: Deletion
) -> Judged:
    """Decide on what a deletion takes back. Raises ReviewNotFound."""
    member, review_id = scene.member, deletion.deleted_id
    written = await find_review(connection, member, review_id)
    review = written.draft.fact
    assert isinstance(review, Review), "only reviews are found"
    key = OrderKey(member=member, order_id=review.order_id)
    rewards = await line_rewards.rewards_of_review(connection, member, review_id)
    taken = still_paid(rewards, taken_before(await returns.returns_of(connection, key)))
    verdict = decide_deletion(
        scene,
        draft,
        deletion,
        taken_points=sum(each.points for each in taken),
        deleted=await activities.deleted_review(connection, member, review_id),
        kind=written.kind,
    )
    return Judged(
        scene=scene,
        verdict=verdict,
        traits=Traits(subject_id=review_id),
        taken=tuple(taken),
    )


async def judge_referral(
    connection: Connection, scene: Scene, draft: ActivityDraft, referral: Referral
) -> Judged:
    """Decide on a referral."""
    referred = replace(scene.member, member_id=referral.referred_id)
    bought = await referrals.bought(connection, referred)
    risk = await latest_risk(connection, referred)
    known = Acquaintance(
        referred_by=await referrals.referrer_of(connection, referred),
        referrer_brought_by=await referrals.referrer_of(connection, scene.member),
        order_paid_max_fen=bought.order_paid_max_fen,
        first_order_time=bought.first_order_time,
        referred_blocked=risk_at(risk, scene.now) is RiskState.BLOCKED,
    )
    return Judged(
        scene=scene,
        verdict=decide_claim(scene, draft, claim_referral(scene, draft, referral, known)),
        traits=Traits(subject_id=referral.referred_id),
    )


async def judge_penalty(
    connection: Connection, scene: Scene, draft: ActivityDraft, penalty: Penalty
) -> Judged:
    """Decide on what a breach of the rules costs."""
    held = await memberships.all_memberships(connection, scene.member)
    plans = {each.plan_id for each in held if each.runs_at(draft.activity_time)}
    repeated = await activities.subject_known(
        connection, scene.member, penalty.penalty_kind, penalty.order_id
    )
    return Judged(
        scene=scene,
        verdict=decide_penalty(scene, draft, penalty, plans=plans, repeated=repeated),
        traits=Traits(subject_id=penalty.order_id),
    )


async def find_review(
    connection: Connection, member: MemberKey, review_id: ActivityId, *, kind: str | None = None
) -> Activity:
    """A review that is recorded, of a kind if one is named. Raises ReviewNotFound."""
    found = await activities.find_activity(connection, member, review_id)
    if (
        found is None
        or not isinstance(found.draft.fact, Review)
        or (kind is not None and found.kind != kind)
    ):
        raise ReviewNotFound(review_id=review_id)
    return found


def place_of(order: Order, line_id: LineId) -> int:
    """Where a line stands in its order."""
    return next(place for place, line in enumerate(order.draft.lines) if line.line_id == line_id)


def reward_for(
    key: OrderKey, line_id: LineId, review_id: ActivityId, activity_id: ActivityId
) -> LineReward:
    """What a posting for a review is for, before it has a name."""
    return LineReward(
        order=key,
        line_id=line_id,
        review_id=review_id,
        activity_id=activity_id,
        ledger_request_id=RequestId(""),
        points=0,
    )
