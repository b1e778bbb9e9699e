"""What lines earn, and payments, which several nouns carry."""

from __future__ import annotations

from laurel.benefits.v1 import earnings_pb2 as pb
from laurel_kit.money import read_money, write_money

from laurel_benefits.domain.drafts import Payment
from laurel_benefits.domain.earning import LineEarning, TraceEntry
from laurel_benefits.wire.decisions import write_code


def read_payment(message: pb.Payment, path: str) -> Payment:
    """What was paid by one means."""
    return Payment(
        payment_method=message.payment_method,
        amount_fen=read_money(message.amount, field=f"{path}.amount"),
    )


def write_payment(payment: Payment) -> pb.Payment:
    """What is paid by one means."""
    return pb.Payment(payment_method=payment.payment_method, amount=write_money(payment.amount_fen))


def write_line_earning(earning: LineEarning) -> pb.LineEarning:
    """What one line earned, and how that came about."""
    return pb.LineEarning(
        line_id=earning.line_id,
        base_points=earning.base_points,
        rebate_points=earning.rebate_points,
        trace=[write_trace_entry(entry) for entry in earning.trace],
        campaigns=[
            pb.CampaignPoints(campaign_id=each.campaign_id, points=each.points)
            for each in earning.campaigns
        ],
    )


def write_trace_entry(entry: TraceEntry) -> pb.TraceEntry:
    """What one stage made of a line."""
    return pb.TraceEntry(
        stage=pb.EarningStage.Value(f"EARNING_STAGE_{entry.stage.value}"),
        rule=entry.rule,
        before_ten_thousandths=entry.before,
        after_ten_thousandths=entry.after,
        reason=write_code(entry.reason),
    )
