"""Quotes, and the memberships that were bought by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import Row, Uuid, case, func, insert, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from laurel_benefits.domain.decisions import Evidence
from laurel_benefits.domain.frozen_rebates import FrozenRebate, FrozenState
from laurel_benefits.domain.ids import MemberId, MemberKey, MembershipId, ProgramId, QuoteId
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipTerms,
    Quote,
    QuotedChannel,
    Term,
)
from laurel_benefits.domain.term_changes import TermChanges
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import (
    key_values,
    member_arguments,
    of_member,
    of_named_member,
)
from laurel_benefits.storage.tables import CHANNEL_REFERENCE, MEMBERSHIP, QUOTE

EVIDENCE = Documents[Evidence](Evidence)
TERMS = Documents[MembershipTerms](MembershipTerms)
CHANGES = Documents[TermChanges](TermChanges)
CHANNELS = Documents[QuotedChannel](QuotedChannel)

EVERY_MEMBERSHIP = (
    select(MEMBERSHIP)
    .where(of_named_member(MEMBERSHIP))
    .order_by(MEMBERSHIP.c.expire_time.desc(), MEMBERSHIP.c.membership_id)
)
"""The memberships of a member, the one that ends last first."""

ALL = HotStatement(EVERY_MEMBERSHIP)


async def insert_quote(connection: Connection, quote: Quote) -> None:
    """Keep a price."""
    await connection.execute(
        insert(QUOTE).values(
            **key_values(quote.member),
            quote_id=quote.quote_id,
            plan_id=quote.plan_id,
            price_fen=quote.price_fen,
            band_score_from=quote.band_score_from,
            terms=TERMS.write(quote.terms),
            evidence=EVIDENCE.write(quote.evidence),
            create_time=quote.create_time,
            expire_time=quote.expire_time,
            program_revision=quote.program_revision,
            channel=CHANNELS.write(quote.channel) if quote.channel else null(),
        )
    )


async def find_quote(connection: Connection, member: MemberKey, quote_id: QuoteId) -> Quote | None:
    """The member's quote of that name."""
    chosen = select(QUOTE).where(of_member(QUOTE, member), QUOTE.c.quote_id == quote_id)
    row = (await connection.execute(chosen)).one_or_none()
    return to_quote(row) if row else None


async def insert_membership(connection: Connection, membership: Membership) -> None:
    """Store what was bought, and mark its quote as used, or what is tried."""
    await connection.execute(
        insert(MEMBERSHIP).values(
            **key_values(membership.member),
            **asdict(membership.term),
            membership_id=membership.membership_id,
            plan_id=membership.plan_id,
            price_fen=membership.price_fen,
            quote_id=membership.quote_id,
            evidence=EVIDENCE.write(membership.evidence),
            payment_reference=membership.payment_reference,
            terms=TERMS.write(membership.terms),
            rebate_cap_points=membership.rebate_cap_points,
            rebate_granted_points=membership.rebate_granted_points,
            program_revision=membership.program_revision,
            purchase_time=membership.purchase_time,
            channel_id=membership.channel_id,
            changes=CHANGES.write(membership.changes),
            **book_values(membership.frozen),
        )
    )
    await connection.execute(
        update(QUOTE)
        .where(of_member(QUOTE, membership.member), QUOTE.c.quote_id == membership.quote_id)
        .values(membership_id=membership.membership_id)
    )


async def find_membership(
    connection: Connection, member: MemberKey, membership_id: MembershipId
) -> Membership | None:
    """The member's membership of that name."""
    chosen = EVERY_MEMBERSHIP.where(MEMBERSHIP.c.membership_id == membership_id)
    row = (await connection.execute(chosen, member_arguments(member))).one_or_none()
    return to_membership(row) if row else None


async def all_memberships(connection: Connection, member: MemberKey) -> Sequence[Membership]:
    """Every membership the member has or had, the one that ends last first."""
    found = await ALL.rows(connection, member_arguments(member))
    return [to_membership(row) for row in found]


async def running_memberships(
    connection: Connection, member: MemberKey, at: datetime
) -> Sequence[Membership]:
    """The member's memberships that run at an instant, the one that ends last first."""
    running = EVERY_MEMBERSHIP.where(MEMBERSHIP.c.start_time <= at, MEMBERSHIP.c.expire_time > at)
    rows = await connection.execute(running, member_arguments(member))
    return [each for each in map(to_membership, rows) if each.runs_at(at)]


async def keep_changes(connection: Connection, membership: Membership) -> None:
    """Store what became of a term after it was bought; the member is locked."""
    await connection.execute(
        update(MEMBERSHIP)
        .where(
            of_member(MEMBERSHIP, membership.member),
            MEMBERSHIP.c.membership_id == membership.membership_id,
        )
        .values(
            **asdict(membership.term),
            rebate_cap_points=membership.rebate_cap_points,
            changes=CHANGES.write(membership.changes),
            **book_values(membership.frozen),
        )
    )


async def take_reference(connection: Connection, membership: Membership) -> bool:
    """Use up what a membership is bought with; False when it has bought one before."""
    key = {
        "program_id": membership.member.program_id,
        "channel_id": membership.channel_id,
        "reference": membership.payment_reference,
    }
    taken = upsert(CHANNEL_REFERENCE).values(
        **key,
        member_id=membership.member.member_id,
        membership_id=membership.membership_id,
    )
    stored = taken.on_conflict_do_nothing().returning(CHANNEL_REFERENCE.c.reference)
    return (await connection.execute(stored)).one_or_none() is not None


async def count_rebate(
    connection: Connection, member: MemberKey, membership_id: MembershipId, points: int
) -> None:
    """Count points against the term's cap, or give room back where `points` are below zero.

    Of a trial the book moves with it while it is open. Once a bought term has taken it over, room
    is given back to that term.
    """
    book = (
        select(MEMBERSHIP.c.successor_id)
        .where(of_member(MEMBERSHIP, member), MEMBERSHIP.c.membership_id == membership_id)
        .scalar_subquery()
    )
    open_book = MEMBERSHIP.c.frozen_state == "FROZEN"
    await connection.execute(
        update(MEMBERSHIP)
        .where(
            of_member(MEMBERSHIP, member),
            MEMBERSHIP.c.membership_id
            == func.coalesce(book, literal(membership_id, Uuid(as_uuid=False))),
        )
        .values(
            rebate_granted_points=MEMBERSHIP.c.rebate_granted_points + points,
            frozen_points=MEMBERSHIP.c.frozen_points + case((open_book, points), else_=0),
        )
    )


def to_quote(row: Row[Any]) -> Quote:
    """The quote in a row."""
    return Quote(
        quote_id=row.quote_id,
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        plan_id=row.plan_id,
        price_fen=row.price_fen,
        band_score_from=row.band_score_from,
        terms=TERMS.read(row.terms),
        evidence=EVIDENCE.read(row.evidence),
        create_time=row.create_time,
        expire_time=row.expire_time,
        program_revision=row.program_revision,
        channel=CHANNELS.read(row.channel) if row.channel is not None else None,
        membership_id=row.membership_id,
    )


def to_membership(row: Row[Any]) -> Membership:
    """The membership in a row."""
    return Membership(
        membership_id=row.membership_id,
        member=MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id)),
        plan_id=row.plan_id,
        term=Term(start_time=row.start_time, expire_time=row.expire_time),
        price_fen=row.price_fen,
        quote_id=row.quote_id,
        evidence=EVIDENCE.read(row.evidence),
        payment_reference=row.payment_reference,
        terms=TERMS.read(row.terms),
        rebate_cap_points=row.rebate_cap_points,
        rebate_granted_points=row.rebate_granted_points,
        program_revision=row.program_revision,
        purchase_time=row.purchase_time,
        frozen=to_book(row) if row.frozen_state else None,
        channel_id=row.channel_id,
        changes=CHANGES.read(row.changes),
    )


def to_book(row: Row[Any]) -> FrozenRebate:
    """The frozen rebate of the trial in a row."""
    return FrozenRebate(
        state=FrozenState(row.frozen_state),
        release_expire_time=row.release_expire_time,
        frozen_points=row.frozen_points,
        released_points=row.released_points,
        forfeited_points=row.forfeited_points,
        successor_id=row.successor_id,
    )


def book_values(book: FrozenRebate | None) -> dict[str, Any]:
    """The book of a trial as columns; none for what was bought."""
    if book is None:
        return {}
    return {
        "frozen_state": book.state,
        "release_expire_time": book.release_expire_time,
        "frozen_points": book.frozen_points,
        "released_points": book.released_points,
        "forfeited_points": book.forfeited_points,
        "successor_id": book.successor_id,
    }
