"""What was done to accounts, and how they stand since."""

from __future__ import annotations

from typing import Any

from laurel_kit.database import Connection as KitConnection
from laurel_kit.database import driver_of

from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.standings import AccountChange
from laurel_ledger.storage.account_change_tables import ACCOUNT_CHANGE
from laurel_ledger.storage.gathering import HolderBooks, HolderKey, lock_heads, read_holders
from laurel_ledger.storage.row_digests import digest_of

INSERT = f"""
insert into account_change (
    shard_id, account_id, position, change_no, kind, state, change_time, balance_max, earn_max,
    spend_max, maker_id, reason, digest
)
select c.*, {digest_of(ACCOUNT_CHANGE)}
from (
    select
        a.shard_id, a.account_id, h.next_position - 1 as position, $6::integer as change_no,
        $7::smallint as kind, $8::smallint as state, $9::timestamptz as change_time,
        $10::bigint as balance_max, $11::bigint as earn_max, $12::bigint as spend_max,
        $13::text as maker_id, $14::text as reason
    from account a
    join shard_head h using (shard_id)
    where a.shard_id = $1 and a.program_id = $2 and a.kind = $5 and a.holder_id = $3
        and a.asset_id = $4
) c
"""  # noqa: S608  # No value of a caller is in the text.
"""After which record it comes is sure: nobody posts in the shard meanwhile."""

COUNT_CHANGE = "update shard_head set changes = changes + 1 where shard_id = $1"


async def lock_account(
    connection: KitConnection, key: AccountKey, *, shards: int
) -> Account | None:
    """A member's account; nobody posts in its shard until the end of the transaction."""
    driver: Any = await driver_of(connection)
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    await lock_heads(driver, [shard_id])
    holder = HolderKey(shard_id, key.program_id, AccountKind.MEMBER, key.member_id)
    found: HolderBooks = await read_holders(driver, [holder])
    return found.accounts.get(key)


async def record_change(
    connection: KitConnection, key: AccountKey, change: AccountChange, *, shards: int
) -> None:
    """Keep a change of a locked account: from the commit on, every batch knows it."""
    driver: Any = await driver_of(connection)
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    standing, limits = change.standing, change.standing.limits
    await driver.execute(
        INSERT,
        *(shard_id, *key, AccountKind.MEMBER, standing.change_no, change.kind, standing.state),
        *(change.change_time, limits.balance_max, limits.earn_max, limits.spend_max),
        *(change.maker_id, change.reason),
    )
    await driver.execute(COUNT_CHANGE, shard_id)
