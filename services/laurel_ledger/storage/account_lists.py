"""Listing accounts: of a member by name, of a program shard by shard in order of numbers."""

from __future__ import annotations

from typing import Any

from laurel_ledger.domain.directory import AccountEntry, AccountPlace
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.standing_rows import LAST_CHANGE, STANDING, standing_of

COLUMNS = f"""
select
    a.shard_id, a.account_id, a.program_id, a.holder_id as member_id, a.asset_id, a.open_time,
    a.posted, a.version, a.lots_opened, {STANDING}
from account a
{LAST_CHANGE}
"""  # noqa: S608  # No value of a caller is in the text.

OF_MEMBER = f"""
{COLUMNS}
where a.shard_id = $1 and a.account_id > $2 and a.program_id = $3 and a.kind = 1 /* a member's */
    and ($4::text = '' or a.asset_id = $4) and a.holder_id = $6
order by a.account_id
limit $5
"""

OF_PROGRAM = f"""
{COLUMNS}
where a.shard_id = $1 and a.account_id > $2 and a.program_id = $3 and a.kind = 1 /* a member's */
    and ($4::text = '' or a.asset_id = $4)
order by a.account_id
limit $5
"""


async def list_of_member(
    connection: Connection,
    program_id: str,
    member_id: str,
    asset_id: str,
    *,
    after: AccountPlace,
    limit: int,
    shards: int,
) -> list[AccountEntry]:
    """A member's accounts, of one asset if it is named."""
    home = shard_of(program_id, member_id, shards=shards)
    rows = await connection.fetch(
        OF_MEMBER, home, after.account_id, program_id, asset_id, limit, member_id
    )
    return [_entry_of(row) for row in rows]


async def list_of_program(
    connection: Connection,
    program_id: str,
    asset_id: str,
    *,
    after: AccountPlace,
    limit: int,
    shards: int,
) -> list[AccountEntry]:
    """Accounts of all members, of one asset if it is named, from after one on."""
    found: list[AccountEntry] = []
    account_id = after.account_id
    for shard_id in range(after.shard_id, shards):
        rows = await connection.fetch(
            OF_PROGRAM, shard_id, account_id, program_id, asset_id, limit - len(found)
        )
        found += [_entry_of(row) for row in rows]
        if len(found) == limit:
            break
        account_id = 0
    return found


def _entry_of(row: Any) -> AccountEntry:
    return AccountEntry(
        shard_id=row["shard_id"],
        account_id=row["account_id"],
        program_id=row["program_id"],
        member_id=row["member_id"],
        asset_id=row["asset_id"],
        open_time=row["open_time"],
        posted=row["posted"],
        version=row["version"],
        lots_opened=row["lots_opened"],
        standing=standing_of(row),
    )
