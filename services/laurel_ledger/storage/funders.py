"""Who paid for the lots of members whose points go on in other lots; nobody else pays for this."""

from __future__ import annotations

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import (
    ACCOUNTS,
    Gathered,
    HolderKey,
    Wanted,
    add_accounts,
    columns,
)


async def gather_funders(connection: Connection, gathered: Gathered, wanted: Wanted) -> None:
    """Number the funding accounts that lots to be opened will name, where they are open by now."""
    funders = set()
    for member, shard_id in wanted.carriers:
        for key, account in gathered.books.accounts.items():
            if (key.program_id, key.member_id) == (member.program_id, member.holder_id):
                funders |= {
                    HolderKey(shard_id, key.program_id, AccountKind.FUNDING, lot.funding_account_id)
                    for lot in account.lots
                }
    rows = await connection.fetch(ACCOUNTS, *columns(funders, 4))
    add_accounts(rows, gathered.account_ids, gathered.holder_nos)
