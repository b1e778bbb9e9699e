"""What finance asks: whether the books add up, what is owed, and that a month stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from laurel_kit import calendar, requests
from laurel_kit.database import Connection

from laurel_ledger.domain.history import check_not_after, present_after
from laurel_ledger.domain.liability import Cohort, Liability, liability_of
from laurel_ledger.domain.periods import Period, decide_closing
from laurel_ledger.domain.trial_balance import TrialBalance, balance_of
from laurel_ledger.handlers.expiry import LotExpiry
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.cohorts import list_cohorts
from laurel_ledger.storage.history import last_commit_time
from laurel_ledger.storage.periods import (
    closed_until,
    gather_closing,
    list_closed,
    record_period,
    stop_posting,
)
from laurel_ledger.storage.trial_balance import sum_up

EXPIRIES_AT_ONCE = 1000
"""Accounts of one round while what is due in a period is posted before it closes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTrialBalance:
    """Whose totals, up to which commit time; up to the present when it is None."""

    program_id: str
    as_of_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLiabilityReport:
    """A page of what is owed in an asset: the cohorts after one."""

    program_id: str
    asset_id: str
    funding_account_id: str
    rate_bps: int | None
    page_size: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiabilityPage:
    """Cohorts of a page, the liability they are a part of, where the next page begins."""

    cohorts: tuple[Cohort, ...]
    liability: Liability
    as_of_time: datetime
    next_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod:
    """Which period to close."""

    program_id: str
    request_id: str
    end_time: datetime
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPeriod:
    """The period, and whether an earlier request closed it."""

    period: Period
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPeriods:
    """A page of closed periods: those that ended before an instant."""

    program_id: str
    page_size: int
    before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPage:
    """Periods, the latest first, and whether there are more."""

    periods: tuple[Period, ...]
    more: bool


async def get_trial_balance(query: GetTrialBalance, *, ledger: Ledger) -> TrialBalance:
    """Every account's total. Raises ProgramNotFound, AsOfInFuture."""
    await ledger.terms_at(query.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        last = await last_commit_time(connection, range(shards))
    present = present_after(last, ledger.clock.now())
    check_not_after(present, as_of_time=query.as_of_time)
    as_of_time = query.as_of_time or present
    async with ledger.database.snapshot() as snapshot:
        lines = await sum_up(snapshot, query.program_id, as_of_time, shards=shards)
    return balance_of(query.program_id, lines, as_of_time)


async def get_liability_report(query: GetLiabilityReport, *, ledger: Ledger) -> LiabilityPage:
    """What is owed, by cohort. Raises AssetNotFound."""
    terms = await ledger.require_asset(query.program_id, query.asset_id)
    now = ledger.clock.now()
    async with ledger.connections.use() as connection:
        cohorts = await list_cohorts(
            connection,
            query.program_id,
            query.asset_id,
            shards=await ledger.store.shard_count(),
            funding_account_id=query.funding_account_id,
        )
    this_month = calendar.month_start(calendar.business_day(now, terms.time_zone))
    liability = liability_of(
        cohorts,
        this_month=this_month,
        rate_bps=query.rate_bps,
        face_fen_per_10000=terms.assets[query.asset_id].face_fen_per_10000,
    )
    end = query.offset + query.page_size
    return LiabilityPage(
        cohorts=liability.cohorts[query.offset : end],
        liability=liability,
        as_of_time=now,
        next_offset=end if end < len(cohorts) else None,
    )


async def close_period(command: ClosePeriod, *, ledger: Ledger) -> ClosedPeriod:
    """Close a period; the books of it stay as they are from the commit on.

    Raises ProgramNotFound, TimeInFuture, PeriodClosed, RequestIdReused.
    """
    await ledger.terms_at(command.program_id, ledger.clock.now())
    await _post_expiries(ledger)

    async def work(connection: Connection) -> ClosedPeriod:
        name = {"program_id": command.program_id, "member_id": "", "method": "ClosePeriod"}
        name |= {"request_id": command.request_id}
        earlier = await requests.earlier(
            connection, **name, fingerprint=command.fingerprint, answer=ClosedPeriod
        )
        if earlier is not None:
            return ClosedPeriod(period=earlier.period, replayed=True)
        chains = await stop_posting(connection)
        until = await closed_until(connection, command.program_id)
        books = await gather_closing(connection, command.program_id, chains)
        period, content = decide_closing(
            command.program_id,
            command.end_time,
            books,
            closed_until=until,
            now=ledger.clock.now(),
        )
        await record_period(connection, period, content)
        answer = ClosedPeriod(period=period)
        await requests.remember(connection, **name, fingerprint=command.fingerprint, answer=answer)
        return answer

    return await ledger.database.transact(work)


async def _post_expiries(ledger: Ledger) -> None:
    """Post what is due by now: later, its time would lie in a closed period."""
    sweeper = LotExpiry(ledger=ledger)
    while await sweeper.run_due(ledger.clock.now(), EXPIRIES_AT_ONCE):
        pass


async def list_periods(query: ListPeriods, *, ledger: Ledger) -> PeriodPage:
    """A page of closed periods. Raises ProgramNotFound."""
    await ledger.terms_at(query.program_id, ledger.clock.now())
    async with ledger.connections.use() as connection:
        found = await list_closed(
            connection, query.program_id, before=query.before, limit=query.page_size + 1
        )
    return PeriodPage(periods=tuple(found[: query.page_size]), more=len(found) > query.page_size)
