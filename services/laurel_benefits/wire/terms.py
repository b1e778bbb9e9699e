"""Changes of terms and savings: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import memberships_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money

from laurel_benefits.domain.ids import MembershipId, RequestId
from laurel_benefits.domain.savings import SavingLine, Savings
from laurel_benefits.domain.terms import Addressee
from laurel_benefits.handlers.terms import ChangedTerm, ChangeTerm
from laurel_benefits.wire.memberships import write_membership
from laurel_benefits.wire.times import read_member


def read_cancel_membership(request: pb.CancelMembershipRequest) -> ChangeTerm:
    """The command in a request."""
    return ChangeTerm(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        membership_id=MembershipId(request.membership_id),
        reason=request.reason,
        validate_only=request.validate_only,
        fingerprint=fingerprint(request).encoded,
    )


def read_suspend_membership(request: pb.SuspendMembershipRequest) -> ChangeTerm:
    """The command in a request."""
    return ChangeTerm(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        membership_id=MembershipId(request.membership_id),
        reason=request.reason,
        fingerprint=fingerprint(request).encoded,
    )


def read_resume_membership(request: pb.ResumeMembershipRequest) -> ChangeTerm:
    """The command in a request."""
    return ChangeTerm(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        membership_id=MembershipId(request.membership_id),
        fingerprint=fingerprint(request).encoded,
    )


def read_extend_membership(request: pb.ExtendMembershipRequest) -> ChangeTerm:
    """The command in a request."""
    return ChangeTerm(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        membership_id=MembershipId(request.membership_id),
        reason=request.reason,
        days=request.days,
        fingerprint=fingerprint(request).encoded,
    )


def read_request_invoice(request: pb.RequestInvoiceRequest) -> ChangeTerm:
    """The command in a request."""
    return ChangeTerm(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        membership_id=MembershipId(request.membership_id),
        wished=Addressee(
            invoice_type=request.invoice_type,
            title=request.title,
            tax_number=request.tax_number,
        ),
        fingerprint=fingerprint(request).encoded,
    )


def read_membership_id(request: pb.GetSavingsRequest) -> MembershipId:
    """The membership a request names."""
    return MembershipId(request.membership_id)


def write_cancel_membership(changed: ChangedTerm) -> pb.CancelMembershipResponse:
    """The answer to a cancellation."""
    return pb.CancelMembershipResponse(
        membership=write_membership(changed.membership, changed.state), replayed=changed.replayed
    )


def write_suspend_membership(changed: ChangedTerm) -> pb.SuspendMembershipResponse:
    """The answer to a suspension."""
    return pb.SuspendMembershipResponse(
        membership=write_membership(changed.membership, changed.state), replayed=changed.replayed
    )


def write_resume_membership(changed: ChangedTerm) -> pb.ResumeMembershipResponse:
    """The answer to the end of a suspension."""
    return pb.ResumeMembershipResponse(
        membership=write_membership(changed.membership, changed.state), replayed=changed.replayed
    )


def write_extend_membership(changed: ChangedTerm) -> pb.ExtendMembershipResponse:
    """The answer to an extension."""
    return pb.ExtendMembershipResponse(
        membership=write_membership(changed.membership, changed.state), replayed=changed.replayed
    )


def write_request_invoice(changed: ChangedTerm) -> pb.RequestInvoiceResponse:
    """The answer to the wish for an invoice."""
    return pb.RequestInvoiceResponse(
        membership=write_membership(changed.membership, changed.state), replayed=changed.replayed
    )


def write_get_savings(savings: Savings) -> pb.GetSavingsResponse:
    """What a membership has brought."""
    return pb.GetSavingsResponse(
        lines=[write_line(line) for line in savings.lines],
        saved=write_money(savings.saved_fen),
        price=write_money(savings.membership.price_fen),
        net=write_money(savings.net_fen),
    )


def write_line(line: SavingLine) -> pb.SavingLine:
    """One thing that it has brought."""
    return pb.SavingLine(
        kind=pb.SavingKind.Value(f"SAVING_KIND_{line.kind.value}"),
        benefit_id=line.benefit_id or "",
        times=line.times,
        points=line.points,
        amount=write_money(line.amount_fen),
    )
