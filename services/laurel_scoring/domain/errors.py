"""What scoring refuses, as values: every variable of the text is a field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class ScoringError(Exception):
    """A refusal of this service."""


class FactRefused(ScoringError):
    """A refusal of one reported fact; the others of its request stand."""


@dataclass(eq=False, kw_only=True)
class ActivityIdReused(FactRefused):
    """The member has an activity of that id with other content."""

    activity_id: str
    member_id: str


@dataclass(eq=False, kw_only=True)
class NotInVocabulary(FactRefused):
    """A word the program does not declare."""

    field: str
    value: str
    vocabulary: str


@dataclass(eq=False, kw_only=True)
class AmountNegative(FactRefused):
    """An amount of money below zero, in minor units."""

    field: str
    amount: int


@dataclass(eq=False, kw_only=True)
class AmountNotRepresentable(FactRefused):
    """An amount of money that is not a whole number of minor units of the currency."""

    field: str
    cause: str


@dataclass(eq=False, kw_only=True)
class ApprovalByAuthor(FactRefused):
    """The member who wrote the review is the one who approves of it (D9)."""

    review_id: str
    member_id: str


@dataclass(eq=False, kw_only=True)
class CreditOutOfRange(FactRefused):
    """A credit value outside the program's range; a measure without a range is not known at all."""

    field: str
    value: int
    minimum: int | None
    maximum: int | None


@dataclass(eq=False, kw_only=True)
class PurchaseLineReused(FactRefused):
    """The line of the order is recorded with another purchase, or named twice."""

    order_id: str
    line_id: str


@dataclass(eq=False, kw_only=True)
class ReturnNotBought(FactRefused):
    """The member has not bought that line by the time of the return."""

    order_id: str
    line_id: str


@dataclass(eq=False, kw_only=True)
class ReturnExceedsPurchase(FactRefused):
    """More pieces go back than are left of the line."""

    order_id: str
    line_id: str
    quantity: int
    remaining: int


@dataclass(eq=False, kw_only=True)
class ActivityNotFound(ScoringError):
    """The member has no activity of that id."""

    activity_id: str
    member_id: str


@dataclass(eq=False, kw_only=True)
class ActivityRetracted(ScoringError):
    """The activity was taken back by another request."""

    activity_id: str
    member_id: str


@dataclass(eq=False, kw_only=True)
class ActivityInUse(ScoringError):
    """Goods of the purchase went back: `return_id` has to be taken back first."""

    activity_id: str
    return_id: str


@dataclass(eq=False, kw_only=True)
class ModelNotFound(ScoringError):
    """The program has no such model at that time."""

    program_id: str
    model_id: str


@dataclass(eq=False, kw_only=True)
class ScoreNotPublished(ScoringError):
    """No score of the member was published by that time."""

    member_id: str
    model_id: str


@dataclass(eq=False, kw_only=True)
class ModelNotSettled(ScoringError):
    """The model publishes no scores."""

    model_id: str


@dataclass(eq=False, kw_only=True)
class SettlementNotDue(ScoringError):
    """The settlement day has not begun."""

    due_time: datetime


@dataclass(eq=False, kw_only=True)
class SettlementNotPublished(ScoringError):
    """A month that is not published cannot be corrected."""

    settlement_month: str


@dataclass(eq=False, kw_only=True)
class SettlementNotFound(ScoringError):
    """The model has no such settlement."""

    settlement_month: str
    run: int


@dataclass(eq=False, kw_only=True)
class TiersNotDeclared(ScoringError):
    """The program has no tier policy for the model at that time."""

    model_id: str


@dataclass(eq=False, kw_only=True)
class LevelNotFound(ScoringError):
    """The model has no such level."""

    model_id: str
    level_id: str


@dataclass(eq=False, kw_only=True)
class OverrideEndInvalid(ScoringError):
    """An override ends after now, and not later than the longest one may."""

    end_time: datetime
    earliest: datetime
    latest: datetime


@dataclass(eq=False, kw_only=True)
class OverrideNotFound(ScoringError):
    """There is no override of the member's tier to lift."""

    model_id: str


@dataclass(eq=False, kw_only=True)
class InsightNotDeclared(ScoringError):
    """The program has no such groups at that time: `part` says which."""

    program_id: str
    part: str


@dataclass(eq=False, kw_only=True)
class SegmentNotFound(ScoringError):
    """The program has no such group of members."""

    segment_id: str


@dataclass(eq=False, kw_only=True)
class GroupTooSmall(ScoringError):
    """Fewer members than that are nobody's business."""

    members_min: int


@dataclass(eq=False, kw_only=True)
class LevelNotByInvitation(ScoringError):
    """The level is reached by score alone: nobody is invited to it."""

    level_id: str


@dataclass(eq=False, kw_only=True)
class AlreadyInvited(ScoringError):
    """The member waits for a seat of the level, is offered one, or has accepted it."""

    level_id: str
    state: str


@dataclass(eq=False, kw_only=True)
class ScoreBelowLevel(ScoringError):
    """The score of the member that was published last does not reach the level."""

    level_id: str
    value: int
    required: int


@dataclass(eq=False, kw_only=True)
class TierFull(ScoringError):
    """Every seat of the level is taken, or kept for an answer."""

    level_id: str
    seats: int
    taken: int


@dataclass(eq=False, kw_only=True)
class InvitationNotFound(ScoringError):
    """Nothing is offered to the member, or the offer has lapsed."""

    level_id: str
