"""Wallets: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import games_pb2 as pb
from laurel_kit.money import read_money, write_money

from laurel_benefits.domain.wallets import PayOut
from laurel_benefits.handlers.wallets import PaidOut, PayOutWallet, WalletView
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import write_instant


def write_get_wallet(view: WalletView) -> pb.GetWalletResponse:
    """What is in a wallet."""
    wallet = pb.Wallet(
        program_id=view.member.program_id,
        member_id=view.member.member_id,
        asset_id=view.rules.asset_id,
        balance=write_money(view.balance_fen),
        pay_out_min=write_money(view.rules.pay_out_min_fen),
    )
    return pb.GetWalletResponse(wallet=wallet, decision=write_decision(view.decision))


def read_pay_out_wallet(request: pb.PayOutWalletRequest) -> PayOutWallet:
    """The command in a request."""
    return PayOutWallet(
        key=read_write_key(request),
        amount_fen=read_money(request.amount, field="amount"),
        payee=request.payee,
    )


def write_pay_out_wallet(answer: PaidOut) -> pb.PayOutWalletResponse:
    """The answer to a wish for cash."""
    return pb.PayOutWalletResponse(
        decision=write_decision(answer.decision),
        pay_out=write_pay_out(answer.pay_out) if answer.pay_out else None,
        replayed=answer.replayed,
    )


def write_pay_out(pay_out: PayOut) -> pb.PayOut:
    """Cash that was taken out."""
    return pb.PayOut(
        program_id=pay_out.member.program_id,
        member_id=pay_out.member.member_id,
        pay_out_id=pay_out.pay_out_id,
        amount=write_money(pay_out.amount_fen),
        payee=pay_out.payee,
        state=pb.PayOutState.Value(f"PAY_OUT_STATE_{pay_out.state.value}"),
        refusal=pay_out.refusal,
        ledger_request_id=pay_out.ledger_request_id,
        pay_out_time=write_instant(pay_out.pay_out_time),
        program_revision=pay_out.program_revision,
    )
