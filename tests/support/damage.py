"""Damage to the books, as somebody with all rights over the database could do it.

Every column of every table is changed once, in a row somewhere in the middle; rows are taken out,
added, and exchanged. Constraints are gone: whoever means harm drops them first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from laurel_kit.schema import kit_tables
from laurel_ledger.storage.schema import METADATA
from sqlalchemy import Column, MetaData
from sqlalchemy.dialects.postgresql import dialect

DIALECT = dialect()
_OF_THE_KIT = MetaData()
kit_tables(_OF_THE_KIT)
TABLES = tuple(table for table in METADATA.sorted_tables if table.name not in _OF_THE_KIT.tables)
"""All that the ledger keeps; what every service has beside its books is no part of them."""

# A value with one bit, one character or one microsecond changed, by the type of the column.
CHANGED = {
    "smallint": "{0} # 1::smallint",
    "integer": "{0} # 1",
    "bigint": "{0} # 1",
    "boolean": "not {0}",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "text": "left({0}, -1) || case right({0}, 1) when 'x' then 'y' else 'x' end",
    "uuid": """
        (left({0}::text, 35) || case right({0}::text, 1) when 'a' then 'b' else 'a' end)::uuid
    """,
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
    "jsonb": r"""case when {0} = '[]' then '[[1, 1]]' else
        regexp_replace({0}::text, '\w("?[\]\}}]+)$',
        case when {0}::text ~ '7"?[\]\}}]+$' then '8\1' else '7\1' end)::jsonb end""",
    "bigint[]": "array_cat(array[{0}[1] # 1], {0}[2:])",
    "date": "({0} + interval '1 month')::date",
    "bytea[]": "array_cat(array[set_byte({0}[1], 0, get_byte({0}[1], 0) # 1)], {0}[2:])",
}
# The same for keys that have the nearest value already.
ELSEWHERE = {"smallint": "{0} # 64::smallint", "integer": "{0} # 4096", "bigint": "{0} # 4096"}
# A value where there is none.
GIVEN = {
    "integer": "1",
    "bigint": "1",
    "timestamp with time zone": "'2026-03-10 04:00:00+00'",
    "text": "'x'",
    "date": "'2030-01-01'",
    "jsonb": """'{"a": "b"}'""",
}


@dataclass(frozen=True)
class Damage:
    """Something that is done to the books."""

    table: str
    name: str
    statements: tuple[str, ...]
    instead: tuple[str, ...] = ()
    """What is done when a key forbids the first."""

    def __str__(self) -> str:
        return f"{self.table}-{self.name}"


def place(table: str, condition: str) -> str:
    """A row in the middle of those that a condition allows."""
    return f"""
        ctid = (
            select ctid from (
                select ctid, row_number() over (order by ctid) as number, count(*) over () as size
                from "{table}" where {condition}
            ) rows where number = 1 + size / 2
        )
    """


def kind_of(column: Column[Any]) -> str:
    """The type of a column, as PostgreSQL calls it."""
    return str(column.type.compile(dialect=DIALECT)).lower().removesuffix(' collate "c"')


def column_damages() -> Iterator[Damage]:
    """Each column of each table: changed, emptied where it may be, filled where it is empty."""
    for table in TABLES:
        for column in table.columns:
            kind = kind_of(column)
            name, quoted = column.name, f'"{column.name}"'
            update = f'update "{table.name}" set {quoted} ='
            where = place(table.name, f"{quoted} is not null")
            changed = f"{update} {CHANGED[kind].format(quoted)} where {where}"
            other = ELSEWHERE.get(kind, CHANGED[kind]).format(quoted)
            yield Damage(
                table.name, f"{name}-changed", (changed,), (f"{update} {other} where {where}",)
            )
            if column.nullable:
                yield Damage(table.name, f"{name}-emptied", (f"{update} null where {where}",))
                empty = place(table.name, f"{quoted} is null")
                yield Damage(
                    table.name, f"{name}-filled", (f"{update} {GIVEN[kind]} where {empty}",)
                )


def row_damages() -> Iterator[Damage]:
    """Rows taken out, and added under a key of their own."""
    for table in TABLES:
        name, where = table.name, place(table.name, "true")
        yield Damage(name, "row-deleted", (f'delete from "{name}" where {where}',))
        last = [*(table.primary_key.columns or [table.columns.issued])][-1]
        key, kind = last.name, kind_of(last)
        columns = [f'"{column.name}"' for column in table.columns]
        values = [
            OTHER_KEY.get(kind, "{0} + 4096").format(column)
            if column.strip('"') in MADE_OTHER | {key}
            else column
            for column in columns
        ]
        rows = f'select {", ".join(values)} from "{name}" where {where}'
        yield Damage(name, "row-added", (f'insert into "{name}" ({", ".join(columns)}) {rows}',))
    for name, key in LAST_ROWS.items():
        last = f'delete from "{name}" where {key} = (select max({key}) from "{name}")'
        yield Damage(name, "last-row-deleted", (last,))


MADE_OTHER = {"next_account_id"}
OTHER_KEY = {
    "uuid": CHANGED["uuid"],
    "text": "{0} || 'x'",
    "timestamp with time zone": "{0} + interval '1 day'",
}
LAST_ROWS = {
    "checkpoint": "checkpoint_no",
    "log": "batch_no",
    "transaction": "position",
    "account_change": "position",
    "adjustment": "create_time",
    "period": "end_time",
}


def exchanges() -> Iterator[Damage]:
    """Rows that take each other's place."""
    yield Damage("log", "rows-reordered", tuple(swapped("log", "batch_no", 3, 4)))
    yield Damage("transaction", "rows-reordered", tuple(swapped("transaction", "position", 3, 4)))
    yield Damage("transaction", "rows-swapped", tuple(swapped("transaction", "position", 2, 90)))
    yield Damage("lot", "two-members-lots-swapped", (SWAP_LOTS,))
    yield Damage("lot", "funded-from-another-asset", (FUND_OTHERWISE,))


SWAP_LOTS = """
    with pair as (
        select min(account_id) as one, max(account_id) as other from lot where shard_id = 0
    )
    update lot
    set account_id = one + other - account_id, lot_no = -lot_no
    from pair
    where shard_id = 0 and account_id in (one, other);
    update lot set lot_no = -lot_no where lot_no < 0
"""


# An account of the same name, so that only its asset tells it from the right one.
FUND_OTHERWISE = """
    update lot
    set funding_account_id = other.account_id
    from account funder, account other
    where funder.shard_id = lot.shard_id and funder.account_id = lot.funding_account_id
        and other.shard_id = funder.shard_id and other.kind = funder.kind
        and other.holder_id = funder.holder_id and other.asset_id <> funder.asset_id
        and lot.lot_no = 1
"""


def swapped(table: str, column: str, first: int, second: int) -> Iterator[str]:
    """Two rows of shard 0 exchange a key."""
    for before, after in ((first, -1), (second, first), (-1, second)):
        yield f'update "{table}" set {column} = {after} where shard_id = 0 and {column} = {before}'


DROP_CONSTRAINTS = """
    select format('alter table %s drop constraint %I', conrelid::regclass, conname)
    from pg_constraint
    where contype in ('c', 'u') and connamespace = 'public'::regnamespace
        and conrelid::regclass::text = any($1)
"""


async def lay_bare(connection: Any) -> None:
    """Drop what would keep damage out, keep the primary keys, and keep a copy of everything."""
    names = [f'"{table.name}"' for table in TABLES]
    known = [table.name for table in TABLES] + names
    for (statement,) in await connection.fetch(DROP_CONSTRAINTS, known):
        await connection.execute(statement)
    await connection.execute("drop index ix_cohort_name, ix_hold_account")
    await connection.execute("alter table revision_name alter column revision_no drop identity")
    await connection.execute("create schema undamaged")
    for name in names:
        await connection.execute(f"create table undamaged.{name} as table public.{name}")


async def undo(connection: Any, damage: Damage) -> None:
    """Bring back what was there."""
    await connection.execute(f'truncate "{damage.table}"')
    await connection.execute(
        f'insert into "{damage.table}" select * from undamaged."{damage.table}"'
    )
