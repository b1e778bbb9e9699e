"""Merchants and shop memberships: from the wire and back."""

from __future__ import annotations

from datetime import date

from laurel.benefits.v1 import merchants_pb2 as pb
from laurel_kit.money import read_money, write_money
from laurel_kit.pages import PageTokens, page_size

from laurel_benefits.domain.ids import LineId, MerchantId, OrderId, ProgramId, ShopId
from laurel_benefits.domain.merchants import Merchant, MerchantEntry, ShopMembership
from laurel_benefits.handlers.gifts import GrantedPoints, GrantPoints, OrderLineKey
from laurel_benefits.handlers.merchants import (
    ChangedMerchant,
    CreateMerchant,
    FundMerchant,
    Statement,
    StatementQuery,
)
from laurel_benefits.handlers.shop_memberships import JoinedShop, JoinShop
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import write_instant


def read_create_merchant(request: pb.CreateMerchantRequest) -> CreateMerchant:
    """The command in a request."""
    return CreateMerchant(
        key=read_write_key(request),
        merchant_id=MerchantId(request.merchant_id),
        display_name=request.display_name,
        funding_account_id=request.funding_account_id,
    )


def write_create_merchant(answer: ChangedMerchant) -> pb.CreateMerchantResponse:
    """The merchant that was made."""
    return pb.CreateMerchantResponse(
        merchant=write_merchant(answer.merchant), replayed=answer.replayed
    )


def read_merchant(request: pb.GetMerchantRequest) -> tuple[ProgramId, MerchantId]:
    """The merchant a request names."""
    return ProgramId(request.program_id), MerchantId(request.merchant_id)


def write_get_merchant(merchant: Merchant) -> pb.GetMerchantResponse:
    """A merchant as it is now."""
    return pb.GetMerchantResponse(merchant=write_merchant(merchant))


def read_fund_merchant(request: pb.FundMerchantRequest) -> FundMerchant:
    """The command in a request."""
    return FundMerchant(
        key=read_write_key(request),
        merchant_id=MerchantId(request.merchant_id),
        paid_fen=read_money(request.amount, field="amount"),
        payment_reference=request.payment_reference,
    )


def write_fund_merchant(answer: ChangedMerchant) -> pb.FundMerchantResponse:
    """The merchant after it has bought points."""
    return pb.FundMerchantResponse(
        merchant=write_merchant(answer.merchant), points=answer.points, replayed=answer.replayed
    )


def read_grant_points(request: pb.GrantPointsRequest) -> GrantPoints:
    """The command in a request."""
    return GrantPoints(
        key=read_write_key(request),
        merchant_id=MerchantId(request.merchant_id),
        points=request.points,
        reason=request.reason,
        line=(
            OrderLineKey(order_id=OrderId(request.order_id), line_id=LineId(request.line_id))
            if request.order_id
            else None
        ),
    )


def write_grant_points(answer: GrantedPoints) -> pb.GrantPointsResponse:
    """The answer to a gift."""
    return pb.GrantPointsResponse(
        decision=write_decision(answer.decision),
        entry=write_entry(answer.entry) if answer.entry else None,
        returned=answer.returned,
        replayed=answer.replayed,
    )


def read_statement(request: pb.GetSettlementStatementRequest) -> StatementQuery:
    """The question in a request; one line more than a page tells whether there is another."""
    after = PageTokens.of(request).decode(request.page_token, int)
    return StatementQuery(
        program_id=ProgramId(request.program_id),
        merchant_id=MerchantId(request.merchant_id),
        month=date(request.year, request.month, 1),
        after=int(after[0] or 0) if after else 0,
        limit=page_size(request.page_size) + 1,
    )


def write_statement(
    statement: Statement, request: pb.GetSettlementStatementRequest
) -> pb.GetSettlementStatementResponse:
    """A page of a month, and where the next one begins."""
    size = page_size(request.page_size)
    page = statement.entries[:size]
    last = (page[-1].position,) if len(statement.entries) > size else None
    return pb.GetSettlementStatementResponse(
        opening_points=statement.opening_points,
        closing_points=statement.closing_points,
        entries=[write_entry(entry) for entry in page],
        next_page_token=PageTokens.of(request).encode(last),
    )


def read_join_shop(request: pb.JoinShopRequest) -> JoinShop:
    """The command in a request."""
    return JoinShop(
        key=read_write_key(request),
        shop_id=ShopId(request.shop_id),
        external_id=request.external_id,
    )


def write_join_shop(answer: JoinedShop) -> pb.JoinShopResponse:
    """The membership that was joined."""
    return pb.JoinShopResponse(
        membership=write_shop_membership(answer.membership), replayed=answer.replayed
    )


def read_shop_id(request: pb.GetShopMembershipRequest) -> ShopId:
    """The shop a request names."""
    return ShopId(request.shop_id)


def write_get_shop_membership(membership: ShopMembership) -> pb.GetShopMembershipResponse:
    """By what a member belongs to a shop."""
    return pb.GetShopMembershipResponse(membership=write_shop_membership(membership))


def write_merchant(merchant: Merchant) -> pb.Merchant:
    """A merchant."""
    return pb.Merchant(
        program_id=merchant.program_id,
        merchant_id=merchant.merchant_id,
        display_name=merchant.display_name,
        funding_account_id=merchant.funding_account_id,
        funded_points=merchant.funded_points,
        granted_points=merchant.granted_points,
        balance_points=merchant.balance_points,
        reserved_points=merchant.reserved_points,
        create_time=write_instant(merchant.create_time),
    )


def write_entry(entry: MerchantEntry) -> pb.MerchantEntry:
    """A change of an account."""
    return pb.MerchantEntry(
        position=entry.position,
        kind=pb.MerchantEntryKind.Value(f"MERCHANT_ENTRY_KIND_{entry.kind.value}"),
        points=entry.points,
        balance_points=entry.balance_points,
        member_id=entry.member_id or "",
        reference=entry.reference,
        ledger_request_id=entry.ledger_request_id or "",
        amount=write_money(entry.paid_fen) if entry.paid_fen else None,
        entry_time=write_instant(entry.entry_time),
    )


def write_shop_membership(membership: ShopMembership) -> pb.ShopMembership:
    """A membership of a shop."""
    kind = f"SHOP_MEMBERSHIP_KIND_{membership.kind.value}"
    return pb.ShopMembership(
        program_id=membership.member.program_id,
        member_id=membership.member.member_id,
        shop_program_id=membership.shop_program_id,
        kind=pb.ShopMembershipKind.Value(kind),
        joined_shop_id=membership.joined_shop_id,
        external_id=membership.external_id,
        join_time=write_instant(membership.join_time),
    )
