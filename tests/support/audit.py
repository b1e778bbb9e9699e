"""The ledger's invariants asked of the database: each a query that finds what breaks it."""

from __future__ import annotations

from typing import Any

from laurel_ledger.domain import chain
from laurel_ledger.domain.trees import root_of
from laurel_ledger.storage.rows import AROUND_RECORD, RECORD, SIGNED, record_of

MOVEMENTS = f"""
select t.shard_id, t.account_id, t.lot_no, t.lot_position as position, t.version,
    {SIGNED} as amount
from transaction t where t.lot_no is not null
union all
select shard_id, account_id, lot_no, position, version, amount from lot_movement
"""
VOID = "case r.late_restore when 1 then r.late else 0 end"
OWED_MORE = f"""
    case t.type when 3 then 0 else
        greatest(0, coalesce({VOID}, 0) - t.posted_after)
        - greatest(0, {SIGNED} - t.posted_after)
    end
"""

WAITING = """
    select from lot l
    where (l.shard_id, l.account_id) = (t.shard_id, t.account_id)
        and (l.active_time is not null or l.activation_key is not null or l.freeze_key is not null)
"""

BREACHES = {
    "I1 movements sum to the entry": f"""
        select t.shard_id, t.position
        from transaction t
        left join ({MOVEMENTS}) m using (shard_id, account_id, version)
        left join reversal r on r.shard_id = t.shard_id and r.position = t.position
        where t.refusal is null
        group by t.shard_id, t.account_id, t.position, t.type, t.amount, t.posted_after,
            r.late_restore, r.late
        having coalesce(sum(m.amount), 0) <> {SIGNED} + {OWED_MORE}
            -- What is owed beside what is held is checked account by account (I4, I5).
            and not exists (
                select from hold h where (h.shard_id, h.account_id) = (t.shard_id, t.account_id)
            )
            and not exists ({WAITING})
    """,
    "I2 a balance is the sum of its entries": f"""
        select a.shard_id, a.account_id
        from account a
        left join transaction t on t.shard_id = a.shard_id and t.account_id = a.account_id
            and t.refusal is null
        where a.kind = 1
        group by a.shard_id, a.account_id, a.posted
        having a.posted <> coalesce(sum({SIGNED}), 0)
    """,
    "I2 the running balance runs": f"""
        select shard_id, account_id, version
        from (
            select *, sum({SIGNED})
                over (partition by shard_id, account_id order by version) as running
            from transaction t where refusal is null
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
    "I4, I5 a balance is what its lots hold, or what is owed": """
        select a.shard_id, a.account_id
        from account a
        left join lot l on l.shard_id = a.shard_id and l.account_id = a.account_id
        where a.kind = 1
        group by a.shard_id, a.account_id, a.posted, a.held
        having a.posted - a.held > coalesce(sum(l.earned - l.consumed - l.reserved), 0)
            or a.posted - a.held < coalesce(sum(l.earned - l.consumed - l.reserved), 0)
            -- Points that wait or are frozen repay nothing yet.
            and coalesce(sum(l.earned - l.consumed - l.reserved) filter (where
                l.active_time is null and (l.activation_key is null or l.activated)
                and l.freeze_key is null), 0) > 0
    """,
    "I6 a lot is what moved": f"""
        select l.shard_id, l.account_id, l.lot_no
        from lot l
        join ({MOVEMENTS}) m using (shard_id, account_id, lot_no)
        group by l.shard_id, l.account_id, l.lot_no, l.earned, l.consumed
        having l.earned <> sum(m.amount) filter (where m.amount > 0)
            or l.consumed <> coalesce(-sum(m.amount) filter (where m.amount < 0), 0)
    """,
    "I10 reversals never exceed what they reverse, and follow each other": """
        select r.shard_id, r.position
        from (
            select *, sum(amount) over (
                partition by shard_id, holder_no, reversed_key order by position
            ) as together
            from reversal
        ) r
        join transaction t using (shard_id, holder_no)
        join transaction v on v.shard_id = r.shard_id and v.position = r.position
        where t.request_key = r.reversed_key
            and (r.together > t.amount or r.together <> r.reversed_before + r.amount
                or r.original_amount <> t.amount or r.amount <> v.amount
                or t.account_id <> v.account_id
                or t.counter_account_id <> v.counter_account_id
                or (t.type, v.type) not in ((1, 5), (2, 4), (6, 4)))
    """,
    "I7 what is held is what open holds keep": """
        select a.shard_id, a.account_id
        from account a
        left join hold h on h.shard_id = a.shard_id and h.account_id = a.account_id
        group by a.shard_id, a.account_id, a.held
        having a.held <> coalesce(sum(h.amount - h.captured - h.released), 0)
    """,
    "I7 what is held is pinned, lot by lot": """
        select shard_id, account_id, lot_no
        from (
            select h.shard_id, h.account_id, (pin ->> 0)::integer as lot_no,
                sum((pin ->> 1)::bigint) as pinned
            from hold h
            cross join lateral jsonb_array_elements(h.pins) pin
            group by 1, 2, 3
        ) p
        full join lot l using (shard_id, account_id, lot_no)
        where coalesce(p.pinned, 0) <> l.reserved
    """,
    "I9 a hold is what was done to it": """
        select h.shard_id, h.hold_key
        from hold h
        join lateral (
            select sum(t.amount) filter (where t.type = 6) as captured, max(e.position) as latest
            from hold_event e
            join transaction t using (shard_id, position)
            where e.shard_id = h.shard_id and t.holder_no = h.holder_no
                and e.content ->> 'hold_id' = coalesce(h.hold_id, h.hold_key::text)
        ) done on true
        join hold_event l on l.shard_id = h.shard_id and l.position = done.latest
        where h.captured <> coalesce(done.captured, 0)
            or (l.content ->> 'released')::bigint <> h.released
            or (l.content ->> 'state')::smallint <> h.state
            or l.content -> 'pins' <> h.pins
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
