"""What a program pays for beside orders: from the message to the model, and what can be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel.program.v1 import activities_section_pb2 as pb
from laurel.program.v1 import campaigns_pb2
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.activity_rules import (
    ActionRule,
    ActivityRules,
    PenaltyRule,
    PhotoRules,
    QualityRules,
    ReferralRules,
    ReviewRules,
    TimesLimit,
)
from laurel_benefits.domain.bonuses import CapPeriod
from laurel_benefits.domain.ids import PlanId, ScoreModelId
from laurel_benefits.domain.program_checks import Fault, not_one_of, undeclared
from laurel_benefits.wire.campaigns import cap_faults, read_points_cap
from laurel_benefits.wire.gates import LevelPositions, read_gate
from laurel_benefits.wire.reference_faults import (
    asset_faults,
    funding_faults,
    gate_faults,
    model_faults,
    redemption_faults,
)

PATH = "benefits.activities"


def read_activities(message: pb.ActivityRules, levels: LevelPositions) -> ActivityRules:
    """What members are paid for beside buying."""
    reviews, referrals = message.HasField("reviews"), message.HasField("referrals")
    return ActivityRules(
        asset_id=message.asset_id,
        funding_account_id=message.funding_account_id,
        actions={each.kind: read_action(each) for each in message.actions},
        reviews=read_reviews(message.reviews, levels) if reviews else None,
        referrals=read_referrals(message.referrals) if referrals else None,
        penalties={each.kind: read_penalty(each) for each in message.penalties},
        caps=tuple(read_points_cap(cap) for cap in message.caps),
    )


def read_action(message: pb.ActionRule) -> ActionRule:
    """An action that is paid by its kind alone."""
    return ActionRule(
        kind=message.kind,
        points=message.points,
        limits=read_limits(message.limits),
        once_per_subject=message.once_per_subject,
        birthday=message.birthday,
    )


def read_limits(messages: Sequence[pb.TimesLimit]) -> tuple[TimesLimit, ...]:
    """How often something counts."""
    return tuple(
        TimesLimit(
            period=CapPeriod(campaigns_pb2.CapPeriod.Name(each.period).removeprefix("CAP_PERIOD_")),
            times_max=each.times_max,
        )
        for each in messages
    )


def read_reviews(message: pb.ReviewRules, levels: LevelPositions) -> ReviewRules:
    """What reviews of goods pay."""
    quality, photos = message.HasField("quality"), message.HasField("photos")
    return ReviewRules(
        kind=message.kind,
        points=message.points,
        item_price_min_fen=message.item_price_min_fen,
        within_days=message.within_days,
        characters_min=message.characters_min,
        same_item_days=message.same_item_days,
        quality=read_quality(message.quality) if quality else None,
        photos=read_photos(message.photos, levels) if photos else None,
    )


def read_quality(message: pb.QualityRules) -> QualityRules:
    """What makes a review unqualified."""
    return QualityRules(
        copied_max_bps=message.copied_max_bps,
        overlap_max_bps=message.overlap_max_bps,
        reports_max=message.reports_max,
        bad_reviews_max=message.bad_reviews_max,
        suspension_months=message.suspension_months,
    )


def read_photos(message: pb.PhotoRules, levels: LevelPositions) -> PhotoRules:
    """What reviews with photos pay."""
    return PhotoRules(
        kind=message.kind,
        points=message.points,
        points_per_approval=message.points_per_approval,
        points_max=message.points_max,
        approver_gate=read_gate(message.approver_gate, message.score_model_id, levels),
        score_model_id=ScoreModelId(message.score_model_id),
    )


def read_referrals(message: pb.ReferralRules) -> ReferralRules:
    """What bringing another member pays."""
    return ReferralRules(
        kind=message.kind,
        points=message.points,
        limits=read_limits(message.limits),
        order_paid_min_fen=message.order_paid_min_fen,
        first_order_days_max=message.first_order_days_max,
    )


def read_penalty(message: pb.PenaltyRule) -> PenaltyRule:
    """What a breach of the rules costs."""
    return PenaltyRule(
        kind=message.kind,
        points=message.points,
        redemption_account_id=message.redemption_account_id,
        free=read_limits(message.free),
        member_free=read_limits(message.member_free),
        membership_plans=frozenset(PlanId(plan) for plan in message.membership_plans),
    )


def activity_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with them."""
    if not program.benefits.HasField("activities"):
        return
    rules = program.benefits.activities
    yield from asset_faults(program, f"{PATH}.asset_id", rules.asset_id)
    yield from funding_faults(program, f"{PATH}.funding_account_id", rules.funding_account_id)
    yield from kind_faults(program, rules)
    yield from cap_faults(rules.caps, f"{PATH}.caps")
    for position, penalty in enumerate(rules.penalties):
        path = f"{PATH}.penalties[{position}]"
        account_id = penalty.redemption_account_id
        yield from redemption_faults(program, f"{path}.redemption_account_id", account_id)
        yield from plan_faults(program, penalty.membership_plans, f"{path}.membership_plans")
    if rules.reviews.HasField("photos"):
        photos, path = rules.reviews.photos, f"{PATH}.reviews.photos"
        yield from model_faults(program, photos.score_model_id, path)
        gate_path = f"{path}.approver_gate"
        yield from gate_faults(program, photos.approver_gate, photos.score_model_id, gate_path)
        if photos.points > photos.points_max:
            yield f"{path}.points", "must not be above points_max"


def kind_faults(program: Program, rules: pb.ActivityRules) -> Iterator[Fault]:
    """Scoring refuses a fact of a kind it does not know; one kind has one rule."""
    known = program.scoring.vocabulary.engagement_kinds
    seen: set[str] = set()
    for path, kind in kinds_of(rules):
        what = "engagement kind of scoring.vocabulary"
        yield from not_one_of(path, kind, known, what=what)
        if kind in seen:
            yield path, f"{kind} has a rule already"
        seen.add(kind)


def kinds_of(rules: pb.ActivityRules) -> Iterator[tuple[str, str]]:
    """Every kind with its place in the file."""
    for position, action in enumerate(rules.actions):
        yield f"{PATH}.actions[{position}].kind", action.kind
    if rules.HasField("reviews"):
        yield f"{PATH}.reviews.kind", rules.reviews.kind
    if rules.reviews.HasField("photos"):
        yield f"{PATH}.reviews.photos.kind", rules.reviews.photos.kind
    if rules.HasField("referrals"):
        yield f"{PATH}.referrals.kind", rules.referrals.kind
    for position, penalty in enumerate(rules.penalties):
        yield f"{PATH}.penalties[{position}].kind", penalty.kind


def plan_faults(program: Program, plan_ids: Sequence[str], path: str) -> Iterator[Fault]:
    """Memberships that nobody sells."""
    known = [plan.plan_id for plan in program.benefits.membership_plans]
    yield from undeclared(path, plan_ids, known, what="membership plan")
