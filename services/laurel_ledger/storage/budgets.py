"""Reading what shards may issue of budgets, and dividing anew what is left of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from laurel_ledger.domain.allowances import Allowance, Allowances, Purse, Stripe
from laurel_ledger.domain.budgets import divided
from laurel_ledger.domain.verification import Difference
from laurel_ledger.storage.budget_tables import FUNDING_ALLOWANCE
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.row_digests import digest_of

ISSUED = """
select
    s.shard_id, p.program_id, p.funding_account_id, p.asset_id, f.budget, f.allowance,
    coalesce(-a.posted, 0) as issued
from unnest($1::smallint[]) s (shard_id)
cross join unnest($2::text[], $3::text[], $4::text[])
    p (program_id, funding_account_id, asset_id)
left join funding_allowance f using (shard_id, program_id, funding_account_id, asset_id)
left join account a on a.shard_id = s.shard_id and a.program_id = p.program_id
    and a.kind = 2 /* one that funds */ and a.holder_id = p.funding_account_id
    and a.asset_id = p.asset_id
"""

DIVIDE = f"""
insert into funding_allowance (
    shard_id, program_id, funding_account_id, asset_id, budget, allowance, digest
)
select w.*, {digest_of(FUNDING_ALLOWANCE)}
from (
    select shard_id, $2::text as program_id, $3::text as funding_account_id,
        $4::text as asset_id, $5::bigint as budget, allowance
    from unnest($1::smallint[], $6::bigint[]) as shares (shard_id, allowance)
) w
on conflict (shard_id, program_id, funding_account_id, asset_id) do update
set budget = excluded.budget, allowance = excluded.allowance, digest = excluded.digest
"""  # noqa: S608  # No value of a caller is in the text.

UNSOUND = f"""
select program_id, funding_account_id, asset_id
from funding_allowance
group by program_id, funding_account_id, asset_id
having count(*) <> $1 or count(distinct shard_id) <> $1 or min(shard_id) < 0
    or max(shard_id) >= $1 or min(budget) <> max(budget) or sum(allowance) <> min(budget)
    or not bool_and(digest = {digest_of(FUNDING_ALLOWANCE)})
"""  # noqa: S608  # No value of a caller is in the text.

EVERYWHERE = -1
"""Stands for the shard of what concerns all of them."""


async def read_allowances(
    connection: Connection,
    purses: Collection[Purse],
    homes: Sequence[int],
    *,
    shards: int,
    together: bool,
) -> Allowances:
    """What may be issued still: by some shards each for itself, or by all together."""
    wanted = list(range(shards)) if together else homes
    rows = await connection.fetch(ISSUED, wanted, *zip(*purses, strict=True))
    by_stripe: dict[Stripe, Allowance] = {}
    issued: dict[Purse, int] = defaultdict(int)
    for shard_id, program_id, name, asset_id, budget, allowance, given in rows:
        purse = Purse(program_id, name, asset_id)
        issued[purse] += given
        # Without a budget that was divided, none is like the one that is asked for.
        divided_budget = -1 if budget is None else budget
        by_stripe[Stripe(shard_id, *purse)] = Allowance(divided_budget, allowance or 0, given)
    return Allowances(shards=shards, by_stripe=by_stripe, issued=dict(issued) if together else None)


async def divide(connection: Connection, budgets: Mapping[Purse, int], *, shards: int) -> None:
    """Divide what is left of budgets over all shards, whose heads are locked."""
    found = await read_allowances(connection, budgets, range(shards), shards=shards, together=False)
    for purse, budget in budgets.items():
        issued = {
            stripe.shard_id: each.issued
            for stripe, each in found.by_stripe.items()
            if stripe.purse == purse
        }
        allowances = divided(budget, issued)
        await connection.execute(
            DIVIDE, list(allowances), *purse, budget, list(allowances.values())
        )


async def unsound_allowances(connection: Connection, shards: int) -> Iterable[Difference]:
    """Budgets that are not divided as they must be: every shard a part, all together the whole."""
    return [
        Difference(
            table="funding_allowance",
            shard_id=EVERYWHERE,
            row=" ".join(row),
            column="allowance",
            expected="parts of one budget, one for each shard",
            found="others",
        )
        for row in await connection.fetch(UNSOUND, shards)
    ]
