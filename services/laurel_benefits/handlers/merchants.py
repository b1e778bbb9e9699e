"""Merchants buy points, and every change of their accounts; these never go below zero (H2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from laurel_kit.calendar import day_start, next_month_start
from laurel_kit.database import Connection

from laurel_benefits.domain.ids import (
    MemberId,
    MerchantId,
    ProgramId,
    RequestId,
)
from laurel_benefits.domain.merchant_errors import MerchantExists, MerchantNotFound
from laurel_benefits.domain.merchants import (
    EntryKind,
    Merchant,
    MerchantEntry,
    check_account,
    find_merchant_rules,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import merchants


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMerchant:
    """A merchant that is to be made."""

    key: WriteKey
    merchant_id: MerchantId
    display_name: str
    funding_account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FundMerchant:
    """Points that are bought."""

    key: WriteKey
    merchant_id: MerchantId
    paid_fen: int
    payment_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMerchant:
    """A merchant that was made or has bought points."""

    merchant: Merchant
    points: int = 0
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """A page of a merchant's month; `after` is the last line of the page before."""

    program_id: ProgramId
    merchant_id: MerchantId
    month: date
    after: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A month of a merchant's account."""

    opening_points: int
    closing_points: int
    entries: Sequence[MerchantEntry]


async def create_merchant(command: CreateMerchant, *, resources: Resources) -> ChangedMerchant:
    """Make a merchant. Raises MerchantsNotServed, FundingAccountUnknown, MerchantExists."""
    program_id = command.key.program_id
    revision = await revision_now(program_id, resources)
    check_account(find_merchant_rules(revision.model, program_id), command.funding_account_id)

    async def decide(connection: Connection) -> ChangedMerchant:
        merchant = Merchant(
            program_id=program_id,
            merchant_id=command.merchant_id,
            display_name=command.display_name,
            funding_account_id=command.funding_account_id,
            create_time=resources.clock.now(),
        )
        if not await merchants.insert_merchant(connection, merchant):
            raise MerchantExists(merchant_id=command.merchant_id)
        return ChangedMerchant(merchant=merchant)

    return await answer_once(command.key, ChangedMerchant, decide, resources=resources)


async def get_merchant(
    program_id: ProgramId, merchant_id: MerchantId, *, resources: Resources
) -> Merchant:
    """A merchant as it is now. Raises MerchantNotFound."""
    async with resources.database.read() as connection:
        return await merchant_of(connection, program_id, merchant_id)


async def fund_merchant(command: FundMerchant, *, resources: Resources) -> ChangedMerchant:
    """Add what a payment buys. Raises MerchantsNotServed, MerchantNotFound."""
    program_id, now = command.key.program_id, resources.clock.now()
    revision = await revision_now(program_id, resources)
    points = find_merchant_rules(revision.model, program_id).points_for(command.paid_fen)

    async def decide(connection: Connection) -> ChangedMerchant:
        merchant = await merchant_of(connection, program_id, command.merchant_id, lock=True)
        if points:
            entry = entry_of(EntryKind.FUND, points, command.payment_reference, now)
            merchant, _ = await merchants.record_entry(
                connection, merchant, replace(entry, paid_fen=command.paid_fen)
            )
        return ChangedMerchant(merchant=merchant, points=points)

    return await answer_once(command.key, ChangedMerchant, decide, resources=resources)


async def return_points(
    connection: Connection,
    program_id: ProgramId,
    merchant_id: MerchantId,
    *,
    points: int,
    reference: str,
    now: datetime,
    member_id: MemberId | None = None,
    ledger_request_id: RequestId | None = None,
) -> Merchant:
    """Give points that were clawed back to the merchant who had given them (H6).

    In the transaction of the claw-back, after the member is locked. Raises MerchantNotFound.
    """
    merchant = await merchant_of(connection, program_id, merchant_id, lock=True)
    entry = replace(
        entry_of(EntryKind.RETURN, points, reference, now),
        member_id=member_id,
        ledger_request_id=ledger_request_id,
    )
    after, _ = await merchants.record_entry(connection, merchant, entry)
    return after


async def get_settlement_statement(query: StatementQuery, *, resources: Resources) -> Statement:
    """A page of a merchant's month. Raises MerchantNotFound."""
    revision = await revision_now(query.program_id, resources)
    start = day_start(query.month, revision.time_zone)
    end = day_start(next_month_start(query.month), revision.time_zone)
    async with resources.database.snapshot() as connection:
        merchant = await merchant_of(connection, query.program_id, query.merchant_id)
        return Statement(
            opening_points=await merchants.balance_before(connection, merchant, start),
            closing_points=await merchants.balance_before(connection, merchant, end),
            entries=await merchants.entries_between(
                connection, merchant, start, end, after=query.after, limit=query.limit
            ),
        )


async def merchant_of(
    connection: Connection, program_id: ProgramId, merchant_id: MerchantId, *, lock: bool = False
) -> Merchant:
    """The merchant of that name. Raises MerchantNotFound."""
    found = await merchants.find_merchant(connection, program_id, merchant_id, lock=lock)
    if found is None:
        raise MerchantNotFound(merchant_id=merchant_id)
    return found


def entry_of(kind: EntryKind, points: int, reference: str, now: datetime) -> MerchantEntry:
    """A change before it is numbered."""
    return MerchantEntry(
        position=0,
        kind=kind,
        points=points,
        balance_points=0,
        reference=reference,
        entry_time=now,
    )
