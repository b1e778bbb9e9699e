"""Cash in a wallet, and whether it may be paid out (L4, L9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.decisions import (
    Decision,
    Price,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.game_errors import WalletNotFound
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import MemberKey, PayOutId, ProgramId, RequestId, RevisionId
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import NOT_ASKED
from laurel_benefits.domain.wallet_rules import WalletRules


class PayOutState(StrEnum):
    """How far a pay-out is."""

    PENDING = "PENDING"
    PAID = "PAID"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """Cash that is taken out of a wallet."""

    pay_out_id: PayOutId
    member: MemberKey
    amount_fen: int
    payee: str
    asset_id: str
    ledger_request_id: RequestId
    pay_out_time: datetime
    program_revision: RevisionId
    state: PayOutState = PayOutState.PENDING
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOutCase:
    """How much is wanted, what is known of the member, and the moment."""

    rules: WalletRules
    amount_fen: int
    risk: MemberRisk | None
    now: datetime
    program_revision: RevisionId


def find_wallet(program: BenefitsProgram, program_id: ProgramId) -> WalletRules:
    """Where cash is kept. Raises WalletNotFound."""
    if program.wallet is None:
        raise WalletNotFound(program_id=program_id)
    return program.wallet


def decide_pay_out(case: PayOutCase) -> Decision:
    """Whether so much may be paid out, if it is there: from the least amount on (L4)."""
    reasons = (*judge_risk(case.risk, case.now), *judge_amount(case))
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        value=None if reasons else Price(price_fen=case.amount_fen),
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, None),
        degraded=False,
        program_revision=case.program_revision,
    )


def judge_amount(case: PayOutCase) -> Iterator[Reason]:
    """Whether it is as much as is paid out at least."""
    least = case.rules.pay_out_min_fen
    if case.amount_fen < least:
        yield Reason(
            code=ReasonCode.AMOUNT_TOO_SMALL,
            subject="wallet",
            required=least,
            actual=case.amount_fen,
        )
