"""Who has not bought for long, and how often was written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import insert, text

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.domain.win_back import Absence, Contact
from laurel_benefits.storage.members import key_values
from laurel_benefits.storage.risks import latest_risk
from laurel_benefits.storage.win_back_tables import WIN_BACK_CONTACT

# Contacts since the last order have brought none; who never bought has no last order.
ABSENCE = text("""
    with bought as (
        select max(complete_time) as last_order_time
        from shop_order
        where program_id = :program_id and member_id = :member_id
    )
    select
        bought.last_order_time,
        max(contact.contact_time) as latest_contact_time,
        count(contact.position) as contacts,
        count(contact.position) filter (
            where contact.contact_time > bought.last_order_time
        ) as silent_contacts
    from bought
    left join win_back_contact as contact
        on contact.program_id = :program_id and contact.member_id = :member_id
    group by bought.last_order_time
""")

# Members in the order of their names, so that a page is a range of the primary key.
ABSENT = text("""
    select member_id
    from shop_order
    where program_id = :program_id and member_id > :after
    group by member_id
    having max(complete_time) < :before
    order by member_id
    limit :limit
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An absence, and how many contacts there ever were."""

    absence: Absence
    contacts: int


async def read_absence(connection: Connection, member: MemberKey) -> Known:
    """When a member bought last and was written to."""
    row = (await connection.execute(ABSENCE, key_values(member))).one()
    absence = Absence(
        member=member,
        last_order_time=row.last_order_time,
        latest_contact_time=row.latest_contact_time,
        silent_contacts=row.silent_contacts,
        risk=await latest_risk(connection, member),
    )
    return Known(absence=absence, contacts=row.contacts)


async def absent_members(
    connection: Connection, program_id: ProgramId, *, before: datetime, after: str, limit: int
) -> Sequence[MemberKey]:
    """Members whose last order lies before an instant, by their names behind `after`."""
    arguments = {"program_id": program_id, "before": before, "after": after, "limit": limit}
    rows = await connection.execute(ABSENT, arguments)
    return [MemberKey(program_id=program_id, member_id=MemberId(row.member_id)) for row in rows]


async def insert_contact(connection: Connection, contact: Contact) -> None:
    """Keep a contact; the member is locked."""
    await connection.execute(
        insert(WIN_BACK_CONTACT).values(
            **key_values(contact.member),
            position=contact.position,
            contact_time=contact.contact_time,
            segment_id=contact.segment_id,
            offers=list(contact.offers),
            channel=contact.channel,
            program_revision=contact.program_revision,
        )
    )
