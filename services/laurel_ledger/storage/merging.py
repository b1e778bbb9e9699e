"""Whose books a merge of two accounts needs, and the locks on them."""

from __future__ import annotations

from laurel_ledger.domain.accounts import BREAKAGE, CLEARING, AccountKey, AccountKind
from laurel_ledger.domain.merges import MergeDraft
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import RequestKey
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import HolderKey, Wanted, lock_heads, own_of


async def lock_both(connection: Connection, wanted: Wanted) -> None:
    """Nobody else posts in the shards of either account until the end of the transaction."""
    await lock_heads(connection, wanted.shards)


def wanted_by_merge(draft: MergeDraft, shards: int) -> Wanted:
    """Both members' books, what is cleared between them, and who takes what is void."""
    key = draft.closing.key
    source = _member(key, shards)
    target = _member(draft.target_key, shards)
    holders = {source, target}
    for holder in (source, target):
        shard_id, program_id = holder.shard_id, holder.program_id
        holders.add(own_of(shard_id, program_id, AccountKind.BREAKAGE, BREAKAGE))
        holders.add(own_of(shard_id, program_id, AccountKind.CLEARING, CLEARING))
    name = RequestKey(key.program_id, key.member_id, draft.request_id)
    return Wanted(
        holders=frozenset(holders),
        requests=frozenset({(source.shard_id, name)}),
        carriers=frozenset({(source, target.shard_id)}),
    )


def _member(key: AccountKey, shards: int) -> HolderKey:
    shard_id = shard_of(key.program_id, key.member_id, shards=shards)
    return HolderKey(shard_id, key.program_id, AccountKind.MEMBER, key.member_id)
