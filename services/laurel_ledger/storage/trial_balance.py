"""Summing up every account of a program, now or as of an earlier commit time."""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection as KitConnection
from laurel_kit.database import driver_of

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.trial_balance import Line
from laurel_ledger.storage.rows import SIGNED

NOW = """
select asset_id, kind, case when kind = 1 then '' else holder_id end as account_id, posted
from account
where shard_id = any($1::smallint[]) and program_id = $2
"""

# Commit times and positions grow together within a shard, so what came later is found from the end.
LATER = f"""
select t.shard_id, t.account_id, t.counter_account_id, {SIGNED} as amount
from unnest($1::smallint[]) as home (shard_id)
join transaction t on t.shard_id = home.shard_id and t.refusal is null and t.commit_time > $3
    and t.position > coalesce((
        select p.position
        from transaction p
        where p.shard_id = home.shard_id and p.commit_time <= $3
        order by p.position desc
        limit 1
    ), 0)
"""  # noqa: S608  # No value of a caller is in the text.

AS_OF = f"""
with later as materialized ({LATER})
select asset_id, kind, account_id, sum(posted)::bigint as posted
from (
    {NOW}
    union all
    select m.asset_id, m.kind, '', -l.amount
    from later l
    join account m on m.shard_id = l.shard_id and m.account_id = l.account_id
    where m.program_id = $2
    union all
    select c.asset_id, c.kind, c.holder_id, l.amount
    from later l
    join account c on c.shard_id = l.shard_id and c.account_id = l.counter_account_id
    where c.program_id = $2
) effect
group by asset_id, kind, account_id
"""  # noqa: S608  # No value of a caller is in the text.


async def sum_up(
    connection: KitConnection, program_id: str, as_of_time: datetime, *, shards: int
) -> list[Line]:
    """What each of the program's own accounts and all members together had at a commit time.

    Every account is read once, and every transaction that came later: a report, not a point read.
    """
    driver = await driver_of(connection)
    rows = await driver.fetch(AS_OF, list(range(shards)), program_id, as_of_time)
    return [
        Line(row["asset_id"], AccountKind(row["kind"]), row["account_id"], row["posted"])
        for row in rows
    ]
