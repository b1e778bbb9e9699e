"""Expiry rules and the checks of a program's ledger section."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from laurel.ledger.v1 import holds_pb2
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.program.v1.ledger_section_pb2 import CalendarExpiry as CalendarExpiryMessage
from laurel.program.v1.program_pb2 import Program
from laurel_kit.programs.sections import ProgramFaults
from laurel_ledger.domain.accounts import AccountKind, HoldState
from laurel_ledger.domain.assets import (
    AMOUNT_MAX,
    Asset,
    CalendarExpiry,
    CommonDates,
    DateOfYear,
    ProgramAccount,
    check_section,
    expiry_of,
)
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.spendings import SpendShortfall
from laurel_ledger.domain.transactions import TransactionType
from laurel_ledger.wire.program import SECTION, read_expiry, write_expiry

SHANGHAI = ZoneInfo("Asia/Shanghai")


HALF_YEARS = CommonDates(dates=(DateOfYear(6, 30), DateOfYear(12, 31)), years=1)
SPRING = CommonDates(dates=(DateOfYear(3, 1),), years=0)


def local(*parts: int) -> datetime:
    """An instant by the clocks of Shanghai."""
    return datetime(*parts, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("rule", "effective", "void"),
    [
        # P10, P12: beans of a year are void with the end of the next one.
        (CalendarExpiry.END_OF_NEXT_YEAR, local(2025, 1, 1), local(2027, 1, 1)),
        (CalendarExpiry.END_OF_NEXT_YEAR, local(2025, 12, 31, 23, 59), local(2027, 1, 1)),
        (CalendarExpiry.END_OF_NEXT_YEAR, local(2026, 1, 1), local(2028, 1, 1)),
        (CalendarExpiry.END_OF_NEXT_YEAR, local(2014, 5, 1), local(2016, 1, 1)),
        (CalendarExpiry.END_OF_YEAR, local(2026, 12, 31, 23, 59), local(2027, 1, 1)),
        (CalendarExpiry.END_OF_MONTH, local(2026, 1, 31), local(2026, 2, 1)),
        (CalendarExpiry.END_OF_MONTH, local(2026, 12, 1), local(2027, 1, 1)),
        (timedelta(days=30), local(2026, 1, 31, 8), local(2026, 3, 2, 8)),
        (None, local(2026, 1, 31), None),
        # J4: earned up to 30 June, void after 30 June of the next year; later, after 31 December.
        (HALF_YEARS, local(2026, 1, 1), local(2027, 7, 1)),
        (HALF_YEARS, local(2026, 6, 30, 23, 59), local(2027, 7, 1)),
        (HALF_YEARS, local(2026, 7, 1), local(2028, 1, 1)),
        (HALF_YEARS, local(2026, 12, 31, 23, 59), local(2028, 1, 1)),
        (HALF_YEARS, local(2027, 1, 1), local(2028, 7, 1)),
        (SPRING, local(2026, 3, 1, 12), local(2026, 3, 2)),
        (SPRING, local(2026, 3, 2), local(2027, 3, 2)),
    ],
)
def test_points_become_void_by_the_rule_of_their_asset_e19_o19(rule, effective, void) -> None:
    asset = Asset(asset_id="bean", display_name="Beans", expiry=rule)
    assert expiry_of(asset, effective, SHANGHAI) == void


def asset(name: str, **limits: int) -> Asset:
    return Asset(asset_id=name, display_name=name, expiry=None, **limits)


def ending(*dates: tuple[int, int]) -> Asset:
    """An asset whose points end on common dates."""
    rule = CommonDates(dates=tuple(DateOfYear(*each) for each in dates), years=1)
    return Asset(asset_id="a", display_name="a", expiry=rule)


def account(name: str, kind: AccountKind = AccountKind.FUNDING) -> ProgramAccount:
    return ProgramAccount(account_id=name, kind=kind, display_name=name)


@pytest.mark.parametrize(
    ("assets", "accounts", "paths"),
    [
        ([asset("a"), asset("b")], [account("p")], []),
        ([asset("a"), asset("a")], [account("p")], ["assets[1].asset_id"]),
        ([asset("a", amount_max=5, balance_max=5)], [account("p")], []),
        ([asset("a", amount_max=6, balance_max=5)], [account("p")], ["assets[0].amount_max"]),
        ([asset("a")], [account("p"), account("p")], ["accounts[1].account_id"]),
        ([asset("a")], [account("p"), account("breakage")], ["accounts[1].account_id"]),
        ([asset("a")], [account("r", AccountKind.REDEMPTION)], ["accounts"]),
        ([ending((2, 28), (12, 31))], [account("p")], []),
        (
            [ending((2, 29), (4, 31))],
            [account("p")],
            [f"assets[0].expiry.common_dates.dates[{n}].day" for n in range(2)],
        ),
        (
            [ending((6, 30), (6, 30))],
            [account("p")],
            ["assets[0].expiry.common_dates.dates[1]"],
        ),
    ],
)
def test_every_fault_of_a_section_is_found(assets, accounts, paths) -> None:
    assert [fault.path for fault in check_section(tuple(assets), tuple(accounts))] == paths


def test_a_section_with_faults_is_refused_with_all_of_them() -> None:
    program = Program(program_id="p")
    program.ledger.assets.add(asset_id="a", display_name="A", amount_max=6, balance_max=5)
    program.ledger.accounts.add(account_id="breakage", purpose="ACCOUNT_PURPOSE_REDEMPTION")
    with pytest.raises(ProgramFaults) as raised:
        SECTION.compile(program)
    assert [fault.path for fault in raised.value.faults] == [
        "ledger.assets[0].amount_max",
        "ledger.accounts[0].account_id",
        "ledger.accounts",
    ]


def test_limits_left_out_are_those_of_the_ledger() -> None:
    program = Program(program_id="p")
    program.ledger.assets.add(asset_id="a", display_name="A")
    program.ledger.accounts.add(account_id="p", purpose="ACCOUNT_PURPOSE_FUNDING")
    compiled = SECTION.compile(program).assets["a"]
    assert (compiled.amount_max, compiled.balance_max, compiled.expiry) == (
        AMOUNT_MAX,
        AMOUNT_MAX,
        None,
    )


@pytest.mark.parametrize("rule", [*CalendarExpiry, timedelta(days=7), HALF_YEARS])
def test_an_expiry_rule_survives_the_wire(rule) -> None:
    assert read_expiry(write_expiry(rule)) == rule


def test_numbers_of_the_domain_are_those_of_the_contract() -> None:
    for ours, theirs, prefix in (
        (CalendarExpiry, CalendarExpiryMessage, "CALENDAR_EXPIRY_"),
        (AccountKind, pb.AccountKind, "ACCOUNT_KIND_"),
        (TransactionType, pb.TransactionType, "TRANSACTION_TYPE_"),
        (LateRestore, pb.LateRestore, "LATE_RESTORE_"),
        (Shortfall, pb.Shortfall, "SHORTFALL_"),
        (SpendShortfall, pb.SpendShortfall, "SPEND_SHORTFALL_"),
        (HoldState, holds_pb2.HoldState, "HOLD_STATE_"),
    ):
        assert {prefix + each.name: each.value for each in ours} == {
            name: number for name, number in theirs.items() if number
        }
