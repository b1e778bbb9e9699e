"""Balances and statements over gRPC."""

from __future__ import annotations

import asyncio
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


async def balance_as_of(ledger: LedgerStubs, **moment) -> tuple[int, int, int]:
    found = await balance(ledger, **moment)
    return found.posted, found.available, found.version


async def test_get_balance_of_a_version_is_what_its_entry_says(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("a", 10))
    await ledger.post(spend("s", 4))
    clock.set(END_OF_2027 + timedelta(days=1))
    await ledger.post(earn("b", 5))
    entries = (await page_of(ledger)).entries
    assert len(entries) == 4
    for entry in entries:
        found = await balance(ledger, version=entry.version)
        assert (found.posted, found.version) == (entry.posted_after, entry.version)
        assert found.as_of_time == entry.commit_time
    refused = await refusal_of(balance(ledger, version=5))
    assert refused.reason == "AS_OF_IN_FUTURE"
    assert refused.metadata == {"field": "version", "as_of": "5", "latest": "4"}


async def test_get_balance_of_a_commit_time_knows_nothing_later(ledger: LedgerStubs, clock) -> None:
    """Points that were void by then are gone, whether or not their expiry had been posted."""
    start = clock.now()
    await ledger.post(earn("a", 10, expire_time=instant(start + timedelta(days=2))))
    clock.set(start + timedelta(days=1))
    await ledger.post(earn("b", 5))
    clock.set(start + timedelta(days=30))
    await ledger.post(spend("s", 1))
    assert await balance_as_of(ledger, commit_time=instant(start - timedelta(days=1))) == (0, 0, 0)
    assert await balance_as_of(ledger, commit_time=instant(start)) == (10, 10, 1)
    assert await balance_as_of(ledger, commit_time=instant(start + timedelta(days=1))) == (
        15,
        15,
        2,
    )
    assert await balance_as_of(ledger, commit_time=instant(start + timedelta(days=3))) == (5, 5, 2)
    late = instant(start + timedelta(days=31))
    refused = await refusal_of(balance(ledger, commit_time=late))
    assert (refused.code.name, refused.reason) == ("OUT_OF_RANGE", "AS_OF_IN_FUTURE")
    assert refused.metadata["field"] == "commit_time"


async def test_get_balance_of_an_effective_time_counts_late_entries(
    ledger: LedgerStubs, clock
) -> None:
    start = clock.now()
    yesterday = instant(start - timedelta(days=1))
    await ledger.post(earn("a", 10))
    assert await balance_as_of(ledger, effective_time=yesterday) == (0, 0, 0)
    await ledger.post(earn("late", 7, effective_time=instant(start - timedelta(days=2))))
    assert await balance_as_of(ledger, effective_time=yesterday) == (7, 7, 2)
    await ledger.post(spend("s", 9, effective_time=instant(start - timedelta(days=2))))
    assert (await balance(ledger, effective_time=yesterday)).posted == -2
    refused = await refusal_of(balance(ledger, effective_time=instant(start + timedelta(days=1))))
    assert refused.metadata["field"] == "effective_time"


async def test_get_balance_of_many_callers_at_once_is_each_ones_own(ledger: LedgerStubs) -> None:
    for number in range(1, 20):
        await ledger.post(earn("e", number, member_id=f"m-{number}"))
    calls = (balance(ledger, member_id=f"m-{number % 21}") for number in range(200))
    found = await asyncio.gather(*calls)
    expected = [number % 21 if number % 21 < 20 else 0 for number in range(200)]
    assert [each.available for each in found] == expected
    assert [each.member_id for each in found] == [f"m-{number % 21}" for number in range(200)]


async def test_get_balance_outlives_the_caller_it_was_read_for(ledger: LedgerStubs) -> None:
    request = pb.GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean")
    calls = [ledger.balances.GetBalance(request, timeout=DEADLINE) for _ in range(20)]
    for call in calls[::2]:
        call.cancel()
    for call in calls[1::2]:
        assert (await call).balance.available == 0


def balances_of(ledger: LedgerStubs, members, **fields):
    names = {"program_id": "jd", "asset_id": "bean", "member_ids": members} | fields
    return ledger.balances.BatchGetBalances(pb.BatchGetBalancesRequest(**names), timeout=DEADLINE)


async def test_batch_get_balances_answers_in_the_order_of_the_request(
    ledger: LedgerStubs, clock
) -> None:
    await ledger.post(earn("a", 10, member_id="m-1"))
    soon = instant(clock.now().replace(microsecond=0) + timedelta(days=1))
    await ledger.post(earn("b", 20, member_id="m-2", expire_time=soon))
    await ledger.post(earn("c", 3, member_id="m-2"))
    members = ["m-2", "nobody", "m-1", "m-2"]
    found = await balances_of(ledger, members)
    assert [each.available for each in found.balances] == [23, 0, 10, 23]
    assert [each.version for each in found.balances] == [2, 0, 1, 2]
    clock.set(clock.now() + timedelta(days=1))
    found = await balances_of(ledger, members)
    assert [each.available for each in found.balances] == [3, 0, 10, 3]
    assert [each.posted for each in found.balances] == [3, 0, 10, 3]


async def test_batch_get_balances_takes_a_thousand_and_not_one_more(ledger: LedgerStubs) -> None:
    members = [f"m-{number}" for number in range(1001)]
    assert len((await balances_of(ledger, members[:1000])).balances) == 1000
    assert (await refusal_of(balances_of(ledger, members))).reason == "REQUEST_INVALID"
    assert (await refusal_of(balances_of(ledger, []))).reason == "REQUEST_INVALID"
    assert (await refusal_of(balances_of(ledger, ["a b"]))).reason == "REQUEST_INVALID"
    assert (
        await refusal_of(balances_of(ledger, ["m"], asset_id="gold"))
    ).reason == "ASSET_NOT_FOUND"


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
