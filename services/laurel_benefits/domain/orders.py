"""Completed orders: what they earned, and how far that is carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.earning import (
    CampaignPoints,
    EarningTerms,
    Guard,
    LineEarning,
    Rebate,
    earn,
)
from laurel_benefits.domain.ids import (
    CampaignId,
    MemberKey,
    MembershipId,
    RequestId,
    RevisionId,
)
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.programs import EarningRules
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.domain.rooms import Counted, Room, RoomKind, counted_between


class GrantKind(StrEnum):
    """What points are for."""

    BASE = "BASE"
    REBATE = "REBATE"
    CAMPAIGN = "CAMPAIGN"
    MERCHANT = "MERCHANT"


class GrantState(StrEnum):
    """How far a grant is paid."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    REFUSED = "REFUSED"
    FROZEN = "FROZEN"
    FORFEITED = "FORFEITED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Points an order earned: one posting of the ledger, whose request id is fixed beforehand."""

    kind: GrantKind
    asset_id: str
    funding_account_id: str
    points: int
    ledger_request_id: RequestId
    campaign_id: CampaignId | None = None
    state: GrantState = GrantState.PENDING
    refusal: str = ""
    commit_token: str = ""
    release_time: datetime | None = None
    """When it was released, where it was frozen: its points count from then on."""


class TellingState(StrEnum):
    """Whether scoring knows of the purchase."""

    PENDING = "PENDING"
    TOLD = "TOLD"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The fact scoring is told. `position` is its place among the member's facts, from 1."""

    activity_id: str
    position: int
    state: TellingState = TellingState.PENDING
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantOutcome:
    """What the ledger answered for good: posted with a token, or refused with a reason."""

    state: GrantState
    refusal: str = ""
    commit_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingOutcome:
    """What scoring answered for good about one fact."""

    state: TellingState
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A completed order with what it earned and how far that is carried out."""

    member: MemberKey
    draft: OrderDraft
    complete_time: datetime
    """When it was delivered: the time of the fact."""
    line_earnings: tuple[LineEarning, ...]
    grants: tuple[Grant, ...]
    telling: Telling
    membership_id: MembershipId | None
    program_revision: RevisionId
    create_time: datetime
    grant_time: datetime
    """When its grants are paid (D10)."""
    grants_due: bool = True
    """Whether that time has come; until then its grants wait."""
    counted: tuple[Counted, ...] = ()
    """What it took of caps and budgets; returns give it back."""

    @property
    def merchant_grants(self) -> tuple[Grant, ...]:
        """What merchants pay of it."""
        return tuple(grant for grant in self.grants if grant.kind is GrantKind.MERCHANT)

    @property
    def paid_out(self) -> bool:
        """Whether no grant has to be paid: what is frozen has not, before it is released."""
        return all(grant.state is not GrantState.PENDING for grant in self.grants)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.paid_out and self.telling.state is not TellingState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What an order earns, decided: the lines, and what each account pays."""

    lines: tuple[LineEarning, ...]
    shares: tuple[Share, ...]
    membership_id: MembershipId | None
    counted: tuple[Counted, ...] = ()
    rebate_frozen: bool = False
    """Whether the rebate is a trial's (F13)."""

    @property
    def counted_for_good(self) -> tuple[Counted, ...]:
        """What it takes of caps and budgets once it is delivered; merchants are charged then."""
        return tuple(each for each in self.counted if each.kind is not RoomKind.FUNDS)

    @property
    def rebate_points(self) -> int:
        """Points that count against the cap of the membership's term."""
        return sum(line.rebate_points for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Points of one kind, paid by one account."""

    kind: GrantKind
    asset_id: str
    funding_account_id: str
    points: int
    campaign_id: CampaignId | None = None


def decide_completion(
    draft: OrderDraft,
    rules: EarningRules,
    membership: Membership | None,
    risk_state: RiskState,
    *,
    campaigns: tuple[Campaign, ...] = (),
    rooms: tuple[Room, ...] = (),
    speeding: Reason | None = None,
) -> Earned:
    """What a delivered order earns. `membership` is the one whose rebate it earns (F15),
    `risk_state` is how the member is judged when this is decided (B10). `campaigns` are those that
    run for it, `rooms` what caps and budgets leave, `speeding` says that orders come too fast.
    """
    rebate = rebate_in_force(membership)
    terms = EarningTerms(
        rules=rules,
        campaigns=campaigns,
        rebate=rebate,
        rooms=rooms,
        guard=guard_of(risk_state, speeding),
    )
    earnings = earn(draft, terms)
    shares = shares_of(earnings.lines, rules, rebate)
    return Earned(
        lines=earnings.lines,
        shares=tuple(share for share in shares if share.points),
        membership_id=membership.membership_id if membership and rebate else None,
        counted=counted_between(rooms, earnings.rooms),
        rebate_frozen=membership is not None and membership.frozen is not None,
    )


def guard_of(risk_state: RiskState, speeding: Reason | None) -> Guard | None:
    """What keeps an order from earning anything: a block before a limit of speed."""
    if risk_state is RiskState.BLOCKED:
        return Guard(rule="risk", reason=ReasonCode.RISK_BLOCKED)
    if speeding is not None:
        return Guard(rule=speeding.subject, reason=speeding.code)
    return None


def rebate_in_force(membership: Membership | None) -> Rebate | None:
    """The rebate of a running membership, with what its term has left."""
    if membership is None or membership.terms.rebate is None:
        return None
    return Rebate(
        plan_id=membership.plan_id,
        terms=membership.terms.rebate,
        room_points=membership.rebate_room_points,
    )


def shares_of(
    lines: tuple[LineEarning, ...], rules: EarningRules, rebate: Rebate | None
) -> tuple[Share, ...]:
    """The points of all lines, by kind and campaign."""
    base = Share(
        kind=GrantKind.BASE,
        asset_id=rules.asset_id,
        funding_account_id=rules.funding_account_id,
        points=sum(line.base_points for line in lines),
    )
    added = tuple(campaign_shares(lines, rules))
    if rebate is None:
        return base, *added
    back = Share(
        kind=GrantKind.REBATE,
        asset_id=rules.asset_id,
        funding_account_id=rebate.terms.funding_account_id,
        points=sum(line.rebate_points for line in lines),
    )
    return base, back, *added


def campaign_shares(lines: tuple[LineEarning, ...], rules: EarningRules) -> Iterator[Share]:
    """The points of each campaign, the first that gave any first."""
    given: dict[CampaignId, list[CampaignPoints]] = {}
    for line in lines:
        for each in line.campaigns:
            given.setdefault(each.campaign_id, []).append(each)
    for campaign_id, parts in given.items():
        kind = GrantKind.MERCHANT if parts[0].merchant_funded else GrantKind.CAMPAIGN
        yield Share(
            kind=kind,
            asset_id=rules.asset_id,
            funding_account_id=parts[0].funding_account_id,
            points=sum(each.points for each in parts),
            campaign_id=campaign_id,
        )
