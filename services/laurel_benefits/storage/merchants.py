"""Merchants, every change of their accounts, and memberships of shops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, Table, and_, func, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import (
    MemberId,
    MemberKey,
    MerchantId,
    ProgramId,
    RequestId,
    ShopId,
    ShopProgramId,
)
from laurel_benefits.domain.merchant_rules import ShopProgramKind
from laurel_benefits.domain.merchants import EntryKind, Merchant, MerchantEntry, ShopMembership
from laurel_benefits.domain.postings import Posting
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.merchant_tables import MERCHANT, MERCHANT_ENTRY, SHOP_MEMBERSHIP


async def insert_merchant(connection: Connection, merchant: Merchant) -> bool:
    """Store a merchant; False when there is one of that name."""
    new = insert(MERCHANT).values(asdict(merchant)).on_conflict_do_nothing()
    made = await connection.execute(new.returning(MERCHANT.c.merchant_id))
    return made.one_or_none() is not None


async def find_merchant(
    connection: Connection, program_id: ProgramId, merchant_id: MerchantId, *, lock: bool = False
) -> Merchant | None:
    """The merchant of that name, held until the transaction ends where that is wished."""
    chosen = select(MERCHANT).where(of_merchant(MERCHANT, program_id, merchant_id))
    row = (await connection.execute(chosen.with_for_update() if lock else chosen)).one_or_none()
    return to_merchant(row) if row else None


async def merchants_of_accounts(
    connection: Connection, program_id: ProgramId, accounts: Iterable[str], *, lock: bool
) -> tuple[Merchant, ...]:
    """The merchants whose points come from these accounts, by name; held where that is wished."""
    wanted = list(accounts)
    if not wanted:
        return ()
    chosen = (
        select(MERCHANT)
        .where(MERCHANT.c.program_id == program_id, MERCHANT.c.funding_account_id.in_(wanted))
        .order_by(MERCHANT.c.merchant_id)
    )
    rows = await connection.execute(chosen.with_for_update() if lock else chosen)
    return tuple(to_merchant(row) for row in rows)


async def givers_of(
    connection: Connection, program_id: ProgramId, ledger_request_ids: Iterable[RequestId]
) -> dict[RequestId, MerchantId]:
    """The merchants who gave by these postings; those that nobody gave by are left out."""
    wanted = list(ledger_request_ids)
    if not wanted:
        return {}
    entry = MERCHANT_ENTRY.c
    chosen = select(entry.ledger_request_id, entry.merchant_id).where(
        entry.program_id == program_id, entry.ledger_request_id.in_(wanted)
    )
    rows = await connection.execute(chosen)
    return {RequestId(row.ledger_request_id): MerchantId(row.merchant_id) for row in rows}


async def record_entry(
    connection: Connection, merchant: Merchant, entry: MerchantEntry
) -> tuple[Merchant, MerchantEntry]:
    """Change a merchant's account, which is held, and number the change.

    Answers both as they are then; the balance is not below zero.
    """
    funded = entry.points if entry.kind is EntryKind.FUND else 0
    granted = 0 if entry.kind is EntryKind.FUND else -entry.points
    after = replace(
        merchant,
        funded_points=merchant.funded_points + funded,
        granted_points=merchant.granted_points + granted,
        entries=merchant.entries + 1,
    )
    numbered = replace(entry, position=after.entries, balance_points=after.balance_points)
    await connection.execute(
        update(MERCHANT)
        .where(of_merchant(MERCHANT, merchant.program_id, merchant.merchant_id))
        .values(
            funded_points=after.funded_points,
            granted_points=after.granted_points,
            entries=after.entries,
        )
    )
    await connection.execute(
        plain_insert(MERCHANT_ENTRY).values(
            program_id=merchant.program_id,
            merchant_id=merchant.merchant_id,
            **asdict(numbered),
        )
    )
    return after, numbered


async def entries_between(
    connection: Connection,
    merchant: Merchant,
    start: datetime,
    end: datetime,
    *,
    after: int,
    limit: int,
) -> Sequence[MerchantEntry]:
    """Changes of an account in a span, from the one after `after` on."""
    chosen = (
        select(MERCHANT_ENTRY)
        .where(
            of_merchant(MERCHANT_ENTRY, merchant.program_id, merchant.merchant_id),
            MERCHANT_ENTRY.c.entry_time >= start,
            MERCHANT_ENTRY.c.entry_time < end,
            MERCHANT_ENTRY.c.position > after,
        )
        .order_by(MERCHANT_ENTRY.c.position)
        .limit(limit)
    )
    return [to_entry(row) for row in await connection.execute(chosen)]


async def balance_before(connection: Connection, merchant: Merchant, instant: datetime) -> int:
    """What an account had at an instant: the sum of what changed it before."""
    chosen = select(func.coalesce(func.sum(MERCHANT_ENTRY.c.points), 0)).where(
        of_merchant(MERCHANT_ENTRY, merchant.program_id, merchant.merchant_id),
        MERCHANT_ENTRY.c.entry_time < instant,
    )
    return int((await connection.execute(chosen)).scalar_one())


async def giver_of(connection: Connection, posting: Posting) -> MerchantId:
    """The merchant whose gift a posting is."""
    chosen = select(MERCHANT_ENTRY.c.merchant_id).where(
        MERCHANT_ENTRY.c.program_id == posting.member.program_id,
        MERCHANT_ENTRY.c.ledger_request_id == posting.ledger_request_id,
    )
    return MerchantId((await connection.execute(chosen)).scalar_one())


async def join_shop(connection: Connection, membership: ShopMembership) -> ShopMembership:
    """Store a shop membership; who has it already keeps the earlier one."""
    new = insert(SHOP_MEMBERSHIP).values(
        **key_values(membership.member),
        shop_program_id=membership.shop_program_id,
        kind=membership.kind,
        joined_shop_id=membership.joined_shop_id,
        external_id=membership.external_id,
        join_time=membership.join_time,
    )
    await connection.execute(new.on_conflict_do_nothing())
    stored = await find_shop_membership(connection, membership.member, membership.shop_program_id)
    assert stored is not None, "it was stored before or just now"
    return stored


async def find_shop_membership(
    connection: Connection, member: MemberKey, shop_program_id: ShopProgramId
) -> ShopMembership | None:
    """The shop membership of that name a member has."""
    chosen = select(SHOP_MEMBERSHIP).where(
        of_member(SHOP_MEMBERSHIP, member),
        SHOP_MEMBERSHIP.c.shop_program_id == shop_program_id,
    )
    row = (await connection.execute(chosen)).one_or_none()
    if row is None:
        return None
    return ShopMembership(
        member=member,
        shop_program_id=ShopProgramId(row.shop_program_id),
        kind=ShopProgramKind(row.kind),
        joined_shop_id=ShopId(row.joined_shop_id),
        external_id=row.external_id,
        join_time=row.join_time,
    )


def of_merchant(
    table: Table, program_id: ProgramId, merchant_id: MerchantId
) -> ColumnElement[bool]:
    """The rows of one merchant."""
    return and_(table.c.program_id == program_id, table.c.merchant_id == merchant_id)


def to_merchant(row: Row[Any]) -> Merchant:
    """The merchant in a row."""
    return Merchant(
        program_id=ProgramId(row.program_id),
        merchant_id=MerchantId(row.merchant_id),
        display_name=row.display_name,
        funding_account_id=row.funding_account_id,
        create_time=row.create_time,
        funded_points=row.funded_points,
        granted_points=row.granted_points,
        entries=row.entries,
        reserved_points=row.reserved_points,
    )


def to_entry(row: Row[Any]) -> MerchantEntry:
    """The change in a row."""
    request_id = row.ledger_request_id
    return MerchantEntry(
        position=row.position,
        kind=EntryKind(row.kind),
        points=row.points,
        balance_points=row.balance_points,
        reference=row.reference,
        entry_time=row.entry_time,
        member_id=MemberId(row.member_id) if row.member_id is not None else None,
        ledger_request_id=RequestId(request_id) if request_id is not None else None,
        paid_fen=row.paid_fen,
    )
