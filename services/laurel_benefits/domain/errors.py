"""What this service refuses. A price or benefit that is not given is a decision, none of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_benefits.domain.ids import (
    BenefitId,
    BenefitUseId,
    CampaignId,
    ChannelId,
    LineId,
    MemberId,
    MembershipId,
    OrderId,
    PlanId,
    ProgramId,
    QuoteId,
)


class BenefitsError(Exception):
    """Parent of the refusals of this service."""


class OrderWordUnknown(BenefitsError):
    """The order uses words its program does not have. Carries all of them with their paths."""

    def __init__(self, unknown: Sequence[tuple[str, str]], *, program_id: ProgramId) -> None:
        assert unknown, "an order without unknown words is not refused"
        super().__init__("; ".join(f"{path}: {word}" for path, word in unknown))
        self.listing = tuple(unknown)
        self.words = ",".join(word for _, word in unknown)
        self.program_id = program_id


@dataclass(eq=False, kw_only=True)
class OrderPaymentsMismatch(BenefitsError):
    """What was paid is not what lines and freight come to."""

    paid_fen: int
    due_fen: int


@dataclass(eq=False, kw_only=True)
class OrderTimesReversed(BenefitsError):
    """The order was delivered before it was placed."""

    order_time: datetime
    complete_time: datetime


@dataclass(eq=False, kw_only=True)
class TimeInFuture(BenefitsError):
    """A fact lies further in the future than clocks may differ. `field` is its path."""

    field: str
    time: datetime
    current_time: datetime


@dataclass(eq=False, kw_only=True)
class OrderCompleted(BenefitsError):
    """The order was completed under another request id."""

    order_id: OrderId


@dataclass(eq=False, kw_only=True)
class OrderNotFound(BenefitsError):
    """The member has no such order."""

    order_id: OrderId


@dataclass(eq=False, kw_only=True)
class PlanNotFound(BenefitsError):
    """The program has no such membership plan."""

    plan_id: PlanId


@dataclass(eq=False, kw_only=True)
class PlanKindMismatch(BenefitsError):
    """A trial is started, every other plan is quoted and bought."""

    plan_id: PlanId
    trial: bool


@dataclass(eq=False, kw_only=True)
class QuoteNotFound(BenefitsError):
    """The member has no such quote."""

    quote_id: QuoteId


@dataclass(eq=False, kw_only=True)
class QuoteExpired(BenefitsError):
    """The quote no longer holds: its `expire_time` is reached."""

    quote_id: QuoteId
    expire_time: datetime


@dataclass(eq=False, kw_only=True)
class QuoteUsed(BenefitsError):
    """A membership was bought by this quote."""

    quote_id: QuoteId
    membership_id: MembershipId


@dataclass(eq=False, kw_only=True)
class MembershipActive(BenefitsError):
    """A term of this plan or of another one of its family is running until `expire_time`."""

    plan_id: PlanId
    membership_id: MembershipId
    expire_time: datetime


@dataclass(eq=False, kw_only=True)
class MembershipNotRunning(BenefitsError):
    """No bought term of the plan's family is running that could be renewed."""

    plan_id: PlanId


@dataclass(eq=False, kw_only=True)
class MembershipRenewed(BenefitsError):
    """The term was renewed: this membership begins when it ends."""

    membership_id: MembershipId


@dataclass(eq=False, kw_only=True)
class MembershipStateMismatch(BenefitsError):
    """What is wanted cannot be done with a membership in this state."""

    membership_id: MembershipId
    state: str


@dataclass(eq=False, kw_only=True)
class TermNotFound(BenefitsError):
    """The member has no membership of that name."""

    membership_id: MembershipId


@dataclass(eq=False, kw_only=True)
class ChannelNotFound(BenefitsError):
    """The plan is not sold by this channel."""

    plan_id: PlanId
    channel_id: ChannelId


@dataclass(eq=False, kw_only=True)
class ChannelReferenceMissing(BenefitsError):
    """The channel asks for a reference that buys once, and the purchase names none."""

    channel_id: ChannelId


@dataclass(eq=False, kw_only=True)
class ChannelReferenceUsed(BenefitsError):
    """The reference, for example a gift code, has bought a membership before."""

    channel_id: ChannelId
    reference: str


@dataclass(eq=False, kw_only=True)
class CampaignNotFound(BenefitsError):
    """The program has no such campaign."""

    campaign_id: CampaignId


@dataclass(eq=False, kw_only=True)
class WinBackNotFound(BenefitsError):
    """The program wins nobody back."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class FunnelRises(BenefitsError):
    """A step of a funnel is taken by more people than the step before it."""

    step_id: str
    conversion_bps: int
    conversion_before_bps: int


@dataclass(eq=False, kw_only=True)
class MembershipNotFound(BenefitsError):
    """The member never had a membership of this plan."""

    plan_id: PlanId


@dataclass(eq=False, kw_only=True)
class BenefitNotFound(BenefitsError):
    """The program has no such benefit."""

    benefit_id: BenefitId


@dataclass(eq=False, kw_only=True)
class BenefitUseNotFound(BenefitsError):
    """The member has no such use of a benefit."""

    use_id: BenefitUseId


@dataclass(eq=False, kw_only=True)
class BenefitUseReversed(BenefitsError):
    """The use was given back before."""

    use_id: BenefitUseId
    reverse_time: datetime


@dataclass(eq=False, kw_only=True)
class EndPassed(BenefitsError):
    """What is decided by hand would be over before it begins."""

    expire_time: datetime
    current_time: datetime


@dataclass(eq=False, kw_only=True)
class BenefitNotGranted(BenefitsError):
    """No grant of the benefit is running that could be taken back."""

    benefit_id: BenefitId


@dataclass(eq=False, kw_only=True)
class MemberBlocked(BenefitsError):
    """The member may have nothing, until a time where one is set (F18, B10)."""

    member_id: MemberId
    expire_time: datetime | None


@dataclass(eq=False, kw_only=True)
class PointsNotSpendable(BenefitsError):
    """The program lets points pay nothing of an order."""

    program_id: ProgramId


class FingerprintInvalid(BenefitsError):
    """What came as the fingerprint of an evaluation is none."""


class EvaluationChanged(BenefitsError):
    """What the member was told of an order no longer holds. Carries every difference."""

    def __init__(self, changes: Mapping[str, tuple[str, str]], *, order_id: OrderId) -> None:
        assert changes, "an evaluation that holds is not refused"
        super().__init__(", ".join(changes))
        self.listing = tuple((name, was, now) for name, (was, now) in changes.items())
        self.changes = ",".join(changes)
        self.evaluated = ",".join(was for was, _ in changes.values())
        self.current = ",".join(now for _, now in changes.values())
        self.order_id = order_id


@dataclass(eq=False, kw_only=True)
class OrderReserved(BenefitsError):
    """An order of that id is reserved, or was paid."""

    order_id: OrderId


@dataclass(eq=False, kw_only=True)
class OrderNotReserved(BenefitsError):
    """Only a reserved order can be committed."""

    order_id: OrderId
    state: str


@dataclass(eq=False, kw_only=True)
class ReservationLapsed(BenefitsError):
    """The order was not paid in time."""

    order_id: OrderId
    expire_time: datetime


@dataclass(eq=False, kw_only=True)
class OrderNotCancellable(BenefitsError):
    """The order is completed, or came to nothing before."""

    order_id: OrderId
    state: str


@dataclass(eq=False, kw_only=True)
class OrderNotCommitted(BenefitsError):
    """Only a paid order can be completed."""

    order_id: OrderId
    state: str


@dataclass(eq=False, kw_only=True)
class OrderNotCompleted(BenefitsError):
    """Goods go back of a completed order only."""

    order_id: OrderId


@dataclass(eq=False, kw_only=True)
class OrderLineNotFound(BenefitsError):
    """The order has no such line."""

    order_id: OrderId
    line_id: LineId


@dataclass(eq=False, kw_only=True)
class OrderLineCancelled(BenefitsError):
    """Fewer pieces of a line are left than are to be called off."""

    order_id: OrderId
    line_id: str
    requested: int
    left: int


@dataclass(eq=False, kw_only=True)
class AlreadyReturned(BenefitsError):
    """Fewer pieces are left than are to go back; without a line nothing is left at all."""

    order_id: OrderId
    line_id: str
    requested: int
    left: int
