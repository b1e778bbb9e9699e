"""Periods that finance has closed: nothing is said to have happened in them any more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from laurel_ledger.domain.errors import PeriodClosed, TimeInFuture
from laurel_ledger.domain.liability import Cohort
from laurel_ledger.domain.transactions import AnyDraft
from laurel_ledger.domain.trial_balance import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A closed period: from the end of the one before it, or the beginning, to before its own."""

    program_id: str
    start_time: datetime | None
    end_time: datetime
    close_time: datetime
    seal: str
    """Hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where the chain of a shard stood."""

    shard_id: int
    last_position: int
    chain_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingBooks:
    """The books of a program at the moment of closing, while nobody posts."""

    lines: Sequence[Line]
    cohorts: Mapping[str, Sequence[Cohort]]
    """By asset."""
    chains: Sequence[ChainEnd]


def check_open(draft: AnyDraft, closed_until: Mapping[str, datetime], moment: datetime) -> None:
    """Raise PeriodClosed for a draft that says it happened in a closed period."""
    end = closed_until.get(draft.program_id)
    effective_time = draft.effective_time or moment
    if end is not None and effective_time < end:
        raise PeriodClosed(time=effective_time.isoformat(), closed_until=end.isoformat())


def decide_closing(
    program_id: str,
    end_time: datetime,
    books: ClosingBooks,
    *,
    closed_until: datetime | None,
    now: datetime,
) -> tuple[Period, str]:
    """The period that ends then, with the content that its seal is the digest of.

    It begins where the last one ended. Raises TimeInFuture, PeriodClosed.
    """
    if end_time > now:
        raise TimeInFuture(field="end_time", time=end_time, current_time=now)
    if closed_until is not None and end_time <= closed_until:
        raise PeriodClosed(time=end_time.isoformat(), closed_until=closed_until.isoformat())
    content = content_of(program_id, end_time, books, now)
    period = Period(
        program_id=program_id,
        start_time=closed_until,
        end_time=end_time,
        close_time=now,
        seal=hashlib.sha256(content.encode()).hexdigest(),
    )
    return period, content


def content_of(program_id: str, end_time: datetime, books: ClosingBooks, now: datetime) -> str:
    """What is sealed, as one text that is kept: trial balance, cohorts, ends of the chains."""
    return json.dumps(
        {
            "program_id": program_id,
            "end_time": end_time.astimezone(UTC).isoformat(),
            "close_time": now.astimezone(UTC).isoformat(),
            "trial_balance": [
                [line.asset_id, line.kind.name, line.account_id, line.posted]
                for line in sorted(books.lines)
            ],
            "cohorts": [
                [asset_id, *_cells(cohort)]
                for asset_id in sorted(books.cohorts)
                for cohort in books.cohorts[asset_id]
            ],
            "chains": [
                [end.shard_id, end.last_position, end.chain_hash.hex()] for end in books.chains
            ],
        },
        separators=(",", ":"),
    )


def _cells(cohort: Cohort) -> tuple[str | int | None, ...]:
    expire_month = cohort.expire_month.isoformat() if cohort.expire_month else None
    return (
        cohort.funding_account_id,
        cohort.issue_month.isoformat(),
        expire_month,
        cohort.issued,
        cohort.spent,
        cohort.expired,
        cohort.restored,
        cohort.reversed,
        cohort.carried_in,
        cohort.carried_out,
    )
