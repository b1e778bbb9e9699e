"""Why the fee of a membership is not invoiced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_benefits.domain.errors import BenefitsError
from laurel_benefits.domain.ids import MembershipId


@dataclass(eq=False, kw_only=True)
class InvoiceTypeNotIssued(BenefitsError):
    """The fee of the membership is not invoiced that way."""

    invoice_type: str
    issued: str


@dataclass(eq=False, kw_only=True)
class NothingToInvoice(BenefitsError):
    """Nothing was paid for the membership, or all of it came back."""

    membership_id: MembershipId


@dataclass(eq=False, kw_only=True)
class InvoiceRequested(BenefitsError):
    """The fee was invoiced before."""

    membership_id: MembershipId
    request_time: datetime
