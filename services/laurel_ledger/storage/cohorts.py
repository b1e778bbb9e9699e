"""Cohorts as rows, and the months of a lot's points as a column of the lot.

The column is binary: twelve bytes for a lot of one month, ten more for each further one. Whoever
writes a lot writes it again, so its size is paid with every transaction.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from laurel_ledger.domain.cohorts import (
    CohortChange,
    CohortKey,
    IssueMark,
    LotMonths,
    month_of,
)
from laurel_ledger.domain.liability import Cohort
from laurel_ledger.storage.connections import Connection

_EXPIRY = struct.Struct(">h")
_MARK = struct.Struct(">hq")
NEVER = -1
KNOWN_MAX = 10_000
"""Lots of one expiry that were filled in one month look alike, and most are of a few."""

COHORTS = """
select
    funding_account_id, issue_month, expire_month, sum(issued)::bigint as issued,
    sum(spent)::bigint as spent, sum(expired)::bigint as expired,
    sum(restored)::bigint as restored, sum(reversed)::bigint as reversed,
    sum(carried_in)::bigint as carried_in, sum(carried_out)::bigint as carried_out
from cohort
where shard_id = any($1::smallint[]) and program_id = $2 and asset_id = $3
    and ($4::text = '' or funding_account_id = $4)
group by funding_account_id, issue_month, expire_month
order by funding_account_id, issue_month, expire_month nulls last
"""


@lru_cache(maxsize=KNOWN_MAX)
def write_months(months: LotMonths) -> bytes:
    """The months of a lot's points as they are stored."""
    expiry = NEVER if months.expire_month is None else months.expire_month
    return _EXPIRY.pack(expiry) + b"".join(_MARK.pack(*mark) for mark in months.issued)


@lru_cache(maxsize=KNOWN_MAX)
def read_months(stored: bytes) -> LotMonths:
    """The same from what is stored."""
    (expiry,) = _EXPIRY.unpack_from(stored)
    marks = _MARK.iter_unpack(stored[_EXPIRY.size :])
    return LotMonths(None if expiry == NEVER else expiry, tuple(IssueMark(*mark) for mark in marks))


def cohort_rows(changes: Mapping[CohortKey, CohortChange]) -> list[tuple[Any, ...]]:
    """What a batch changes in the cohorts of its shards, in one order for everyone."""
    return [
        (
            key.shard_id,
            month_of(key.issue_month),
            None if key.expire_month is None else month_of(key.expire_month),
            *(key.program_id, key.asset_id, key.funding_account_id),
            *(change.issued, change.spent, change.expired, change.restored, change.reversed),
            *(change.carried_in, change.carried_out),
        )
        for key, change in changes.items()
    ]


async def list_cohorts(
    connection: Connection,
    program_id: str,
    asset_id: str,
    *,
    shards: int,
    funding_account_id: str = "",
) -> list[Cohort]:
    """The cohorts of an asset, of one funder if it is named, over all shards."""
    rows = await connection.fetch(
        COHORTS, list(range(shards)), program_id, asset_id, funding_account_id
    )
    return [Cohort(**row) for row in rows]
