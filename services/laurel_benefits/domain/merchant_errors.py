"""What merchants and their shops are refused."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.errors import BenefitsError
from laurel_benefits.domain.ids import MerchantId, ProgramId, ShopId


@dataclass(eq=False, kw_only=True)
class MerchantsNotServed(BenefitsError):
    """No merchant of the program can give points."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class FundingAccountUnknown(BenefitsError):
    """The ledger of the program has no such funding account."""

    funding_account_id: str


@dataclass(eq=False, kw_only=True)
class MerchantExists(BenefitsError):
    """There is a merchant of that name, or of that account, made by another request."""

    merchant_id: MerchantId


@dataclass(eq=False, kw_only=True)
class MerchantNotFound(BenefitsError):
    """The program has no such merchant."""

    merchant_id: MerchantId


@dataclass(eq=False, kw_only=True)
class ShopProgramNotFound(BenefitsError):
    """No membership of the program counts in the shop."""

    shop_id: ShopId


@dataclass(eq=False, kw_only=True)
class ShopMembershipNotFound(BenefitsError):
    """The member has no membership of the shop."""

    shop_id: ShopId


@dataclass(eq=False, kw_only=True)
class ExternalIdMissing(BenefitsError):
    """The brand keeps the membership outside, and its number of the member is not given."""

    shop_id: ShopId
