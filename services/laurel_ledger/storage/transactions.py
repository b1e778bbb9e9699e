"""Reading transactions by name, and a member's statement."""

from __future__ import annotations

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import RequestKey, Transaction
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, transaction_of

BY_NAME = f"""
{RECORD}
from account h
join transaction t on t.shard_id = h.shard_id and t.holder_no = h.holder_no
{AROUND_RECORD}
where h.shard_id = $1 and h.program_id = $2 and h.kind = 1
    and h.holder_id = $3 and t.request_key = $4 and t.refusal is null
limit 1
"""

STATEMENT = f"""
{RECORD}
from account a
join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
{AROUND_RECORD}
where a.shard_id = $1 and a.program_id = $2 and a.kind = 1
    and a.holder_id = $3 and a.asset_id = $4 and t.version < $5
order by t.version desc
limit $6
"""


async def find_transaction(
    connection: Connection, key: RequestKey, *, shards: int
) -> Transaction | None:
    """The posted transaction of that name."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    request_key, _ = key_of(key.request_id)
    row = await connection.fetchrow(BY_NAME, shard_id, key.program_id, key.member_id, request_key)
    return None if row is None else transaction_of(row)


async def list_statement(
    connection: Connection, key: AccountKey, *, before_version: int, limit: int, shards: int
) -> list[Transaction]:
    """Transactions of an account, the latest first, from below a version on."""
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    rows = await connection.fetch(STATEMENT, shard_id, *key, before_version, limit)
    return [transaction_of(row) for row in rows]
