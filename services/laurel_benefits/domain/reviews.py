"""Reviews: paid for bought goods that are worth one, once a line, and as long as they are good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from laurel_kit.calendar import add_months, business_day, day_start

from laurel_benefits.domain.activities import (
    ActivityDraft,
    Approval,
    Ceiling,
    Claim,
    Deletion,
    Review,
    Scene,
    Verdict,
    decision_of,
)
from laurel_benefits.domain.activity_errors import ActivityKindUnknown
from laurel_benefits.domain.activity_rules import (
    ActivityRules,
    PhotoRules,
    QualityRules,
    ReviewRules,
)
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.gates import judge_gate
from laurel_benefits.domain.ids import MemberId, OrderId, RequestId
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.orders import Order
from laurel_benefits.domain.standings import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidReview:
    """An earlier review of the same article that was paid."""

    order_id: OrderId
    line_id: str
    order_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A line of a completed order, and what is known of reviews of it."""

    order: Order
    line: OrderLine
    earned_points: int
    """What the line has earned, its rebate apart (D4)."""
    points_fen: int
    """What points have paid for the line."""
    returned_pieces: int
    rewarded_points: int
    """What reviews of the line have paid (D4)."""
    earlier: Sequence[PaidReview]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A review with photos, and what is known of approvals of it."""

    paid: bool
    """Whether the review itself was paid, and not deleted since."""
    paid_points: int
    """What it has paid so far, approvals included."""
    approvers: frozenset[MemberId]
    approver: Sight
    """What scoring says of the one who approves."""
    line_left_points: int | None
    """What the cap of the line leaves (D4)."""


def find_reviews(rules: ActivityRules) -> ReviewRules:
    """What reviews pay. Raises ActivityKindUnknown."""
    if rules.reviews is None:
        raise ActivityKindUnknown(kind="review")
    return rules.reviews


def find_photos(rules: ActivityRules) -> PhotoRules:
    """What reviews with photos pay. Raises ActivityKindUnknown."""
    photos = find_reviews(rules).photos
    if photos is None:
        raise ActivityKindUnknown(kind="photos")
    return photos


def kind_of(rules: ActivityRules, review: Review) -> str:
    """The word for a review. Raises ActivityKindUnknown."""
    return find_photos(rules).kind if review.photos else find_reviews(rules).kind


def claim_review(
    scene: Scene,
    draft: ActivityDraft,
    review: Review,
    reviewed: Reviewed | None,
    bad_times: Sequence[datetime],
) -> Claim:
    """What a review asks for (D7 to D9). `bad_times` are those of the member's unqualified reviews.

    Raises ActivityKindUnknown.
    """
    rules = find_reviews(scene.rules)
    reasons: list[Reason] = []
    if reviewed is None or reviewed.returned_pieces >= reviewed.line.quantity:
        reasons.append(Reason(code=ReasonCode.NOT_PURCHASED, subject=review.line_id))
    else:
        reasons += judge_item(reviewed, rules)
        reasons += judge_time(scene, draft, reviewed, rules)
        reasons += judge_repeats(reviewed, review, rules, scene.zone)
    reasons += judge_quality(review, rules)
    if rules.quality and (until := suspended_until(bad_times, rules.quality, scene, draft)):
        reasons.append(Reason(code=ReasonCode.UNQUALIFIED, subject="reviews", available_from=until))
    return Claim(
        kind=kind_of(scene.rules, review),
        points=find_photos(scene.rules).points if review.photos else rules.points,
        reasons=reasons,
        ceilings=tuple(line_ceilings(scene, reviewed)) if reviewed else (),
    )


def judge_item(reviewed: Reviewed, rules: ReviewRules) -> Iterator[Reason]:
    """Whether a piece costs enough after discounts (D7, O8)."""
    price_fen = (reviewed.line.paid_fen + reviewed.points_fen) // reviewed.line.quantity
    if price_fen < rules.item_price_min_fen:
        yield Reason(
            code=ReasonCode.ITEM_TOO_CHEAP,
            subject=reviewed.line.line_id,
            required=rules.item_price_min_fen,
            actual=price_fen,
        )


def judge_time(
    scene: Scene, draft: ActivityDraft, reviewed: Reviewed, rules: ReviewRules
) -> Iterator[Reason]:
    """Whether it comes after the completion and not too late (Q6)."""
    completed = business_day(reviewed.order.complete_time, scene.zone)
    days = (scene.day_of(draft) - completed).days
    if not 0 <= days <= rules.within_days:
        yield Reason(
            code=ReasonCode.OUTSIDE_WINDOW,
            subject="review",
            required=rules.within_days,
            actual=days,
        )


def judge_repeats(
    reviewed: Reviewed, review: Review, rules: ReviewRules, zone: ZoneInfo
) -> Iterator[Reason]:
    """Whether the line, or the article in an order so close, was paid for before (D8, A11)."""
    ordered = business_day(reviewed.order.draft.order_time, zone)
    for each in reviewed.earlier:
        apart = abs((ordered - business_day(each.order_time, zone)).days)
        same_line = (each.order_id, each.line_id) == (review.order_id, review.line_id)
        if same_line or apart <= rules.same_item_days:
            yield Reason(
                code=ReasonCode.REPEATED,
                subject=reviewed.line.sku_id or review.line_id,
                required=rules.same_item_days + 1,
                actual=apart,
            )
            return


def judge_quality(review: Review, rules: ReviewRules) -> Iterator[Reason]:
    """Everything that makes it unqualified (A12), and whether it is long enough (D7)."""
    if review.characters < rules.characters_min:
        yield Reason(
            code=ReasonCode.UNQUALIFIED,
            subject="characters",
            required=rules.characters_min,
            actual=review.characters,
        )
    if rules.quality:
        yield from judge_originality(review, rules.quality)


def judge_originality(review: Review, rules: QualityRules) -> Iterator[Reason]:
    """What makes a review a bad one (A12)."""
    measures = (
        ("copied_bps", review.copied_bps, rules.copied_max_bps),
        ("overlap_bps", review.overlap_bps, rules.overlap_max_bps),
        ("punctuation", int(review.punctuation_stuffed), 0),
        ("report_count", review.report_count, rules.reports_max),
    )
    for subject, actual, most in measures:
        if actual > most:
            yield Reason(code=ReasonCode.UNQUALIFIED, subject=subject, required=most, actual=actual)


def bad_review(rules: ActivityRules, review: Review) -> bool:
    """Whether it counts as an unqualified one (A12)."""
    quality = find_reviews(rules).quality
    return quality is not None and any(judge_originality(review, quality))


def suspended_until(
    bad_times: Iterable[datetime], rules: QualityRules, scene: Scene, draft: ActivityDraft
) -> datetime | None:
    """Until when reviews pay nothing because too many were bad (A13); None when they pay.

    The bad ones of a suspension do not count towards the next one.
    """
    bad, until = 0, date.min
    today = scene.day_of(draft)
    for day in sorted(business_day(each, scene.zone) for each in bad_times):
        if until <= day <= today:
            bad += 1
            if bad > rules.bad_reviews_max:
                bad, until = 0, add_months(day, rules.suspension_months)
    return day_start(until, scene.zone) if today < until else None


def line_ceilings(scene: Scene, reviewed: Reviewed) -> Iterator[Ceiling]:
    """What the cap of the line leaves of purchase, campaigns and reviews together (D4, O5)."""
    if scene.item_cap_points is not None:
        used = reviewed.earned_points + reviewed.rewarded_points
        yield Ceiling(
            code=ReasonCode.ITEM_CAP,
            subject=reviewed.line.line_id,
            left_points=max(scene.item_cap_points - used, 0),
        )


def claim_approval(scene: Scene, approval: Approval, approved: Approved) -> Claim:
    """What an approval asks for, for the author (D9). Raises ActivityKindUnknown."""
    rules = find_photos(scene.rules)
    ceilings = [
        Ceiling(
            code=ReasonCode.ITEM_CAP,
            subject=rules.kind,
            left_points=max(rules.points_max - approved.paid_points, 0),
        )
    ]
    if approved.line_left_points is not None:
        line = Ceiling(
            code=ReasonCode.ITEM_CAP, subject="line", left_points=approved.line_left_points
        )
        ceilings.append(line)
    return Claim(
        kind=rules.kind,
        points=rules.points_per_approval,
        reasons=tuple(judge_approval(scene, approval, approved, rules)),
        ceilings=ceilings,
    )


def judge_approval(
    scene: Scene, approval: Approval, approved: Approved, rules: PhotoRules
) -> Iterator[Reason]:
    """Whether it is another member's, the first of that one, of a review that pays."""
    if approval.approver_id == scene.member.member_id:
        yield Reason(code=ReasonCode.SELF_DEALING, subject="approver")
        return
    if approval.approver_id in approved.approvers:
        yield Reason(code=ReasonCode.REPEATED, subject="approver")
    if not approved.paid:
        yield Reason(code=ReasonCode.ITEM_EXCLUDED, subject="review")
    yield from judge_gate(rules.approver_gate, approved.approver.standing, ())


def decide_deletion(
    scene: Scene,
    draft: ActivityDraft,
    deletion: Deletion,
    *,
    taken_points: int,
    deleted: bool,
    kind: str,
) -> Verdict:
    """What a deletion takes back (D11): all that the review was paid, once."""
    repeated = Reason(code=ReasonCode.REPEATED, subject=deletion.deleted_id)
    reasons = (repeated,) if deleted else ()
    claim = Claim(kind=kind, points=0)
    day = scene.day_of(draft)
    return Verdict(
        kind=kind,
        decision=decision_of(scene, reasons, 0, claim, allowed=not deleted, day=day),
        points=-taken_points,
        counted={},
        known=deleted,
    )


def still_paid(
    rewards: Iterable[LineReward], returned: Mapping[RequestId, int]
) -> Sequence[LineReward]:
    """What is left of rewards after returns of their goods took a part of some."""
    left = [
        replace(each, points=each.points - returned.get(each.ledger_request_id, 0))
        for each in rewards
    ]
    return [each for each in left if each.points > 0]
