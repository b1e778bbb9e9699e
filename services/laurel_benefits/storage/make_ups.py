"""Cards that make up for missed days, and the days they are used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from laurel_kit.database import Connection
from sqlalchemy import func, insert, select, update

from laurel_benefits.domain.ids import MemberKey
from laurel_benefits.domain.make_ups import MakeUpCard
from laurel_benefits.storage.make_up_tables import MAKE_UP_CARD
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.tables import CHECK_IN


async def insert_card(connection: Connection, member: MemberKey, card: MakeUpCard) -> None:
    """Store a card that was earned."""
    values = {"earn_day": card.earn_day, "last_day": card.last_day, "used_day": card.used_day}
    await connection.execute(insert(MAKE_UP_CARD).values(**key_values(member), **values))


async def cards_of(connection: Connection, member: MemberKey, today: date) -> Sequence[MakeUpCard]:
    """The cards a member can use today, those that end first in front."""
    table = MAKE_UP_CARD.c
    chosen = (
        select(table.earn_day, table.last_day, table.used_day)
        .where(of_member(MAKE_UP_CARD, member), table.used_day.is_(None), table.last_day >= today)
        .order_by(table.last_day, table.earn_day)
    )
    return [
        MakeUpCard(earn_day=row.earn_day, last_day=row.last_day, used_day=row.used_day)
        for row in await connection.execute(chosen)
    ]


async def use_card(
    connection: Connection, member: MemberKey, card: MakeUpCard, *, day: date
) -> None:
    """Say which day a card made up for; the member is locked since it was looked at."""
    used = (
        update(MAKE_UP_CARD)
        .where(
            of_member(MAKE_UP_CARD, member),
            MAKE_UP_CARD.c.earn_day == card.earn_day,
            MAKE_UP_CARD.c.used_day.is_(None),
        )
        .values(used_day=day)
    )
    found = (await connection.execute(used)).rowcount
    assert found == 1, "a card is used once"


async def streaks_from(
    connection: Connection, member: MemberKey, first_day: date
) -> dict[date, int]:
    """Days in a row by the days checked in, from a day on."""
    chosen = select(CHECK_IN.c.day, CHECK_IN.c.streak_days).where(
        of_member(CHECK_IN, member), CHECK_IN.c.day >= first_day
    )
    return {row.day: row.streak_days for row in await connection.execute(chosen)}


async def first_check_in(connection: Connection, member: MemberKey) -> date | None:
    """The day the member came first; None where it never came."""
    chosen = select(func.min(CHECK_IN.c.day)).where(of_member(CHECK_IN, member))
    day: date | None = (await connection.execute(chosen)).scalar_one()
    return day


async def change_streaks(
    connection: Connection, member: MemberKey, streaks: Mapping[date, int]
) -> None:
    """Let days have another place in a row; what they paid stays."""
    for day, streak_days in streaks.items():
        await connection.execute(
            update(CHECK_IN)
            .where(of_member(CHECK_IN, member), CHECK_IN.c.day == day)
            .values(streak_days=streak_days)
        )
