"""Listing accounts: of a member by name, of a program shard by shard in order of numbers."""

from __future__ import annotations

from laurel_ledger.domain.directory import AccountEntry, AccountPlace
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.storage.connections import Connection

COLUMNS = """
select
    shard_id, account_id, program_id, holder_id as member_id, asset_id, open_time, posted, version,
    lots_opened
from account
"""

OF_MEMBER = f"""
{COLUMNS}
where shard_id = $1 and account_id > $2 and program_id = $3 and kind = 1 /* a member's */
    and ($4::text = '' or asset_id = $4) and holder_id = $6
order by account_id
limit $5
"""

OF_PROGRAM = f"""
{COLUMNS}
where shard_id = $1 and account_id > $2 and program_id = $3 and kind = 1 /* a member's */
    and ($4::text = '' or asset_id = $4)
order by account_id
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
    return [AccountEntry(**row) for row in rows]


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
        found += [AccountEntry(**row) for row in rows]
        if len(found) == limit:
            break
        account_id = 0
    return found
