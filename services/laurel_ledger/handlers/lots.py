"""A member's lots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_ledger.domain.accounts import AccountKey, Lot
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import list_account_lots


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
