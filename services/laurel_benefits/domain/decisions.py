"""The one shape of everything that can be refused: a "no" carries its reasons and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from laurel_benefits.domain.ids import MembershipId, RevisionId
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.standings import Score, Sight


class ReasonCode(StrEnum):
    """Why something may not be had, or why less is earned. The names are the contract's."""

    SCORE_TOO_LOW = "SCORE_TOO_LOW"
    TIER_TOO_LOW = "TIER_TOO_LOW"
    CREDIT_TOO_LOW = "CREDIT_TOO_LOW"
    ATTRIBUTE_MISSING = "ATTRIBUTE_MISSING"
    ATTRIBUTE_EXCLUDED = "ATTRIBUTE_EXCLUDED"
    NOT_MEMBER = "NOT_MEMBER"
    INVITATION_REQUIRED = "INVITATION_REQUIRED"
    CHANNEL_MISMATCH = "CHANNEL_MISMATCH"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    DEGRADED_DATA = "DEGRADED_DATA"
    ITEM_TOO_CHEAP = "ITEM_TOO_CHEAP"
    ITEM_EXCLUDED = "ITEM_EXCLUDED"
    PAYMENT_EXCLUDED = "PAYMENT_EXCLUDED"
    INVOICE_EXCLUDED = "INVOICE_EXCLUDED"
    ITEM_CAP = "ITEM_CAP"
    TERM_CAP = "TERM_CAP"
    QUOTA_USED = "QUOTA_USED"
    WITHHELD = "WITHHELD"
    RISK_BLOCKED = "RISK_BLOCKED"
    COOLDOWN = "COOLDOWN"
    NOT_PURCHASED = "NOT_PURCHASED"
    REPEATED = "REPEATED"
    SELF_DEALING = "SELF_DEALING"
    UNQUALIFIED = "UNQUALIFIED"
    TOO_FAST = "TOO_FAST"
    CARD_MISSING = "CARD_MISSING"
    RISK_REVIEW = "RISK_REVIEW"
    ORDER_CAP = "ORDER_CAP"
    PERIOD_CAP = "PERIOD_CAP"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    EXCLUSIVE_GROUP = "EXCLUSIVE_GROUP"
    ORDER_TOO_SMALL = "ORDER_TOO_SMALL"
    NOT_A_MULTIPLE = "NOT_A_MULTIPLE"
    SHARE_EXCEEDED = "SHARE_EXCEEDED"
    BALANCE_TOO_LOW = "BALANCE_TOO_LOW"
    IN_DEBT = "IN_DEBT"
    NOT_DORMANT = "NOT_DORMANT"
    HOLDOUT = "HOLDOUT"
    NO_REACTION = "NO_REACTION"
    FUNDS_EXHAUSTED = "FUNDS_EXHAUSTED"
    STOCK_EXHAUSTED = "STOCK_EXHAUSTED"
    NOT_CLAIMABLE = "NOT_CLAIMABLE"
    COUPON_NOT_AVAILABLE = "COUPON_NOT_AVAILABLE"
    AMOUNT_TOO_SMALL = "AMOUNT_TOO_SMALL"
    TREE_RIPE = "TREE_RIPE"
    TREE_NOT_RIPE = "TREE_NOT_RIPE"
    SELF_HELP = "SELF_HELP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks against it, with its numbers where it has some."""

    code: ReasonCode
    subject: str
    required: int = 0
    actual: int = 0
    available_from: datetime | None = None

    @property
    def missing(self) -> int:
        """How much is missing, never below zero."""
        return max(self.required - self.actual, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What it costs."""

    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountOff:
    """What it takes off a price."""

    amount_off_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOff:
    """A share that it takes off a price."""

    rate_bps: int
    amount_max_fen: int | None
    taken_off_fen: int | None
    """What that is of the order it is for, rounded down; None without an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsGiven:
    """What it gives, in the unit of the asset."""

    points: int


Value = Price | AmountOff | ShareOff | PointsGiven


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a decision rests on."""

    score: Score | None
    score_age: timedelta
    credit_score: int | None
    credit_stars: int | None
    attributes: tuple[str, ...]
    membership_id: MembershipId | None
    decide_time: datetime
    granted: bool = False
    """Whether a ruling by hand stood in for the gate."""
    risk_state: RiskState = RiskState.NORMAL
    credit_score_required: int | None = None
    """The least credit score that was asked for (B8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How often something may be had in a period, and how often it was."""

    limit: int
    used: int
    reset_time: datetime | None
    """When the next period begins; None where there is none."""

    @property
    def remaining(self) -> int:
        """How often it can still be had. A limit that was lowered leaves nothing, never less."""
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """The smallest change that would allow it or make it better."""

    code: ReasonCode
    subject: str
    missing: int = 0
    available_from: datetime | None = None
    value: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a member may have something, and why."""

    allowed: bool
    reasons: tuple[Reason, ...]
    value: Value | None
    evidence: Evidence
    near_miss: NearMiss | None
    degraded: bool
    program_revision: RevisionId
    quota: Quota | None = None
    """None where it may be had as often as wished."""


def evidence_of(
    sight: Sight,
    membership_id: MembershipId | None,
    now: datetime,
    *,
    risk_state: RiskState,
    granted: bool = False,
    credit_score_required: int | None = None,
) -> Evidence:
    """What a decision made now rests on."""
    standing = sight.standing
    return Evidence(
        score=standing.score if standing else None,
        score_age=sight.age(now),
        credit_score=standing.credit_score if standing else None,
        credit_stars=standing.credit_stars if standing else None,
        attributes=tuple(sorted(standing.attributes)) if standing else (),
        membership_id=membership_id,
        decide_time=now,
        granted=granted,
        risk_state=risk_state,
        credit_score_required=credit_score_required,
    )


def with_degraded(reasons: Sequence[Reason], sight: Sight) -> tuple[Reason, ...]:
    """The reasons, and that scoring does not answer where that is so."""
    if not sight.degraded:
        return tuple(reasons)
    return (*reasons, Reason(code=ReasonCode.DEGRADED_DATA, subject="scoring"))


def near_miss_of(reasons: Sequence[Reason], value: Value | None) -> NearMiss | None:
    """What would allow it: only a single reason is near."""
    if len(reasons) != 1:
        return None
    (reason,) = reasons
    return NearMiss(
        code=reason.code,
        subject=reason.subject,
        missing=reason.missing,
        available_from=reason.available_from,
        value=value,
    )
