"""Records what members do beside buying: decides, pays, and passes it on to scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.programs.errors import ProgramNotFound

from laurel_benefits.domain.activities import (
    Activity,
    ActivityDraft,
    ActivityTelling,
    Deletion,
    Penalty,
    Referral,
    Taken,
    Verdict,
    find_activities,
)
from laurel_benefits.domain.activity_errors import (
    ActivitiesNotServed,
    ActivityKindUnknown,
    ActivityNameTaken,
    ReviewNotFound,
)
from laurel_benefits.domain.errors import TimeInFuture
from laurel_benefits.domain.ids import ActivityId, MemberKey
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.penalties import find_penalty
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.velocities import window_key
from laurel_benefits.handlers.activity_rewards import ACTIVITY_CONCLUSIONS
from laurel_benefits.handlers.activity_scenes import (
    Judged,
    Sights,
    judge_activity,
    see_approvers,
)
from laurel_benefits.handlers.activity_tellings import tell_soon
from laurel_benefits.handlers.check_ins import Preview, preview_check_in
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.line_rewards import pay_review
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.raising import case_of
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import (
    activities,
    counters,
    line_rewards,
    postings,
    referrals,
    review_cases,
)
from laurel_benefits.storage.members import lock_member, next_fact_position

ActivityRefusal = (
    ActivityNameTaken
    | ActivityKindUnknown
    | ReviewNotFound
    | TimeInFuture
    | ProgramNotFound
    | ActivitiesNotServed
)
"""Why one activity of several is not recorded; the others stand."""

REFUSALS = (
    ActivityNameTaken,
    ActivityKindUnknown,
    ReviewNotFound,
    TimeInFuture,
    ProgramNotFound,
    ActivitiesNotServed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordActivities:
    """What a member did."""

    key: WriteKey
    drafts: tuple[ActivityDraft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewReward:
    """What a member thinks of doing; no activity means checking in."""

    member: MemberKey
    draft: ActivityDraft | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityOutcome:
    """What became of one activity."""

    activity_id: ActivityId
    refusal: ActivityRefusal | None = None
    replayed: bool = False
    """Whether it was known before with the same content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityOutcomes:
    """What became of each, as it is remembered."""

    outcomes: tuple[ActivityOutcome, ...]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityResult:
    """What became of one activity, as it is now; without one it was refused."""

    outcome: ActivityOutcome
    activity: Activity | None
    postings: tuple[Posting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedActivities:
    """What became of each, in the order of the request."""

    results: tuple[ActivityResult, ...]
    replayed: bool = False


async def record_activities(
    command: RecordActivities, *, resources: Resources
) -> RecordedActivities:
    """Decide on activities, pay what they pay, tell scoring. Raises ActivitiesNotServed.

    Once stored, the decisions are carried out whatever happens: by this call, by a repeat of it, or
    by the relays. Raises DependencyDown while the ledger does not answer.
    """
    member = command.key.member
    revision = await revision_now(member.program_id, resources)
    find_activities(revision.model, member.program_id)
    sights = await see_approvers(member, command.drafts, resources=resources)

    async def decide(connection: Connection) -> ActivityOutcomes:
        return ActivityOutcomes(
            outcomes=tuple(
                [
                    await record_one(connection, member, draft, sights, resources)
                    for draft in command.drafts
                ]
            )
        )

    answer = await answer_once(command.key, ActivityOutcomes, decide, resources=resources)
    recorded = [each.activity_id for each in answer.outcomes if each.refusal is None]
    stored = [await pay_activity(member, each, resources) for each in recorded]
    await tell_soon(member, stored, resources)
    results = [await result_of(member, each, resources) for each in answer.outcomes]
    return RecordedActivities(results=tuple(results), replayed=answer.replayed)


async def preview_reward(query: PreviewReward, *, resources: Resources) -> Preview:
    """What an action would pay now; nothing is stored. Raises CheckInNotFound, and what refuses an
    activity.
    """
    if query.draft is None:
        return await preview_check_in(query.member, resources=resources)
    return await preview_activity(query.member, query.draft, resources)


async def preview_activity(
    member: MemberKey, draft: ActivityDraft, resources: Resources
) -> Preview:
    """What an activity would pay now."""
    sights = await see_approvers(member, [draft], resources=resources)
    async with resources.database.snapshot() as connection:
        judged = await judge_activity(connection, member, draft, sights, resources)
    return Preview(decision=judged.verdict.decision, cash_fen=0)


async def record_one(
    connection: Connection,
    member: MemberKey,
    draft: ActivityDraft,
    sights: Sights,
    resources: Resources,
) -> ActivityOutcome:
    """Decide on one activity and store it, or say why it is none. The member is locked."""
    known = await activities.find_activity(connection, member, draft.activity_id)
    if known:
        same = known.draft.digest == draft.digest
        taken = None if same else ActivityNameTaken(activity_id=draft.activity_id)
        return ActivityOutcome(activity_id=draft.activity_id, refusal=taken, replayed=same)
    if isinstance(draft.fact, Referral):
        # Both members are held, so that two never bring each other at once.
        referred = replace(member, member_id=draft.fact.referred_id)
        await lock_member(connection, referred, now=resources.clock.now())
    try:
        judged = await judge_activity(connection, member, draft, sights, resources)
    except REFUSALS as refusal:
        return ActivityOutcome(activity_id=draft.activity_id, refusal=refusal)
    await store(connection, draft, judged, resources)
    return ActivityOutcome(activity_id=draft.activity_id)


async def store(
    connection: Connection, draft: ActivityDraft, judged: Judged, resources: Resources
) -> None:
    """The activity, its place among the facts, its postings, and what it takes of limits."""
    verdict, scene = judged.verdict, judged.scene
    activity = Activity(
        member=scene.member,
        draft=draft,
        kind=verdict.kind,
        subject_id=judged.traits.sku_id or judged.traits.subject_id,
        decision=verdict.decision,
        points=verdict.points,
        position=await next_fact_position(connection, scene.member) if verdict.told else 0,
        telling=ActivityTelling.PENDING if verdict.told else ActivityTelling.WITHHELD,
        telling_refusal="",
        program_revision=scene.program_revision,
    )
    await activities.insert_activity(
        connection,
        activity,
        judged.traits,
        counted=taken_of(verdict),
        record_time=scene.now,
        attempt_time=resources.machine_clock.now() + resources.limits.relay_delay,
    )
    for (counter_id, period_key), amount in verdict.counted.items():
        await counters.count_member(connection, scene.member, counter_id, period_key, amount=amount)
    if verdict.told:
        for rule in scene.velocity:
            await counters.count_member(connection, scene.member, *window_key(rule, scene.now))
    if verdict.points > 0:
        await store_reward(connection, activity, judged, resources)
    if isinstance(draft.fact, Penalty) and verdict.points < 0:
        posting = penalty_of(activity, draft.fact, judged)
        await store_posting(connection, posting, resources)
    if verdict.decision.allowed:
        await store_consequences(connection, activity, judged, resources)


def taken_of(verdict: Verdict) -> tuple[Taken, ...]:
    """What a reward takes of limits and caps, as it is kept."""
    return tuple(
        Taken(counter_id=counter_id, period_key=period_key, amount=amount)
        for (counter_id, period_key), amount in verdict.counted.items()
    )


async def store_reward(
    connection: Connection, activity: Activity, judged: Judged, resources: Resources
) -> None:
    """The posting of what an activity pays, and the line of the order it is for."""
    rules, rule_id = judged.scene.rules, judged.verdict.review_rule
    posting = Posting(
        member=activity.member,
        ledger_request_id=new_posting_id(),
        activation_key=new_id() if rule_id else "",
        source=PostingSource.ACTIVITY,
        source_id=activity.draft.activity_id,
        effect=PostingEffect.EARN,
        asset_id=rules.asset_id,
        amount=activity.points,
        account_id=rules.funding_account_id,
        effective_time=min(activity.draft.activity_time, judged.scene.now),
        reason=activity.kind,
        program_revision=activity.program_revision,
    )
    await store_posting(connection, posting, resources)
    if rule_id:
        case = case_of(activity, posting, rule_id, now=judged.scene.now)
        await review_cases.insert_case(connection, case)
    if judged.line:
        reward = replace(
            judged.line, ledger_request_id=posting.ledger_request_id, points=posting.amount
        )
        await line_rewards.insert_line_reward(connection, reward)


async def store_consequences(
    connection: Connection, activity: Activity, judged: Judged, resources: Resources
) -> None:
    """What else a yes changes: who was brought by whom, what a deleted review was paid."""
    match activity.draft.fact:
        case Referral(referred_id=referred_id):
            made = await referrals.record_referral(
                connection,
                replace(activity.member, member_id=referred_id),
                referrer_id=activity.member.member_id,
                activity_id=activity.draft.activity_id,
                refer_time=judged.scene.now,
            )
            assert made, "the one who was brought is held since it was looked at"
        case Deletion(deleted_id=review_id):
            await activities.mark_deleted(connection, activity.member, review_id)
            await line_rewards.mark_taken(connection, activity.member, review_id)
            for reward in judged.taken:
                await store_posting(connection, taking_of(activity, reward, judged), resources)


def penalty_of(activity: Activity, penalty: Penalty, judged: Judged) -> Posting:
    """The posting of what a breach of the rules costs; what is not there is owed."""
    rules = judged.scene.rules
    return Posting(
        member=activity.member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.PENALTY,
        source_id=activity.draft.activity_id,
        effect=PostingEffect.SPEND,
        asset_id=rules.asset_id,
        amount=-activity.points,
        account_id=find_penalty(rules, penalty.penalty_kind).redemption_account_id,
        effective_time=min(activity.draft.activity_time, judged.scene.now),
        reason=f"{activity.kind} of {penalty.order_id}",
        program_revision=activity.program_revision,
    )


def taking_of(activity: Activity, reward: LineReward, judged: Judged) -> Posting:
    """The posting that takes back what a deleted review was paid; what is not there is owed."""
    return Posting(
        member=activity.member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.DELETION,
        source_id=activity.draft.activity_id,
        effect=PostingEffect.REVERSAL,
        asset_id=judged.scene.rules.asset_id,
        amount=reward.points,
        account_id="",
        effective_time=min(activity.draft.activity_time, judged.scene.now),
        reason=f"deletion of {reward.review_id}",
        program_revision=activity.program_revision,
        reversed_request_id=reward.ledger_request_id,
    )


async def pay_activity(
    member: MemberKey, activity_id: ActivityId, resources: Resources
) -> Activity:
    """Make the postings of an activity that are not made yet. Raises DependencyDown.

    What a deletion takes back is paid first.
    """
    async with resources.database.read() as connection:
        activity = await activities.find_activity(connection, member, activity_id)
    assert activity is not None, "activities are never deleted"
    if isinstance(activity.draft.fact, Deletion):
        await pay_review(member, activity.draft.fact.deleted_id, resources)
    await carry_out(member, activity_id, ACTIVITY_CONCLUSIONS, resources=resources)
    return activity


async def result_of(
    member: MemberKey, outcome: ActivityOutcome, resources: Resources
) -> ActivityResult:
    """What became of an activity, as it is now."""
    if outcome.refusal:
        return ActivityResult(outcome=outcome, activity=None)
    async with resources.database.read() as connection:
        return ActivityResult(
            outcome=outcome,
            activity=await activities.find_activity(connection, member, outcome.activity_id),
            postings=tuple(await postings.postings_of(connection, member, outcome.activity_id)),
        )
