"""Merchants: points they buy and give away, and the memberships of their shops (H1 to H8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.decisions import (
    Decision,
    PointsGiven,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import (
    MemberId,
    MemberKey,
    MerchantId,
    ProgramId,
    RequestId,
    RevisionId,
    ShopId,
    ShopProgramId,
)
from laurel_benefits.domain.merchant_errors import (
    ExternalIdMissing,
    FundingAccountUnknown,
    MerchantsNotServed,
    ShopProgramNotFound,
)
from laurel_benefits.domain.merchant_rules import MerchantRules, ShopProgram, ShopProgramKind
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.rooms import Room, RoomKind
from laurel_benefits.domain.standings import NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Somebody who buys points and gives them away."""

    program_id: ProgramId
    merchant_id: MerchantId
    display_name: str
    funding_account_id: str
    create_time: datetime
    funded_points: int = 0
    granted_points: int = 0
    entries: int = 0
    reserved_points: int = 0
    """What orders that are not delivered yet keep of what is left."""

    @property
    def balance_points(self) -> int:
        """What is left; never below zero (H2)."""
        return self.funded_points - self.granted_points

    @property
    def free_points(self) -> int:
        """What can be given now."""
        return self.balance_points - self.reserved_points


class EntryKind(StrEnum):
    """What changed a merchant's account."""

    FUND = "FUND"
    GRANT = "GRANT"
    RETURN = "RETURN"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantEntry:
    """A change of a merchant's account."""

    position: int
    kind: EntryKind
    points: int
    balance_points: int
    reference: str
    entry_time: datetime
    member_id: MemberId | None = None
    ledger_request_id: RequestId | None = None
    paid_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopMembership:
    """By what a member belongs to a shop."""

    member: MemberKey
    shop_program_id: ShopProgramId
    kind: ShopProgramKind
    joined_shop_id: ShopId
    external_id: str
    join_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCase:
    """A gift of a merchant, what is known of both sides, and the moment."""

    rules: MerchantRules
    points: int
    free_points: int
    risk: MemberRisk | None
    now: datetime
    program_revision: RevisionId
    item_left_points: int | None = None
    """What the cap of the goods it is for leaves (D4); None where there is none."""


def find_merchant_rules(program: BenefitsProgram, program_id: ProgramId) -> MerchantRules:
    """How merchants give points. Raises MerchantsNotServed."""
    if program.merchants is None:
        raise MerchantsNotServed(program_id=program_id)
    return program.merchants


def check_account(rules: MerchantRules, funding_account_id: str) -> None:
    """Refuse an account the ledger does not have. Raises FundingAccountUnknown."""
    if funding_account_id not in rules.funding_account_ids:
        raise FundingAccountUnknown(funding_account_id=funding_account_id)


def find_shop_program(program: BenefitsProgram, shop_id: ShopId) -> ShopProgram:
    """The membership that counts in a shop. Raises ShopProgramNotFound."""
    if program.merchants and (found := program.merchants.by_shop.get(shop_id)):
        return found
    raise ShopProgramNotFound(shop_id=shop_id)


def check_external(shop_program: ShopProgram, shop_id: ShopId, external_id: str) -> None:
    """Refuse to join a brand's membership without its number (H8). Raises ExternalIdMissing."""
    if shop_program.kind is ShopProgramKind.BRAND_EXTERNAL and not external_id:
        raise ExternalIdMissing(shop_id=shop_id)


def decide_gift(case: GiftCase) -> Decision:
    """Whether a merchant may give a member points now, all of them (H2)."""
    reasons = (*judge_risk(case.risk, case.now), *judge_item(case), *judge_funds(case))
    value = PointsGiven(points=case.points)
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        value=None if reasons else value,
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, value),
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_item(case: GiftCase) -> Iterator[Reason]:
    """Whether the goods may be given so much more (D4)."""
    if case.item_left_points is not None and case.points > case.item_left_points:
        yield Reason(
            code=ReasonCode.ITEM_CAP,
            subject="item_cap_points",
            required=case.points,
            actual=case.item_left_points,
        )


def judge_funds(case: GiftCase) -> Iterator[Reason]:
    """Whether the gift is within its limit and the merchant has so much."""
    most = case.rules.grant_max_points
    if most is not None and case.points > most:
        yield Reason(code=ReasonCode.QUOTA_USED, subject="gift", required=case.points, actual=most)
    if case.points > case.free_points:
        yield Reason(
            code=ReasonCode.FUNDS_EXHAUSTED,
            subject="merchant",
            required=case.points,
            actual=case.free_points,
        )


def funds_of(merchants: Iterable[Merchant]) -> tuple[Room, ...]:
    """What campaigns of merchants may still give: no more than each has left (H2, H3)."""
    return tuple(
        Room(
            kind=RoomKind.FUNDS,
            rule=each.merchant_id,
            left_points=each.free_points,
            account_id=each.funding_account_id,
        )
        for each in merchants
    )
