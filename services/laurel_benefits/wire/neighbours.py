"""What is said to the two other services, and what they answer, in their contracts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from laurel.ledger.v1 import balances_pb2, lots_pb2
from laurel.ledger.v1 import transactions_pb2 as ledger
from laurel.scoring.v1 import activities_pb2, scores_pb2, tiers_pb2
from laurel_kit.money import write_money

from laurel_benefits.domain.check_ins import DailyCheckIn
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RevisionId, ScoreModelId
from laurel_benefits.domain.orders import Grant, Order
from laurel_benefits.domain.reminders import INSTANT, Ending, ReminderKind, Span
from laurel_benefits.domain.spending import Balance
from laurel_benefits.domain.standings import Score, Standing
from laurel_benefits.wire.times import read_instant, write_instant

BASES = {
    ScoreSource.LIVE: scores_pb2.SCORE_BASIS_LIVE,
    ScoreSource.PUBLISHED: scores_pb2.SCORE_BASIS_PUBLISHED,
}


def write_posting(order: Order, grant: Grant) -> ledger.PostTransactionRequest:
    """The posting of a grant; the points count from the order's completion, or their release."""
    earn = ledger.Earn(
        member_id=order.member.member_id,
        asset_id=grant.asset_id,
        amount=grant.points,
        funding_account_id=grant.funding_account_id,
    )
    draft = ledger.TransactionDraft(
        request_id=grant.ledger_request_id,
        earn=earn,
        effective_time=write_instant(grant.release_time or order.complete_time),
        reason=f"order {order.draft.order_id}",
        labels=labels_of(order, grant),
        program_revision=order.program_revision,
    )
    return ledger.PostTransactionRequest(program_id=order.member.program_id, transaction=draft)


def labels_of(order: Order, grant: Grant) -> dict[str, str]:
    """What a posting refers to."""
    labels = {"order_id": order.draft.order_id, "kind": grant.kind.value.lower()}
    return labels | ({"campaign_id": grant.campaign_id} if grant.campaign_id else {})


def write_check_in_posting(check_in: DailyCheckIn) -> ledger.PostTransactionRequest:
    """The posting of a check-in; the points count from when it was made."""
    earn = ledger.Earn(
        member_id=check_in.key.member.member_id,
        asset_id=check_in.asset_id,
        amount=check_in.points,
        funding_account_id=check_in.funding_account_id,
    )
    if check_in.review_case_id:
        earn.activation_key = check_in.review_case_id
    draft = ledger.TransactionDraft(
        request_id=check_in.ledger_request_id,
        earn=earn,
        effective_time=write_instant(check_in.check_in_time),
        reason=f"check-in of {check_in.key.day}",
        labels={"day": check_in.key.day.isoformat(), "kind": "check_in"},
        program_revision=check_in.program_revision,
    )
    return ledger.PostTransactionRequest(
        program_id=check_in.key.member.program_id, transaction=draft
    )


def write_get_balance(member: MemberKey, asset_id: str) -> balances_pb2.GetBalanceRequest:
    """The question for what a member has."""
    return balances_pb2.GetBalanceRequest(
        program_id=member.program_id, member_id=member.member_id, asset_id=asset_id
    )


def read_balance(response: balances_pb2.GetBalanceResponse) -> Balance:
    """What a member has to spend; below zero it owes."""
    balance = response.balance
    return Balance(available_points=max(balance.available, 0), debt_points=max(-balance.posted, 0))


def write_list_expiring_lots(
    program_id: ProgramId, asset_id: str, span: Span
) -> lots_pb2.ListExpiringLotsRequest:
    """The question for what becomes void; the end of a span belongs to it."""
    return lots_pb2.ListExpiringLotsRequest(
        program_id=program_id,
        asset_id=asset_id,
        start_time=write_instant(span.first_time),
        end_time=write_instant(span.last_time + INSTANT),
    )


def read_expiring_lots(
    response: lots_pb2.ListExpiringLotsResponse, asset_id: str
) -> Sequence[Ending]:
    """What becomes void, lot by lot."""
    return [
        Ending(
            kind=ReminderKind.EXPIRING_POINTS,
            member_id=MemberId(lot.member_id),
            end_time=read_instant(lot.expire_time),
            reference=lot.lot_id,
            points=lot.remaining,
            asset_id=asset_id,
        )
        for lot in response.lots
    ]


def read_tier_ends(response: tiers_pb2.BatchGetTiersResponse) -> Sequence[Ending]:
    """The tiers that end."""
    return [
        Ending(
            kind=ReminderKind.TIER_END,
            member_id=MemberId(tier.member_id),
            end_time=read_instant(tier.until_time),
            reference=tier.model_id,
            level_id=tier.level.level_id,
            missing_points=tier.outlook.missing_to_keep,
        )
        for tier in response.tiers
        if tier.HasField("until_time")
    ]


def write_get_score(
    member: MemberKey, model_id: ScoreModelId, source: ScoreSource
) -> scores_pb2.GetScoreRequest:
    """The question for a score."""
    return scores_pb2.GetScoreRequest(
        program_id=member.program_id,
        member_id=member.member_id,
        model_id=model_id,
        basis=BASES[source],
    )


def write_get_tier(member: MemberKey, model_id: ScoreModelId) -> tiers_pb2.GetTierRequest:
    """The question for a tier."""
    return tiers_pb2.GetTierRequest(
        program_id=member.program_id, member_id=member.member_id, model_id=model_id
    )


def write_simulate_score(
    member: MemberKey, model_id: ScoreModelId, as_of_time: datetime
) -> scores_pb2.SimulateScoreRequest:
    """The question for a score at another time."""
    return scores_pb2.SimulateScoreRequest(
        program_id=member.program_id,
        member_id=member.member_id,
        model_id=model_id,
        as_of_time=write_instant(as_of_time),
    )


def read_standing(
    response: scores_pb2.GetScoreResponse, *, scored: bool, seen_time: datetime
) -> Standing:
    """The member's standing; `scored` is false where only the profile of the answer counts."""
    profile = response.profile
    return Standing(
        score=read_score(response.score) if scored else None,
        attributes=frozenset(profile.attributes),
        credit_score=profile.credit_score if profile.HasField("credit_score") else None,
        credit_stars=profile.credit_stars if profile.HasField("credit_stars") else None,
        seen_time=seen_time,
    )


def read_tier_standing(standing: Standing, tier: tiers_pb2.Tier) -> Standing:
    """The standing with the level that the member holds as its tier."""
    assert standing.score is not None
    level = tier.level
    score = replace(standing.score, level_id=level.level_id, level_position=level.position)
    return replace(standing, score=score)


def read_score(message: scores_pb2.Score) -> Score:
    """A score with its level."""
    return Score(
        model_id=ScoreModelId(message.model_id),
        value=message.value,
        level_id=message.level.level_id,
        level_position=message.level.position,
        live=message.basis == scores_pb2.SCORE_BASIS_LIVE,
        as_of_time=read_instant(message.as_of_time),
        program_revision=RevisionId(message.program_revision),
    )


def write_activities(orders: Sequence[Order]) -> activities_pb2.RecordActivitiesRequest:
    """The purchases of one member."""
    return activities_pb2.RecordActivitiesRequest(
        program_id=orders[0].member.program_id,
        activities=[write_activity(order) for order in orders],
    )


def write_activity(order: Order) -> activities_pb2.Activity:
    """A purchase, a fact of the order's completion."""
    purchase = activities_pb2.Purchase(
        order_id=order.draft.order_id,
        payments=[
            activities_pb2.Payment(
                payment_method=each.payment_method, amount=write_money(each.amount_fen)
            )
            for each in order.draft.payments
        ],
        lines=[write_purchase_line(line) for line in order.draft.lines],
    )
    return activities_pb2.Activity(
        activity_id=order.telling.activity_id,
        member_id=order.member.member_id,
        activity_time=write_instant(order.complete_time),
        purchase=purchase,
    )


def write_purchase_line(line: OrderLine) -> activities_pb2.PurchaseLine:
    """A line of a purchase."""
    return activities_pb2.PurchaseLine(
        line_id=line.line_id,
        sku_id=line.sku_id,
        category_id=line.category_id,
        shop_id=line.shop_id,
        goods_class=line.goods_class,
        quantity=line.quantity,
        paid=write_money(line.paid_fen),
    )
