"""Shows wallets and pays cash out of them: the pay-out is stored before the cash is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit.database import Connection
from laurel_kit.ids import new_id

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberKey, PayOutId, RevisionId
from laurel_benefits.domain.mall import without_points
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.wallet_rules import WalletRules
from laurel_benefits.domain.wallets import (
    PayOut,
    PayOutCase,
    PayOutState,
    decide_pay_out,
    find_wallet,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import wallets
from laurel_benefits.storage.risks import latest_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """A member's cash, and whether all of it may be paid out."""

    member: MemberKey
    rules: WalletRules
    balance_fen: int
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOutWallet:
    """Cash that is wanted."""

    key: WriteKey
    amount_fen: int
    payee: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOut:
    """The decision and, where it was a yes, the pay-out."""

    decision: Decision
    pay_out: PayOut | None
    replayed: bool = False


async def get_wallet(member: MemberKey, *, resources: Resources) -> WalletView:
    """What is in a wallet. Raises WalletNotFound, DependencyDown."""
    revision = await revision_now(member.program_id, resources)
    rules = find_wallet(revision.model, member.program_id)
    balance = await resources.ledger.get_balance(member, rules.asset_id)
    async with resources.database.read() as connection:
        risk = await latest_risk(connection, member)
    case = PayOutCase(
        rules=rules,
        amount_fen=balance.available_points,
        risk=risk,
        now=resources.clock.now(),
        program_revision=RevisionId(revision.revision_id),
    )
    return WalletView(
        member=member,
        rules=rules,
        balance_fen=balance.available_points,
        decision=decide_pay_out(case),
    )


async def pay_out_wallet(command: PayOutWallet, *, resources: Resources) -> PaidOut:
    """Take cash out of a wallet. Raises WalletNotFound, DependencyDown.

    Once stored, the cash is taken by this call, by a repeat of it, or by the relay.
    """
    member, now = command.key.member, resources.clock.now()
    revision = await revision_now(member.program_id, resources)
    rules = find_wallet(revision.model, member.program_id)

    async def decide(connection: Connection) -> PaidOut:
        case = PayOutCase(
            rules=rules,
            amount_fen=command.amount_fen,
            risk=await latest_risk(connection, member),
            now=now,
            program_revision=RevisionId(revision.revision_id),
        )
        return await decide_and_store(connection, command, case, resources)

    answer = await answer_once(command.key, PaidOut, decide, resources=resources)
    if answer.pay_out is None:
        return answer
    pay_out, decision = await finished(answer.pay_out, resources), answer.decision
    if pay_out.state is PayOutState.REFUSED:
        decision = without_points(decision, asset_id=pay_out.asset_id, points=pay_out.amount_fen)
    return replace(answer, pay_out=pay_out, decision=decision)


async def decide_and_store(
    connection: Connection, command: PayOutWallet, case: PayOutCase, resources: Resources
) -> PaidOut:
    """Decide, and store the pay-out with the posting that takes the cash."""
    decision = decide_pay_out(case)
    if not decision.allowed:
        return PaidOut(decision=decision, pay_out=None)
    pay_out = PayOut(
        pay_out_id=PayOutId(new_id()),
        member=command.key.member,
        amount_fen=case.amount_fen,
        payee=command.payee,
        asset_id=case.rules.asset_id,
        ledger_request_id=new_posting_id(),
        pay_out_time=case.now,
        program_revision=case.program_revision,
    )
    await wallets.record_pay_out(connection, pay_out)
    await store_posting(connection, posting_of(pay_out, case.rules), resources)
    return PaidOut(decision=decision, pay_out=pay_out)


async def conclude_pay_out(connection: Connection, posting: Posting, _: Resources) -> None:
    """The money is to be paid once the cash is taken."""
    pay_out = await pay_out_of(connection, posting.member, PayOutId(posting.source_id))
    posted = posting.state is GrantState.POSTED
    state = PayOutState.PAID if posted else PayOutState.REFUSED
    await wallets.record_pay_out(connection, replace(pay_out, state=state, refusal=posting.refusal))


async def finished(pay_out: PayOut, resources: Resources) -> PayOut:
    """The pay-out as it is once the cash is taken, or refused. Raises DependencyDown."""
    conclusions = {PostingSource.PAY_OUT: conclude_pay_out}
    await carry_out(pay_out.member, pay_out.pay_out_id, conclusions, resources=resources)
    async with resources.database.read() as connection:
        return await pay_out_of(connection, pay_out.member, pay_out.pay_out_id)


async def pay_out_of(connection: Connection, member: MemberKey, pay_out_id: PayOutId) -> PayOut:
    """A pay-out that is stored."""
    found = await wallets.find_pay_out(connection, member, pay_out_id)
    assert found is not None, "pay-outs are never deleted"
    return found


def posting_of(pay_out: PayOut, rules: WalletRules) -> Posting:
    """The posting that takes the cash."""
    return Posting(
        member=pay_out.member,
        ledger_request_id=pay_out.ledger_request_id,
        source=PostingSource.PAY_OUT,
        source_id=pay_out.pay_out_id,
        effect=PostingEffect.SPEND,
        asset_id=pay_out.asset_id,
        amount=pay_out.amount_fen,
        account_id=rules.redemption_account_id,
        effective_time=pay_out.pay_out_time,
        reason="paid out",
        program_revision=pay_out.program_revision,
    )
