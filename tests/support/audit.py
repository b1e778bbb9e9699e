"""The ledger's invariants asked of the database: each a query that finds what breaks it."""

from __future__ import annotations

from typing import Any

from laurel_ledger.domain import chain
from laurel_ledger.domain.trees import root_of
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, record_of

MOVEMENTS = """
select shard_id, account_id, lot_no, lot_position as position, version,
    case type when 1 then amount else -amount end as amount
from transaction where lot_no is not null
union all
select shard_id, account_id, lot_no, position, version, amount from lot_movement
"""

BREACHES = {
    "I1 movements sum to the entry": f"""
        select t.shard_id, t.position
        from transaction t
        left join ({MOVEMENTS}) m using (shard_id, account_id, version)
        where t.refusal is null
        group by t.shard_id, t.position, t.type, t.amount
        having sum(m.amount) is distinct from case t.type when 1 then t.amount else -t.amount end
    """,
    "I2 a balance is the sum of its entries": """
        select a.shard_id, a.account_id
        from account a
        left join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
            and t.refusal is null
        where a.kind = 1
        group by a.shard_id, a.account_id, a.posted
        having a.posted <> coalesce(sum(case t.type when 1 then t.amount else -t.amount end), 0)
    """,
    "I2 the running balance runs": """
        select shard_id, account_id, version
        from (
            select *, sum(case type when 1 then amount else -amount end)
                over (partition by shard_id, account_id order by version) as running
            from transaction where refusal is null
        ) t
        where running <> posted_after
    """,
    "I3 versions have no gaps": """
        select a.shard_id, a.account_id
        from account a
        left join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
        where a.kind = 1
        group by a.shard_id, a.account_id, a.version
        having a.version <> count(t.version) or a.version <> coalesce(max(t.version), 0)
    """,
    "I4 a balance is what its lots hold": """
        select a.shard_id, a.account_id
        from account a
        left join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id
        where a.kind = 1
        group by a.shard_id, a.account_id, a.posted
        having a.posted <> coalesce(sum(l.earned - l.consumed), 0)
    """,
    "I6 a lot is what moved": f"""
        select l.shard_id, l.account_id, l.lot_no
        from lot l
        join ({MOVEMENTS}) m using (shard_id, account_id, lot_no)
        group by l.shard_id, l.account_id, l.lot_no, l.earned, l.consumed
        having l.earned <> sum(m.amount) filter (where m.amount > 0)
            or l.consumed <> coalesce(-sum(m.amount) filter (where m.amount < 0), 0)
    """,
    "I12 commit times increase with positions": """
        select shard_id, position
        from (
            select shard_id, position, commit_time,
                lag(commit_time) over (partition by shard_id order by position) as before,
                lag(position) over (partition by shard_id order by position) as place
            from transaction
        ) t
        where commit_time <= before or position <> coalesce(place, 0) + 1
    """,
    "I13 everything sums to zero": """
        select program_id, asset_id
        from account
        group by program_id, asset_id
        having sum(posted) <> 0
    """,
    "I16 nothing void was spent": f"""
        select t.shard_id, t.position
        from transaction t
        join ({MOVEMENTS}) m using (shard_id, account_id, version)
        join lot l on l.shard_id = t.shard_id and l.account_id = t.account_id
            and l.lot_no = m.lot_no
        where t.type = 2 and l.expire_time <= t.commit_time
    """,
}


async def assert_books_agree(connection: Any) -> None:
    """Every invariant holds in the database, and its chain can be computed again."""
    for name, query in BREACHES.items():
        assert not await connection.fetch(query), name
    await assert_chain_holds(connection)


async def assert_chain_holds(connection: Any) -> None:
    """Hash every record again, batch by batch."""
    heads = await connection.fetch("select * from shard_head order by shard_id")
    for head in heads:
        hashed = bytes(32)
        logs = "select * from log where shard_id = $1 order by batch_no"
        for log in await connection.fetch(logs, head["shard_id"]):
            hashed = await link_again(connection, log, hashed)
            assert hashed == log["hash"], log
        assert hashed == head["chain_hash"]


async def link_again(connection: Any, log: Any, previous: bytes) -> bytes:
    """The hash of a batch from what is stored of it."""
    query = f"""
        {RECORD}
        from transaction t
        {AROUND_RECORD}
        where t.shard_id = $1 and t.position >= $2 and t.position < $2 + $3
        order by t.position
    """
    place = (log["shard_id"], log["first_position"], log["item_count"])
    rows = await connection.fetch(query, *place)
    leaves = [
        chain.leaf_of(record_of(row), shard_id=row["shard_id"], position=row["position"])
        for row in rows
    ]
    root = root_of(leaves)
    assert root == log["root"]
    return chain.link_of(
        previous,
        root,
        shard_id=log["shard_id"],
        batch_no=log["batch_no"],
        first_position=log["first_position"],
        item_count=log["item_count"],
        commit_time=log["commit_time"],
    )
