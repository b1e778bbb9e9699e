"""Members' lots: in the order of spending, about to expire, and traced to what filled them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from laurel_ledger.domain.accounts import AccountKey, Lot
from laurel_ledger.domain.errors import LotNotFound
from laurel_ledger.domain.history import MICROSECOND
from laurel_ledger.domain.traces import Stretch, trace
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import list_account_lots
from laurel_ledger.storage.lot_reports import (
    BROUGHT,
    TAKEN,
    ExpiringLot,
    find_lot,
    list_events,
    list_expiring,
)

ACCOUNTS_MAX = 500
"""Accounts of one query for expiring lots; most have one or two such lots."""
NO_ACCOUNT_YET = 0
"""Below the number of every account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLots:
    """A page of lots: those after one in the order of spending."""

    key: AccountKey
    include_closed: bool
    page_size: int
    after: tuple[datetime | None, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPage:
    """Lots in the order of spending at an instant, and whether there are more."""

    lots: tuple[Lot, ...]
    more: bool
    as_of_time: datetime


async def list_lots(query: ListLots, *, ledger: Ledger) -> LotPage:
    """A page of a member's lots. Raises AssetNotFound."""
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    now = ledger.clock.now()
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_account_lots(
            connection,
            query.key,
            include_closed=query.include_closed,
            now=now,
            after=query.after,
            limit=query.page_size + 1,
            shards=shards,
        )
    return LotPage(
        lots=tuple(found[: query.page_size]), more=len(found) > query.page_size, as_of_time=now
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExpiringLots:
    """Lots of a whole program that become void from one instant to before another."""

    program_id: str
    asset_id: str
    start_time: datetime
    end_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringLotsPart:
    """The next of them, with the instant for which they are exact."""

    lots: tuple[ExpiringLot, ...]
    as_of_time: datetime


async def list_expiring_lots(
    query: ListExpiringLots, *, ledger: Ledger
) -> AsyncIterator[ExpiringLotsPart]:
    """Every such lot that is not void by now; at least one part. Raises AssetNotFound."""
    await ledger.require_asset(query.program_id, query.asset_id)
    said = False
    for shard_id in range(await ledger.store.shard_count()):
        after: int | None = NO_ACCOUNT_YET
        while after is not None:
            part, after = await _next_part(query, shard_id, after, ledger)
            if part.lots:
                said = True
                yield part
    if not said:
        yield ExpiringLotsPart(lots=(), as_of_time=ledger.clock.now())


async def _next_part(
    query: ListExpiringLots, shard_id: int, after: int, ledger: Ledger
) -> tuple[ExpiringLotsPart, int | None]:
    now = ledger.clock.now()
    async with ledger.connections.use() as connection:
        found = await list_expiring(
            connection,
            shard_id=shard_id,
            after=after,
            program_id=query.program_id,
            asset_id=query.asset_id,
            start_time=max(query.start_time, now + MICROSECOND),
            end_time=query.end_time,
            limit=ACCOUNTS_MAX,
        )
    return ExpiringLotsPart(lots=found.lots, as_of_time=now), found.last_account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLot:
    """A page of the points of a lot, from the one with a number on."""

    key: AccountKey
    lot_no: int
    page_size: int
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LotTrace:
    """Who brought and who took the points, and the number of the first that is not told yet."""

    lot: Lot
    stretches: tuple[Stretch, ...]
    next_position: int | None
    as_of_time: datetime


async def trace_lot(query: TraceLot, *, ledger: Ledger) -> LotTrace:
    """Where the points of a lot came from and went. Raises AssetNotFound, LotNotFound."""
    await ledger.require_asset(query.key.program_id, query.key.asset_id)
    shards = await ledger.store.shard_count()
    limit = query.page_size + 1  # Every stretch ends with an event, so more are not needed.
    now = ledger.clock.now()
    events = partial(list_events, start=query.start, limit=limit, shards=shards)
    async with ledger.connections.snapshot() as connection:
        lot = await find_lot(connection, query.key, query.lot_no, shards=shards)
        if lot is None:
            raise LotNotFound(
                member_id=query.key.member_id,
                asset_id=query.key.asset_id,
                lot_id=str(query.lot_no),
            )
        brought = await events(connection, query.key, query.lot_no, sign=BROUGHT)
        taken = await events(connection, query.key, query.lot_no, sign=TAKEN)
    stretches = tuple(islice(trace(brought, taken, query.start), limit))
    page = stretches[: query.page_size]
    more = len(stretches) > query.page_size
    return LotTrace(
        lot=lot,
        stretches=page,
        next_position=stretches[-1].position if more else None,
        as_of_time=now,
    )
