"""Cash in a program: from the message to the model, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import benefits_section_pb2
from laurel.program.v1 import games_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.program_checks import Fault
from laurel_benefits.domain.wallet_rules import CashRules, WalletRules
from laurel_benefits.wire.reference_faults import asset_faults, funding_faults, redemption_faults

WALLET, CASH = "benefits.wallet", "benefits.check_in.cash"


def read_wallet(message: pb.WalletRules) -> WalletRules:
    """Where cash is kept."""
    return WalletRules(
        asset_id=message.asset_id,
        redemption_account_id=message.redemption_account_id,
        pay_out_min_fen=message.pay_out_min_fen,
    )


def read_cash(section: benefits_section_pb2.BenefitsSection) -> CashRules | None:
    """Cash that checking in pays, in the asset of the wallet."""
    if not section.check_in.HasField("cash"):
        return None
    cash = section.check_in.cash
    return CashRules(
        asset_id=section.wallet.asset_id,
        funding_account_id=cash.funding_account_id,
        ladder_fen=tuple(cash.ladder_fen),
        daily_budget_fen=cash.daily_budget_fen,
    )


def wallet_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with cash."""
    section = program.benefits
    if section.HasField("wallet"):
        wallet = section.wallet
        yield from asset_faults(program, f"{WALLET}.asset_id", wallet.asset_id)
        account = wallet.redemption_account_id
        yield from redemption_faults(program, f"{WALLET}.redemption_account_id", account)
    if section.check_in.HasField("cash"):
        yield from cash_faults(program)


def cash_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with the cash of check-ins."""
    section = program.benefits
    check_in, cash = section.check_in, section.check_in.cash
    if not section.HasField("wallet"):
        yield CASH, "needs benefits.wallet, where cash is kept"
    yield from funding_faults(program, f"{CASH}.funding_account_id", cash.funding_account_id)
    if len(cash.ladder_fen) != len(check_in.ladder_points):
        yield f"{CASH}.ladder_fen", "must have as many days as ladder_points"
