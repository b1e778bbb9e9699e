"""How often members who stay away were written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from sqlalchemy import insert, text

from laurel_benefits.domain.dormancy import Dormancy
from laurel_benefits.domain.ids import MemberKey
from laurel_benefits.domain.win_back import Absence, Contact
from laurel_benefits.storage.members import key_values
from laurel_benefits.storage.risks import latest_risk
from laurel_benefits.storage.win_back_tables import WIN_BACK_CONTACT

CONTACTS = text("""
    select
        max(contact_time) as latest_contact_time,
        count(*) as contacts,
        count(*) filter (where contact_time >= :silent_from) as silent_contacts
    from win_back_contact
    where program_id = :program_id and member_id = :member_id
""").columns(latest_contact_time=WIN_BACK_CONTACT.c.contact_time.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An absence, and how many contacts there ever were."""

    absence: Absence
    contacts: int


async def read_absence(
    connection: Connection, member: MemberKey, dormancy: Dormancy, *, silent_from: datetime | None
) -> Known:
    """When a member was written to, and how often since an instant; None counts none as silent."""
    arguments = {**key_values(member), "silent_from": silent_from}
    row = (await connection.execute(CONTACTS, arguments)).one()
    absence = Absence(
        member=member,
        dormancy=dormancy,
        latest_contact_time=row.latest_contact_time,
        silent_contacts=row.silent_contacts,
        risk=await latest_risk(connection, member),
    )
    return Known(absence=absence, contacts=row.contacts)


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
