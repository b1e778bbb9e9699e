"""What a program says about points: its assets, their limits and expiry, its own accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from laurel_kit import calendar

from laurel_ledger.domain.accounts import BREAKAGE, CLEARING, CONVERSION, AccountKind

AMOUNT_MAX = 10**15
"""Points one transaction may move and an account may hold: far from overflow of 63 bits."""
DAYS_KEPT = 1024
"""Business days whose ends of month and year are remembered."""
OWN_NAMES = {
    BREAKAGE: "expired points",
    CLEARING: "points on their way to another member",
    CONVERSION: "points given for those of another asset",
}
"""Accounts that every asset has, and that no program declares."""
A_COMMON_YEAR = 2027
"""A year without a leap day."""
THE_YEAR_AFTER_NEXT = 2
"""The end of next year is where the year after next begins (E19)."""


class CalendarExpiry(IntEnum):
    """Calendar spans at whose end points become void. The numbers are the contract's."""

    END_OF_MONTH = 1
    END_OF_YEAR = 2
    END_OF_NEXT_YEAR = 3

    __hash__ = int.__hash__  # That of Enum is a function in Python; every earning asks for its end.


class DateOfYear(NamedTuple):
    """A day of every year."""

    month: int
    day: int

    def of(self, year: int) -> date:
        """The day of that year."""
        return date(year, self.month, self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonDates:
    """The dates of a year after which points become void, so that members remember few (J4)."""

    dates: tuple[DateOfYear, ...]
    years: int
    """From the date that points were earned up to, to that with whose end they are void."""

    def last_day_of(self, day: date) -> date:
        """The last day on which points that were earned on a day can be spent."""
        upcoming = (each.of(year) for year in (day.year, day.year + 1) for each in self.dates)
        first = next(each for each in upcoming if each >= day)
        return first.replace(year=first.year + self.years)


ExpiryRule = CalendarExpiry | CommonDates | timedelta
"""When points become void: with a calendar span, after common dates, or a while later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One kind of points."""

    asset_id: str
    display_name: str
    expiry: ExpiryRule | None
    amount_max: int = AMOUNT_MAX
    balance_max: int = AMOUNT_MAX
    transferable: bool = False
    """Whether members may give points to one another."""
    face_fen_per_10000: int = 0
    """What 10,000 points are worth, in fen (D13); 0 where the program states no worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAccount:
    """One of the program's own accounts; it serves every asset."""

    account_id: str
    kind: AccountKind
    display_name: str
    budgets: Mapping[str, int] = field(default_factory=dict)
    """How many points of an asset members may have got from it, less what was taken back; of those
    left out as many as are earned.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """How many points of another asset a member gets for so many of one."""

    asset_id: str
    to_asset_id: str
    amount: int
    """Points of the one; only multiples of it are exchanged, so that nothing is rounded."""
    to_amount: int
    """Points of the other that come for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRole:
    """What those with a role may do by hand."""

    role_id: str
    create_max: int = 0
    """The most points an adjustment of theirs may give or take."""
    approve_max: int = 0
    """The most points an adjustment that they approve may give or take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRules:
    """Who may change balances by hand, and why: nobody, unless the program says so."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    """What people call each of them, by id."""
    roles: tuple[AdjustmentRole, ...] = ()


NO_ADJUSTMENTS = AdjustmentRules()
"""Where balances are never changed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one revision of a program says to the ledger."""

    program_id: str
    revision_id: str
    time_zone: ZoneInfo
    assets: Mapping[str, Asset]
    accounts: Mapping[str, ProgramAccount]
    adjustments: AdjustmentRules = NO_ADJUSTMENTS
    exchanges: Mapping[tuple[str, str], ExchangeRate] = field(default_factory=dict)
    """The rates by which points are exchanged, by what is given and what comes for it."""


def expiry_of(asset: Asset, effective_time: datetime, zone: ZoneInfo) -> datetime | None:
    """When points earned at `effective_time` become void (E19); None for never.

    The instant is outside: points are spendable before it, not at it (X7).
    """
    if asset.expiry is None:
        return None
    if isinstance(asset.expiry, timedelta):
        return effective_time + asset.expiry
    day = calendar.business_day(effective_time, zone)
    return _end_of(asset.expiry, day, zone)


@lru_cache(maxsize=DAYS_KEPT)
def _end_of(span: CalendarExpiry | CommonDates, day: date, zone: ZoneInfo) -> datetime:
    """Where the span after a business day ends. Kept, as most earnings of a day ask the same."""
    if isinstance(span, CommonDates):
        return calendar.day_end(span.last_day_of(day), zone)
    if span is CalendarExpiry.END_OF_MONTH:
        return calendar.day_start(calendar.next_month_start(day), zone)
    years = 1 if span is CalendarExpiry.END_OF_YEAR else THE_YEAR_AFTER_NEXT
    return calendar.day_start(calendar.next_year_start(day, years=years), zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with a program's ledger section."""

    path: str
    message: str


def check_section(
    assets: tuple[Asset, ...], accounts: tuple[ProgramAccount, ...]
) -> Iterator[Fault]:
    """Every fault of the section beyond the shape of its fields; paths begin within the section."""
    yield from _repeated("assets", "asset_id", [asset.asset_id for asset in assets])
    yield from _repeated("accounts", "account_id", [account.account_id for account in accounts])
    for index, asset in enumerate(assets):
        if asset.amount_max > asset.balance_max:
            yield Fault(
                path=f"assets[{index}].amount_max",
                message=f"more than balance_max {asset.balance_max}: no earning could be so large",
            )
        if isinstance(asset.expiry, CommonDates):
            yield from _unusual_dates(f"assets[{index}].expiry.common_dates.dates", asset.expiry)
    for index, account in enumerate(accounts):
        if use := OWN_NAMES.get(account.account_id):
            yield Fault(
                path=f"accounts[{index}].account_id",
                message=f"{account.account_id!r} is the name of the account for {use}",
            )
    if accounts and not any(account.kind is AccountKind.FUNDING for account in accounts):
        yield Fault(
            path="accounts", message="no account with purpose funding: nothing could be earned"
        )


def _unusual_dates(path: str, rule: CommonDates) -> Iterator[Fault]:
    """A fault for each date that some year does not have, or that is not after the one before."""
    for index, each in enumerate(rule.dates):
        if each.day > calendar.days_of_month(A_COMMON_YEAR, each.month):
            yield Fault(path=f"{path}[{index}].day", message="not every year has that day")
        if index and each <= rule.dates[index - 1]:
            yield Fault(path=f"{path}[{index}]", message="not after the date before it")


def check_budgets(
    asset_ids: Iterable[str], accounts: Sequence[ProgramAccount], named: Sequence[Sequence[str]]
) -> Iterator[Fault]:
    """Every fault of the budgets of accounts, whose assets are `named` in the order of the file."""
    known = set(asset_ids)
    for index, (account, budgeted) in enumerate(zip(accounts, named, strict=True)):
        path = f"accounts[{index}].budgets"
        if budgeted and account.kind is not AccountKind.FUNDING:
            yield Fault(path=path, message="only a funding account has a budget")
        yield from _repeated(path, "asset_id", list(budgeted))
        for place, asset_id in enumerate(budgeted):
            if asset_id not in known:
                yield Fault(
                    path=f"{path}[{place}].asset_id", message=f"no asset {asset_id!r} is declared"
                )


def check_exchanges(asset_ids: Iterable[str], exchanges: Sequence[ExchangeRate]) -> Iterator[Fault]:
    """Every fault of the rates: unknown assets, one for itself, two rates of a pair."""
    known = set(asset_ids)
    seen: set[tuple[str, str]] = set()
    for index, rate in enumerate(exchanges):
        path = f"exchanges[{index}]"
        named = {"asset_id": rate.asset_id, "to_asset_id": rate.to_asset_id}
        for name, asset_id in named.items():
            if asset_id not in known:
                yield Fault(path=f"{path}.{name}", message=f"no asset {asset_id!r} is declared")
        pair = (rate.asset_id, rate.to_asset_id)
        if rate.asset_id == rate.to_asset_id:
            yield Fault(path=f"{path}.to_asset_id", message="is the asset that is given")
        if pair in seen:
            yield Fault(path=path, message=f"{pair[0]!r} for {pair[1]!r} has a rate already")
        seen.add(pair)


def check_adjustments(reason_ids: list[str], roles: tuple[AdjustmentRole, ...]) -> Iterator[Fault]:
    """Every fault of the rules for changes by hand."""
    yield from _repeated("adjustments.reasons", "reason_id", reason_ids)
    yield from _repeated("adjustments.roles", "role_id", [each.role_id for each in roles])
    approved = max((each.approve_max for each in roles), default=0)
    for index, role in enumerate(roles):
        if role.create_max > approved:
            yield Fault(
                path=f"adjustments.roles[{index}].create_max",
                message=f"more than the {approved} that any role may approve",
            )


def _repeated(path: str, field: str, names: list[str]) -> Iterator[Fault]:
    """A fault for each name that stands there a second time."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Fault(path=f"{path}[{index}].{field}", message=f"{name!r} is declared twice")
