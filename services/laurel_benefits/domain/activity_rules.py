"""What a program pays for beside orders: actions, reviews, photos and referrals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from laurel_benefits.domain.bonuses import CapPeriod, PointsCap
from laurel_benefits.domain.gate_terms import Gate
from laurel_benefits.domain.ids import PlanId, ScoreModelId


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesLimit:
    """How often something counts in a period."""

    period: CapPeriod
    times_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """An action that is paid by its kind alone."""

    kind: str
    points: int
    limits: tuple[TimesLimit, ...]
    once_per_subject: bool
    birthday: bool
    """Whether it pays on the member's birthday only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRules:
    """What makes a review unqualified, and what follows too many such ones (A12, A13)."""

    copied_max_bps: int
    overlap_max_bps: int
    reports_max: int
    bad_reviews_max: int
    suspension_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRules:
    """What reviews with photos pay: the more other members approve, the more (D9)."""

    kind: str
    points: int
    points_per_approval: int
    points_max: int
    approver_gate: Gate
    score_model_id: ScoreModelId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """What reviews of goods pay (D7, D8)."""

    kind: str
    points: int
    item_price_min_fen: int
    within_days: int
    characters_min: int
    same_item_days: int
    quality: QualityRules | None
    photos: PhotoRules | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRules:
    """What bringing another member pays."""

    kind: str
    points: int
    limits: tuple[TimesLimit, ...]
    order_paid_min_fen: int
    first_order_days_max: int = 0
    """How new the other one must be, by its first order; 0 when that is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyRule:
    """What a breach of the rules costs, and how many are free (E23, E25)."""

    kind: str
    points: int
    redemption_account_id: str
    free: tuple[TimesLimit, ...]
    member_free: tuple[TimesLimit, ...]
    """Instead of `free` for members with one of the plans running."""
    membership_plans: frozenset[PlanId]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRules:
    """What members are paid for beside buying."""

    asset_id: str
    funding_account_id: str
    actions: Mapping[str, ActionRule]
    reviews: ReviewRules | None
    referrals: ReferralRules | None
    penalties: Mapping[str, PenaltyRule]
    caps: tuple[PointsCap, ...]
    """Most points of a member by all of these together."""
