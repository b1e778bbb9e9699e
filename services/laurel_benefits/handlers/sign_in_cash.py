"""Pays cash for checking in: out of the day's budget in the commit of the check-in (L3, L4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from laurel_kit.database import Connection, LostRace

from laurel_benefits.domain.check_ins import CheckInKey, DailyCheckIn
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.sign_in_cash import (
    STRIPES_MAX,
    Cash,
    CashState,
    choose_stripe,
    share_of,
)
from laurel_benefits.domain.wallet_rules import CashRules
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import check_ins, wallets


async def grant_cash(
    connection: Connection, check_in: DailyCheckIn, rules: CashRules | None, resources: Resources
) -> DailyCheckIn:
    """The check-in with its cash, which is taken from the budget and about to be paid."""
    fen = rules.fen_of(check_in.streak_days) if rules else 0
    if rules is None or not fen:
        return check_in
    stripe = await take_cash(connection, check_in.key, rules, fen)
    cash = Cash(
        fen=fen,
        asset_id=rules.asset_id,
        funding_account_id=rules.funding_account_id,
        ledger_request_id=None if stripe is None else new_posting_id(),
        stripe=stripe,
        state=CashState.BUDGET_EXHAUSTED if stripe is None else CashState.PENDING,
    )
    if cash.ledger_request_id is not None:
        await store_posting(connection, posting_of(check_in, cash), resources)
    return replace(check_in, cash=cash)


async def take_cash(
    connection: Connection, key: CheckInKey, rules: CashRules, fen: int
) -> int | None:
    """Take cash from a stripe of the budget; None when it is gone.

    A stripe that others have emptied meanwhile is left for the next one with room.
    """
    program_id = key.member.program_id
    for _ in range(STRIPES_MAX):
        used = await wallets.cash_paid(connection, program_id, key.day)
        stripe = choose_stripe(rules, fen=fen, used=used, member=key.member)
        if stripe is None:
            return None
        share = share_of(rules, stripe)
        if await wallets.count_cash(
            connection, program_id, key.day, stripe=stripe, fen=fen, limit=share
        ):
            return stripe
    raise LostRace


async def pay_cash(check_in: DailyCheckIn, resources: Resources) -> None:
    """Pay the cash of a check-in if it is not paid. Raises DependencyDown."""
    if check_in.cash and check_in.cash.state is CashState.PENDING:
        conclusions = {PostingSource.SIGN_IN: conclude_cash}
        source_id = check_in.key.day.isoformat()
        await carry_out(check_in.key.member, source_id, conclusions, resources=resources)


async def conclude_cash(connection: Connection, posting: Posting, _: Resources) -> None:
    """The cash is in the wallet; what the ledger refuses goes back to the budget."""
    key = CheckInKey(member=posting.member, day=date.fromisoformat(posting.source_id))
    check_in = await check_ins.find_check_in(connection, key)
    granted = check_in.cash if check_in else None
    assert granted is not None, "cash is posted for check-ins that have some"
    cash = replace(granted, state=CashState(posting.state.value), refusal=posting.refusal)
    await check_ins.record_cash(connection, key, cash)
    if posting.state is GrantState.REFUSED and cash.stripe is not None:
        program_id, stripe = key.member.program_id, cash.stripe
        await wallets.count_cash(connection, program_id, key.day, stripe=stripe, fen=-cash.fen)


def posting_of(check_in: DailyCheckIn, cash: Cash) -> Posting:
    """The posting that pays cash into the wallet."""
    assert cash.ledger_request_id is not None, "only cash that is granted is posted"
    return Posting(
        member=check_in.key.member,
        ledger_request_id=cash.ledger_request_id,
        source=PostingSource.SIGN_IN,
        source_id=check_in.key.day.isoformat(),
        effect=PostingEffect.EARN,
        asset_id=cash.asset_id,
        amount=cash.fen,
        account_id=cash.funding_account_id,
        effective_time=check_in.check_in_time,
        reason=f"check-in of {check_in.key.day}",
        program_revision=check_in.program_revision,
    )
