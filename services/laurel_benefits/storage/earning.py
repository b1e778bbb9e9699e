"""What members have earned against caps, and what campaigns have given of their budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import and_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.ids import CampaignId, MemberKey, ProgramId
from laurel_benefits.domain.rooms import Counted, CounterKey, RoomKind
from laurel_benefits.storage.earning_tables import CAMPAIGN_BUDGET, EARNING_COUNTER
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.merchant_tables import MERCHANT

FIRST = insert(EARNING_COUNTER)

ADD = HotStatement(
    FIRST.on_conflict_do_update(
        constraint=EARNING_COUNTER.primary_key,
        set_={"points": EARNING_COUNTER.c.points + FIRST.excluded.points},
    ),
    columns=("program_id", "member_id", "counter_id", "period_key", "points"),
)

EARNED = HotStatement(
    text("""
    select counter_id, period_key, points
    from earning_counter
        join unnest(cast(:counter_ids as text[]), cast(:period_keys as text[]))
            as wanted (counter_id, period_key) using (counter_id, period_key)
    where program_id = :program_id and member_id = :member_id
    """)
)


async def earned_points(
    connection: Connection, member: MemberKey, keys: Iterable[CounterKey]
) -> dict[CounterKey, int]:
    """What a member has earned against each cap; those without any are left out."""
    wanted = list(keys)
    if not wanted:
        return {}
    arguments = {
        **key_values(member),
        "counter_ids": [counter_id for counter_id, _ in wanted],
        "period_keys": [period_key for _, period_key in wanted],
    }
    rows = await EARNED.rows(connection, arguments)
    return {(row.counter_id, row.period_key): row.points for row in rows}


async def used_budgets(
    connection: Connection, program_id: ProgramId, campaign_ids: Iterable[CampaignId]
) -> dict[CampaignId, int]:
    """What campaigns have given so far; those that gave nothing are left out."""
    wanted = list(campaign_ids)
    if not wanted:
        return {}
    table = CAMPAIGN_BUDGET.c
    chosen = select(table.campaign_id, table.used_points).where(
        table.program_id == program_id, table.campaign_id.in_(wanted)
    )
    rows = await connection.execute(chosen)
    return {CampaignId(row.campaign_id): row.used_points for row in rows}


async def lock_budgets(
    connection: Connection, program_id: ProgramId, limits: Mapping[CampaignId, int]
) -> None:
    """Hold the budgets until the transaction ends, in the order of their names.

    A row that does not exist cannot be locked, so it is made first; a limit that the program has
    changed since is taken over.
    """
    if not limits:
        return
    rows = [
        {"program_id": program_id, "campaign_id": campaign_id, "limit_points": limits[campaign_id]}
        for campaign_id in sorted(limits)
    ]
    first = insert(CAMPAIGN_BUDGET).values(rows)
    await connection.execute(
        first.on_conflict_do_update(
            constraint=CAMPAIGN_BUDGET.primary_key,
            set_={"limit_points": first.excluded.limit_points},
        )
    )


async def count_points(
    connection: Connection, member: MemberKey, counted: Iterable[Counted]
) -> None:
    """Count what an order earned against caps and budgets; below zero it gives room back.

    Of a merchant's points it keeps so many until the order is delivered.
    """
    own: list[Counted] = []
    for each in counted:
        if each.kind is RoomKind.BUDGET:
            await _count_budget(connection, member.program_id, each)
        elif each.kind is RoomKind.FUNDS:
            await _reserve_funds(connection, member.program_id, each)
        else:
            own.append(each)
    await _add_to_member(connection, member, [each for each in own if each.points > 0])
    for each in own:
        if each.points < 0:
            await _take_from_member(connection, member, each)


async def _count_budget(connection: Connection, program_id: ProgramId, each: Counted) -> None:
    table = CAMPAIGN_BUDGET.c
    of_campaign = and_(table.program_id == program_id, table.campaign_id == each.campaign_id)
    await connection.execute(
        update(CAMPAIGN_BUDGET)
        .where(of_campaign)
        .values(used_points=table.used_points + each.points)
    )


async def _reserve_funds(connection: Connection, program_id: ProgramId, each: Counted) -> None:
    table = MERCHANT.c
    of_account = and_(table.program_id == program_id, table.funding_account_id == each.account_id)
    await connection.execute(
        update(MERCHANT)
        .where(of_account)
        .values(reserved_points=table.reserved_points + each.points)
    )


async def _take_from_member(connection: Connection, member: MemberKey, each: Counted) -> None:
    # What is given back was counted before; a row to insert would be below zero.
    table = EARNING_COUNTER.c
    await connection.execute(
        update(EARNING_COUNTER)
        .where(
            of_member(EARNING_COUNTER, member),
            table.counter_id == each.counter_id,
            table.period_key == each.period_key,
        )
        .values(points=table.points + each.points)
    )


async def _add_to_member(
    connection: Connection, member: MemberKey, counted: Sequence[Counted]
) -> None:
    if not counted:
        return
    rows = [
        {
            **key_values(member),
            "counter_id": each.counter_id,
            "period_key": each.period_key,
            "points": each.points,
        }
        for each in counted
    ]
    await ADD.run_many(connection, rows)
