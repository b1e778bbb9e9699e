"""Memberships: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import memberships_pb2 as pb
from laurel_kit.fingerprint import fingerprint
from laurel_kit.money import write_money

from laurel_benefits.domain.frozen_rebates import FrozenRebate
from laurel_benefits.domain.ids import ChannelId, PlanId, QuoteId, RequestId
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipState,
    Quote,
    Term,
    cap_of,
    term_of,
)
from laurel_benefits.domain.term_changes import Cancellation, Extension, Invoice, Suspension
from laurel_benefits.handlers.memberships import (
    FoundMembership,
    PurchasedMembership,
    PurchaseMembership,
    QuotedMembership,
    QuoteMembership,
)
from laurel_benefits.handlers.trials import StartedTrial, StartTrial
from laurel_benefits.wire.decisions import write_decision, write_evidence
from laurel_benefits.wire.times import read_member, write_instant


def read_quote_membership(request: pb.QuoteMembershipRequest) -> QuoteMembership:
    """The command in a request."""
    return QuoteMembership(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        plan_id=PlanId(request.plan_id),
        channel_id=ChannelId(request.channel_id) if request.channel_id else None,
        fingerprint=fingerprint(request).encoded,
    )


def read_purchase_membership(
    request: pb.PurchaseMembershipRequest | pb.RenewMembershipRequest,
) -> PurchaseMembership:
    """The command in a request."""
    return PurchaseMembership(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        quote_id=QuoteId(request.quote_id),
        payment_reference=request.payment_reference,
        fingerprint=fingerprint(request).encoded,
        validate_only=request.validate_only,
        paid=request.payment_outcome != pb.PAYMENT_OUTCOME_FAILED,
    )


def read_start_trial(request: pb.StartTrialRequest) -> StartTrial:
    """The command in a request."""
    return StartTrial(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        plan_id=PlanId(request.plan_id),
        fingerprint=fingerprint(request).encoded,
    )


def read_plan_id(request: pb.GetMembershipRequest) -> PlanId:
    """The plan a request names."""
    return PlanId(request.plan_id)


def write_quote_membership(quoted: QuotedMembership) -> pb.QuoteMembershipResponse:
    """The answer to a wish for a price."""
    return pb.QuoteMembershipResponse(
        decision=write_decision(quoted.decision),
        quote=write_quote(quoted.quote) if quoted.quote else None,
        replayed=quoted.replayed,
    )


def write_start_trial(started: StartedTrial) -> pb.StartTrialResponse:
    """The answer to a wish for a trial."""
    trial = started.trial
    return pb.StartTrialResponse(
        decision=write_decision(started.decision),
        membership=write_membership(trial, MembershipState.TRIAL) if trial else None,
        replayed=started.replayed,
    )


def write_purchase_membership(purchased: PurchasedMembership) -> pb.PurchaseMembershipResponse:
    """The answer to a purchase."""
    return pb.PurchaseMembershipResponse(
        membership=write_purchased(purchased), replayed=purchased.replayed
    )


def write_renew_membership(renewed: PurchasedMembership) -> pb.RenewMembershipResponse:
    """The answer to a renewal."""
    return pb.RenewMembershipResponse(
        membership=write_purchased(renewed), replayed=renewed.replayed
    )


def write_purchased(purchased: PurchasedMembership) -> pb.Membership | None:
    """What was bought; nothing where the payment failed."""
    if purchased.membership is None or purchased.state is None:
        return None
    return write_membership(purchased.membership, purchased.state)


def write_get_membership(found: FoundMembership) -> pb.GetMembershipResponse:
    """The answer to a question for a membership."""
    renewal = found.renewal
    return pb.GetMembershipResponse(
        membership=write_membership(found.membership, found.state),
        renewal=write_membership(renewal, MembershipState.UPCOMING) if renewal else None,
    )


def write_quote(quote: Quote) -> pb.Quote:
    """A price that is kept for a while."""
    return pb.Quote(
        quote_id=quote.quote_id,
        plan_id=quote.plan_id,
        price=write_money(quote.price_fen),
        band_score_from=quote.band_score_from,
        term=write_term(term_of(quote.terms, quote.create_time)),
        create_time=write_instant(quote.create_time),
        expire_time=write_instant(quote.expire_time),
        channel_id=quote.channel.channel_id if quote.channel else "",
        partner_points=quote.channel.partner_points if quote.channel else 0,
        band_score_before=quote.band_score_before,
        evidence=write_evidence(quote.evidence),
        terms=write_terms(quote),
        program_revision=quote.program_revision,
    )


def write_terms(quote: Quote) -> pb.QuotedTerms:
    """What a purchase by a quote gives, with the cap of its day."""
    terms, rebate = quote.terms, quote.terms.rebate
    return pb.QuotedTerms(
        term_days=terms.term_days,
        rebate=pb.QuotedRebate(
            rate_min_bps=rebate.rates.lowest_bps,
            rate_max_bps=rebate.rates.highest_bps,
            cap_points=cap_of(terms, quote.create_time),
        )
        if rebate
        else None,
        refund_within_days=terms.refund.within_days if terms.refund else 0,
        invoice_types=terms.invoice_types,
    )


def write_membership(membership: Membership, state: MembershipState) -> pb.Membership:
    """A term a member bought."""
    return pb.Membership(
        membership_id=membership.membership_id,
        program_id=membership.member.program_id,
        member_id=membership.member.member_id,
        plan_id=membership.plan_id,
        state=pb.MembershipState.Value(f"MEMBERSHIP_STATE_{state.value}"),
        term=write_term(membership.term),
        price=write_money(membership.price_fen),
        quote_id=membership.quote_id or "",
        evidence=write_evidence(membership.evidence),
        payment_reference=membership.payment_reference,
        rebate=write_rebate(membership),
        program_revision=membership.program_revision,
        family_id=membership.family_id,
        purchase_time=write_instant(membership.purchase_time),
        frozen_rebate=write_book(membership.frozen) if membership.frozen else None,
        channel_id=membership.channel_id or "",
        suspensions=[write_suspension(each) for each in membership.changes.suspensions],
        extensions=[write_extension(each) for each in membership.changes.extensions],
        cancellation=write_cancellation(membership.changes.cancellation),
        invoice=write_invoice(membership.changes.invoice),
    )


def write_invoice(invoice: Invoice | None) -> pb.FeeInvoice | None:
    """The invoice of a fee."""
    if invoice is None:
        return None
    return pb.FeeInvoice(
        invoice_type=invoice.invoice_type,
        title=invoice.title,
        tax_number=invoice.tax_number,
        amount=write_money(invoice.amount_fen),
        request_time=write_instant(invoice.request_time),
    )


def write_suspension(suspension: Suspension) -> pb.Suspension:
    """A while in which a term gave nothing."""
    end = suspension.end_time
    return pb.Suspension(
        start_time=write_instant(suspension.start_time),
        end_time=write_instant(end) if end else None,
        reason=suspension.reason,
        maker=suspension.maker,
    )


def write_extension(extension: Extension) -> pb.Extension:
    """Days that a term was given more."""
    return pb.Extension(
        days=extension.days,
        extend_time=write_instant(extension.extend_time),
        reason=extension.reason,
        maker=extension.maker,
    )


def write_cancellation(cancellation: Cancellation | None) -> pb.Cancellation | None:
    """The early end of a term."""
    if cancellation is None:
        return None
    return pb.Cancellation(
        cancel_time=write_instant(cancellation.cancel_time),
        used=write_money(cancellation.used_fen),
        refund=write_money(cancellation.refund_fen),
        reason=cancellation.reason,
        maker=cancellation.maker,
    )


def write_book(book: FrozenRebate) -> pb.FrozenRebate:
    """What a trial has earned, and what became of it."""
    return pb.FrozenRebate(
        state=pb.FrozenRebateState.Value(f"FROZEN_REBATE_STATE_{book.state.value}"),
        frozen_points=book.frozen_points,
        released_points=book.released_points,
        forfeited_points=book.forfeited_points,
        release_expire_time=write_instant(book.release_expire_time),
        successor_membership_id=book.successor_id or "",
    )


def write_term(term: Term) -> pb.Term:
    """From when to when."""
    return pb.Term(
        start_time=write_instant(term.start_time), expire_time=write_instant(term.expire_time)
    )


def write_rebate(membership: Membership) -> pb.TermRebate | None:
    """How much of the term's rebate is used."""
    if membership.terms.rebate is None:
        return None
    return pb.TermRebate(
        cap_points=membership.rebate_cap_points,
        granted_points=membership.rebate_granted_points,
        remaining_points=membership.rebate_room_points,
    )
