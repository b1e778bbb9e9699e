"""Orders, their grants, and what is still to be done for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from laurel_kit.database import Connection
from laurel_kit.hot_statements import HotStatement
from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.earning import LineEarning
from laurel_benefits.domain.ids import (
    CampaignId,
    MemberId,
    MemberKey,
    MembershipId,
    OrderId,
    OrderKey,
    ProgramId,
    RequestId,
)
from laurel_benefits.domain.orders import (
    Grant,
    GrantKind,
    GrantOutcome,
    GrantState,
    Order,
    Telling,
    TellingState,
)
from laurel_benefits.domain.rooms import Counted
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import (
    key_values,
    member_arguments,
    of_member,
    of_named_member,
)
from laurel_benefits.storage.tables import MEMBERSHIP, ORDER_GRANT, SHOP_ORDER

DRAFTS = Documents[OrderDraft](OrderDraft)
COUNTED = Documents[tuple[Counted, ...]](tuple[Counted, ...])
EARNINGS = Documents[tuple[LineEarning, ...]](tuple[LineEarning, ...])

BACKOFF_DOUBLINGS_MAX = 6
"""The pause between attempts grows up to 64 times the first one."""

CLAIM = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, order_id
        from shop_order
        where attempt_time <= :now
        order by attempt_time, fact_position
        limit :limit
        for update skip locked
    )
    update shop_order
    set attempts = attempts + 1,
        attempt_time = cast(:now as timestamptz)
            + cast(:pause as interval) * power(2, least(attempts, cast(:doublings as integer)))
    from claimed
    where shop_order.program_id = claimed.program_id
        and shop_order.member_id = claimed.member_id
        and shop_order.order_id = claimed.order_id
    returning
        shop_order.program_id, shop_order.member_id, shop_order.order_id, shop_order.fact_position
""")

CLAIM_DUE = text("""
    -- Materialized: run again for each row, the inner part would claim others than it locked.
    with claimed as materialized (
        select program_id, member_id, order_id
        from shop_order
        where grant_due_time <= :now
        order by grant_due_time
        limit :limit
        for update skip locked
    )
    update shop_order
    set grant_due_time = null, attempt_time = :attempt_time
    from claimed
    where shop_order.program_id = claimed.program_id
        and shop_order.member_id = claimed.member_id
        and shop_order.order_id = claimed.order_id
    returning shop_order.program_id, shop_order.member_id, shop_order.order_id
""")

OF_ORDER = and_(of_named_member(SHOP_ORDER), SHOP_ORDER.c.order_id == bindparam("of_order_id"))

OF_GRANTS = and_(of_named_member(ORDER_GRANT), ORDER_GRANT.c.order_id == bindparam("of_order_id"))

ONE = HotStatement(select(SHOP_ORDER).where(OF_ORDER))

GRANTS = HotStatement(
    select(ORDER_GRANT).where(OF_GRANTS).order_by(ORDER_GRANT.c.kind, ORDER_GRANT.c.campaign_id)
)

SETTLE_GRANT = HotStatement(
    update(ORDER_GRANT)
    .where(
        OF_GRANTS,
        ORDER_GRANT.c.ledger_request_id == bindparam("of_ledger_request_id"),
        ORDER_GRANT.c.state == "PENDING",
    )
    .values({name: bindparam(name) for name in ("state", "refusal", "commit_token")})
)

UNTOLD = HotStatement(
    select(SHOP_ORDER)
    .where(
        of_named_member(SHOP_ORDER),
        SHOP_ORDER.c.fact_state == "PENDING",
        SHOP_ORDER.c.fact_position <= bindparam("up_to_position"),
    )
    .order_by(SHOP_ORDER.c.fact_position)
    .limit(bindparam("rows_max"))
)

SETTLE_TELLING = HotStatement(
    update(SHOP_ORDER)
    .where(OF_ORDER, SHOP_ORDER.c.fact_state == "PENDING")
    .values({name: bindparam(name) for name in ("fact_state", "fact_refusal")})
)

FINISH = HotStatement(
    text("""
    with paid as (
        update order_grant
        set state = 'POSTED', commit_token = posted.commit_token
        from unnest(cast(:ledger_request_ids as text[]), cast(:commit_tokens as text[]))
            as posted (ledger_request_id, commit_token)
        where program_id = :program_id
            and member_id = :member_id
            and order_id = :order_id
            and order_grant.ledger_request_id = posted.ledger_request_id
            and state = 'PENDING'
        returning 1
    ), told as (
        update shop_order
        set fact_state = 'TOLD', attempt_time = null
        where program_id = :program_id
            and member_id = :member_id
            and order_id = :order_id
            and fact_state = 'PENDING'
            and grant_due_time is null
        returning 1
    )
    select (select count(*) from paid) as paid, (select count(*) from told) as told
    """)
)

WAITS = SHOP_ORDER.c.grant_due_time.is_not(None)

REST = HotStatement(
    update(SHOP_ORDER)
    .where(
        OF_ORDER,
        SHOP_ORDER.c.fact_state != "PENDING",
        or_(WAITS, ~exists().where(OF_GRANTS, ORDER_GRANT.c.state == "PENDING")),
    )
    .values(attempt_time=None)
)

INSERT = HotStatement(
    insert(SHOP_ORDER),
    columns=(
        *("program_id", "member_id", "order_id", "draft", "complete_time", "line_earnings"),
        *("membership_id", "activity_id", "fact_position", "program_revision", "create_time"),
        *("attempt_time", "grant_time", "grant_due_time", "counted"),
    ),
)

INSERT_GRANT = HotStatement(
    insert(ORDER_GRANT),
    columns=(
        *("program_id", "member_id", "order_id", "kind", "asset_id", "funding_account_id"),
        *("points", "ledger_request_id", "campaign_id", "state"),
    ),
)

NEXT_GRANT_DUE = select(func.min(SHOP_ORDER.c.grant_due_time)).where(WAITS)


async def insert_order(connection: Connection, order: Order, *, attempt_time: datetime) -> None:
    """Store the decision before anything is carried out; the relay looks at it from then on."""
    row = {
        **key_values(order.member),
        "order_id": order.draft.order_id,
        "draft": DRAFTS.write(order.draft),
        "complete_time": order.complete_time,
        "line_earnings": EARNINGS.write(order.line_earnings),
        "membership_id": order.membership_id,
        "activity_id": order.telling.activity_id,
        "fact_position": order.telling.position,
        "program_revision": order.program_revision,
        "create_time": order.create_time,
        "attempt_time": attempt_time,
        "grant_time": order.grant_time,
        "grant_due_time": None if order.grants_due else order.grant_time,
        "counted": COUNTED.write(order.counted),
    }
    await INSERT.run(connection, row)
    if order.grants:
        await INSERT_GRANT.run_many(connection, (grant_row(order, each) for each in order.grants))


def grant_row(order: Order, grant: Grant) -> dict[str, object]:
    """A grant as a new row."""
    return {
        **key_values(order.member),
        "order_id": order.draft.order_id,
        "kind": grant.kind,
        "asset_id": grant.asset_id,
        "funding_account_id": grant.funding_account_id,
        "points": grant.points,
        "ledger_request_id": grant.ledger_request_id,
        "campaign_id": grant.campaign_id or "",
        "state": grant.state,
    }


async def find_order(connection: Connection, key: OrderKey) -> Order | None:
    """The order with its grants; None when the member has no such order."""
    row = await ONE.one_or_none(connection, order_arguments(key))
    if row is None:
        return None
    return to_order(row, await grants_of(connection, key))


async def grants_of(connection: Connection, key: OrderKey) -> tuple[Grant, ...]:
    """The grants of an order by kind and campaign, base first."""
    return tuple(to_grant(row) for row in await GRANTS.rows(connection, order_arguments(key)))


async def settle_grant(
    connection: Connection,
    key: OrderKey,
    ledger_request_id: RequestId,
    outcome: GrantOutcome,
) -> bool:
    """Record what the ledger answered. False when another one has recorded it before."""
    arguments = {
        **order_arguments(key),
        "of_ledger_request_id": ledger_request_id,
        "state": outcome.state,
        "refusal": outcome.refusal,
        "commit_token": outcome.commit_token,
    }
    return await SETTLE_GRANT.run(connection, arguments) > 0


async def count_rebate_orders(
    connection: Connection, member: MemberKey, membership_id: MembershipId
) -> int:
    """How many orders have earned a rebate of a membership, or of the trial it took over."""
    trial = select(MEMBERSHIP.c.membership_id).where(
        of_member(MEMBERSHIP, member), MEMBERSHIP.c.successor_id == membership_id
    )
    rebated = and_(
        of_member(ORDER_GRANT, member),
        ORDER_GRANT.c.order_id == SHOP_ORDER.c.order_id,
        ORDER_GRANT.c.kind == "REBATE",
        ORDER_GRANT.c.state.not_in(["REFUSED", "FORFEITED"]),
    )
    chosen = (
        select(func.count())
        .select_from(SHOP_ORDER)
        .where(
            of_member(SHOP_ORDER, member),
            or_(
                SHOP_ORDER.c.membership_id == membership_id,
                SHOP_ORDER.c.membership_id.in_(trial),
            ),
            exists().where(rebated),
        )
    )
    counted: int = (await connection.execute(chosen)).scalar_one()
    return counted


async def untold_orders(
    connection: Connection, member: MemberKey, *, up_to_position: int, limit: int
) -> Sequence[Order]:
    """The member's orders scoring has not been told of yet, the earliest fact first."""
    arguments = {
        **member_arguments(member),
        "up_to_position": up_to_position,
        "rows_max": limit,
    }
    return [to_order(row, ()) for row in await UNTOLD.rows(connection, arguments)]


async def settle_telling(
    connection: Connection, key: OrderKey, *, state: TellingState, refusal: str
) -> None:
    """Record that scoring knows of the purchase, or refuses it for good."""
    arguments = {**order_arguments(key), "fact_state": state, "fact_refusal": refusal}
    await SETTLE_TELLING.run(connection, arguments)


async def finish_order(
    connection: Connection, key: OrderKey, posted: Sequence[tuple[RequestId, str]]
) -> bool:
    """Record that all grants of an order are posted, each with its token of the commit, and that
    scoring knows of it. False where something of that is recorded already: then none of it counts.
    """
    arguments = {
        **key_values(key.member),
        "order_id": key.order_id,
        "ledger_request_ids": [name for name, _ in posted],
        "commit_tokens": [token for _, token in posted],
    }
    (row,) = await FINISH.rows(connection, arguments)
    return (row.paid, row.told) == (len(posted), 1)


async def rest_if_finished(connection: Connection, key: OrderKey) -> None:
    """Take an order from the relay when nothing is left to do for it, or not before a time."""
    await REST.run(connection, order_arguments(key))


async def next_grant_due(connection: Connection) -> datetime | None:
    """When the next order is to be paid; None when none waits."""
    due_time: datetime | None = (await connection.execute(NEXT_GRANT_DUE)).scalar_one()
    return due_time


async def claim_due(
    connection: Connection, *, now: datetime, attempt_time: datetime, limit: int
) -> Sequence[OrderKey]:
    """Orders whose grants are due; the relay looks at them from `attempt_time` on."""
    arguments = {"now": now, "attempt_time": attempt_time, "limit": limit}
    return [to_key(row) for row in await connection.execute(CLAIM_DUE, arguments)]


async def make_due(connection: Connection, key: OrderKey, *, attempt_time: datetime) -> None:
    """Let the grants of an order be paid before their time."""
    due = update(SHOP_ORDER).where(OF_ORDER, WAITS)
    await connection.execute(
        due.values(grant_due_time=None, attempt_time=attempt_time), order_arguments(key)
    )


async def cut_frozen(connection: Connection, key: OrderKey, grant: Grant, points: int) -> None:
    """Give points of a frozen grant to nobody; the member is locked."""
    values: dict[str, object] = {"points": grant.points - points}
    if points == grant.points:
        values = {"state": GrantState.FORFEITED}
    await connection.execute(
        update(ORDER_GRANT)
        .where(of_grants(key), ORDER_GRANT.c.ledger_request_id == grant.ledger_request_id)
        .values(**values)
    )


async def claim_unfinished(
    connection: Connection, *, now: datetime, pause: timedelta, limit: int
) -> Sequence[OrderKey]:
    """Orders whose attempt is due, for this process alone until the next attempt.

    Each claim pushes the next attempt further away, so that one that cannot be finished does not
    keep the others waiting.
    """
    arguments = {"now": now, "pause": pause, "doublings": BACKOFF_DOUBLINGS_MAX, "limit": limit}
    rows = (await connection.execute(CLAIM, arguments)).all()
    return [to_key(row) for row in sorted(rows, key=lambda row: row.fact_position)]


def order_arguments(key: OrderKey) -> dict[str, object]:
    """Which order a statement is about."""
    return {**member_arguments(key.member), "of_order_id": key.order_id}


def of_grants(key: OrderKey) -> ColumnElement[bool]:
    """The rows of one order's grants."""
    return and_(of_member(ORDER_GRANT, key.member), ORDER_GRANT.c.order_id == key.order_id)


def to_key(row: Row[Any]) -> OrderKey:
    """The name of the order in a row."""
    member = MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))
    return OrderKey(member=member, order_id=OrderId(row.order_id))


def to_order(row: Row[Any], grants: tuple[Grant, ...]) -> Order:
    """The order in a row."""
    return Order(
        member=to_key(row).member,
        draft=DRAFTS.read(row.draft),
        complete_time=row.complete_time,
        line_earnings=EARNINGS.read(row.line_earnings),
        grants=grants,
        telling=Telling(
            activity_id=row.activity_id,
            position=row.fact_position,
            state=TellingState(row.fact_state),
            refusal=row.fact_refusal,
        ),
        membership_id=row.membership_id,
        program_revision=row.program_revision,
        create_time=row.create_time,
        grant_time=row.grant_time,
        grants_due=row.grant_due_time is None,
        counted=COUNTED.read(row.counted),
    )


def to_grant(row: Row[Any]) -> Grant:
    """The grant in a row."""
    return Grant(
        kind=GrantKind(row.kind),
        asset_id=row.asset_id,
        funding_account_id=row.funding_account_id,
        points=row.points,
        ledger_request_id=row.ledger_request_id,
        campaign_id=CampaignId(row.campaign_id) if row.campaign_id else None,
        state=GrantState(row.state),
        refusal=row.refusal,
        commit_token=row.commit_token,
        release_time=row.release_time,
    )
