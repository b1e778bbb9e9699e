"""Balances and statements over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import balances_pb2 as pb
from laurel.ledger.v1 import transactions_pb2

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

END_OF_2027 = datetime(2027, 12, 31, 16, tzinfo=UTC)


async def balance(ledger: LedgerStubs, **fields) -> pb.Balance:
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"} | fields
    request = pb.GetBalanceRequest(**names)
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance


def page_of(ledger: LedgerStubs, **fields):
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"} | fields
    return ledger.balances.ListEntries(pb.ListEntriesRequest(**names), timeout=DEADLINE)


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


async def test_get_balance_of_a_member_without_points_is_zero(ledger: LedgerStubs) -> None:
    found = await balance(ledger)
    assert (found.posted, found.available, found.version) == (0, 0, 0)


async def test_get_balance_names_the_next_expiries(ledger: LedgerStubs, clock) -> None:
    soon = clock.now().replace(microsecond=0) + timedelta(days=3)
    await ledger.post(earn("a", 10, expire_time=instant(soon)))
    await ledger.post(earn("b", 20))
    found = await balance(ledger)
    assert [(each.expire_time, each.amount) for each in found.next_expiries] == [
        (instant(soon), 10),
        (instant(END_OF_2027), 20),
    ]


async def test_get_balance_is_exact_before_the_expiry_is_posted(ledger: LedgerStubs, clock) -> None:
    """Beans of 2026 are void with the end of 2027 in Shanghai (E19, P10)."""
    await ledger.post(earn("a", 10))
    clock.set(END_OF_2027 - timedelta(microseconds=1))
    assert (await balance(ledger)).available == 10
    clock.set(END_OF_2027)
    assert (await balance(ledger)).available == 0


async def test_get_balance_needs_a_known_asset_and_program(ledger: LedgerStubs) -> None:
    assert (await refusal_of(balance(ledger, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert (await refusal_of(balance(ledger, program_id="none"))).reason == "PROGRAM_NOT_FOUND"


async def test_list_entries_runs_through_pages_with_the_balance(ledger: LedgerStubs) -> None:
    for number in range(1, 6):
        await ledger.post(earn(f"e-{number}", number))
    await ledger.post(spend("s", 10))
    first = await page_of(ledger, page_size=4)
    await ledger.post(earn("later", 100))
    second = await page_of(ledger, page_size=4, page_token=first.next_page_token)
    assert not second.next_page_token
    entries = [*first.entries, *second.entries]
    assert [each.version for each in entries] == [6, 5, 4, 3, 2, 1]
    assert [each.posted_after for each in entries] == [5, 15, 10, 6, 3, 1]
    assert entries[0].type == transactions_pb2.TRANSACTION_TYPE_SPEND
    assert (entries[0].amount, entries[0].counter_account_id) == (-10, "order-payment")


async def test_list_entries_refuses_the_token_of_another_query(ledger: LedgerStubs) -> None:
    for number in range(3):
        await ledger.post(earn(f"e-{number}", 5))
    token = (await page_of(ledger, page_size=1)).next_page_token
    refused = await refusal_of(page_of(ledger, member_id="m-2", page_token=token))
    assert refused.reason == "PAGE_TOKEN_INVALID"
    refused = await refusal_of(page_of(ledger, page_token=token[:-1]))
    assert refused.reason == "PAGE_TOKEN_INVALID"


async def test_list_entries_needs_a_known_asset(ledger: LedgerStubs) -> None:
    assert (await refusal_of(page_of(ledger, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert not (await page_of(ledger, member_id="nobody")).entries


async def test_list_entries_shows_expiries_of_their_own(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("a", 10))
    clock.set(END_OF_2027 + timedelta(days=1))
    await ledger.post(earn("b", 5))
    expiry = (await page_of(ledger)).entries[1]
    assert expiry.type == transactions_pb2.TRANSACTION_TYPE_EXPIRY
    assert (expiry.amount, expiry.posted_after) == (-10, 0)
    assert expiry.counter_account_id == "breakage"
    assert expiry.effective_time == instant(END_OF_2027)
    assert expiry.request_id[14] == "7"
