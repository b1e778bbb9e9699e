"""Statements and listings of transactions over gRPC."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import balances_pb2 as pb
from laurel.ledger.v1 import transactions_pb2

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

MICROSECONDS = 10**6
EARN = transactions_pb2.TRANSACTION_TYPE_EARN
SPEND = transactions_pb2.TRANSACTION_TYPE_SPEND


def instant(moment) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


async def statement(ledger: LedgerStubs, **fields) -> list[pb.ExportStatementResponse]:
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"} | fields
    request = pb.ExportStatementRequest(**names)
    return [part async for part in ledger.balances.ExportStatement(request, timeout=DEADLINE)]


def entries_of(parts) -> list[pb.StatementEntry]:
    return [entry for part in parts for entry in part.entries.entries]


async def test_export_statement_runs_from_opening_to_closing(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("a", 10))
    start = clock.now() + timedelta(hours=1)
    clock.set(start)
    await ledger.post(earn("b", 5))
    await ledger.post(spend("s", 12))
    parts = await statement(ledger, start_time=instant(start))
    assert [part.WhichOneof("part") for part in parts] == ["opening", "entries", "closing"]
    assert (parts[0].opening.version, parts[0].opening.posted) == (1, 10)
    assert [entry.request_id for entry in entries_of(parts)] == ["b", "s"]
    assert (parts[-1].closing.version, parts[-1].closing.posted) == (3, 3)


async def test_export_statement_of_nothing_opens_and_closes(ledger: LedgerStubs) -> None:
    opening, closing = await statement(ledger, member_id="nobody")
    assert not opening.opening.HasField("time")
    assert (closing.closing.version, closing.closing.posted) == (0, 0)
    assert closing.closing.HasField("time")


@pytest.mark.parametrize("seed", range(3))
async def test_export_statement_closes_where_the_next_one_opens(
    ledger: LedgerStubs, clock, seed: int
) -> None:
    """I17, for any cuts: in silence, between entries of one instant, at their very instants."""
    chance = random.Random(seed)
    start = clock.now()
    instants = []
    for number in range(40):
        clock.set(clock.now() + timedelta(seconds=chance.choice((0, 0, 1, 60, 86_400))))
        draft = spend(f"s-{number}", 1) if number % 3 == 2 else earn(f"e-{number}", number + 1)
        posted = await ledger.post(draft)
        instants.append(posted.transaction.commit_time.ToDatetime(tzinfo=start.tzinfo))
    tick = timedelta(microseconds=1)
    cuts = chance.sample(instants, 8) + [each + tick for each in chance.sample(instants, 3)]
    cuts += [start - timedelta(days=1), start + timedelta(seconds=chance.randrange(86_400))]
    ends = sorted(cut for cut in set(cuts) if cut <= clock.now())
    seen, last = [], None
    for begin, end in zip([None, *ends], [*ends, None], strict=True):
        span = {"start_time": begin and instant(begin), "end_time": end and instant(end)}
        parts = await statement(ledger, **{name: at for name, at in span.items() if at})
        assert last is None or parts[0].opening == last
        last = parts[-1].closing
        seen += [entry.version for entry in entries_of(parts)]
    assert seen == list(range(1, 41))


async def test_export_statement_comes_in_parts_that_fit_a_message(ledger: LedgerStubs) -> None:
    drafts = [earn(f"e-{number}", 1) for number in range(1500)]
    request = transactions_pb2.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)
    parts = await statement(ledger)
    assert [len(part.entries.entries) for part in parts[1:-1]] == [1000, 500]
    assert [entry.version for entry in entries_of(parts)] == list(range(1, 1501))


async def test_export_statement_refuses_what_has_not_come(ledger: LedgerStubs, clock) -> None:
    now = clock.now()
    await ledger.post(earn("a", 10))
    after = instant(now + timedelta(seconds=1))
    refused = await refusal_of(statement(ledger, end_time=after))
    assert (refused.reason, refused.metadata["field"]) == ("AS_OF_IN_FUTURE", "end_time")
    refused = await refusal_of(statement(ledger, start_time=after))
    assert (refused.reason, refused.metadata["field"]) == ("AS_OF_IN_FUTURE", "start_time")
    same = instant(now)
    refused = await refusal_of(statement(ledger, start_time=same, end_time=same))
    assert refused.reason == "REQUEST_INVALID"
    assert (await refusal_of(statement(ledger, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    assert (await statement(ledger, end_time=same))[-1].closing.posted == 0


def page_of(ledger: LedgerStubs, **fields):
    names = {"program_id": "jd", "member_id": "m-1"} | fields
    request = transactions_pb2.ListTransactionsRequest(**names)
    return ledger.transactions.ListTransactions(request, timeout=DEADLINE)


async def names_of(ledger: LedgerStubs, **fields) -> list[str]:
    return [each.request_id for each in (await page_of(ledger, **fields)).transactions]


async def test_list_transactions_chooses_by_type_time_and_label(ledger: LedgerStubs, clock) -> None:
    await ledger.post(earn("a", 10, labels={"order_id": "o-1", "kind": "gift"}))
    first_day = clock.now()
    clock.set(first_day + timedelta(days=1))
    await ledger.post(spend("b", 3, labels={"order_id": "o-2"}))
    await ledger.post(earn("c", 10, labels={"order_id": "o-1"}))
    await ledger.post(earn("other", 10, member_id="m-2"))
    await refusal_of(ledger.post(spend("refused", 100)))
    assert await names_of(ledger) == ["c", "b", "a"]
    assert await names_of(ledger, types=[EARN]) == ["c", "a"]
    assert await names_of(ledger, types=[SPEND, EARN], asset_id="bean") == ["c", "b", "a"]
    assert await names_of(ledger, labels={"order_id": "o-1"}) == ["c", "a"]
    assert await names_of(ledger, labels={"order_id": "o-1", "kind": "gift"}) == ["a"]
    assert await names_of(ledger, labels={"order_id": "o"}) == []
    day = instant(first_day + timedelta(days=1))
    assert await names_of(ledger, start_time=day) == ["c", "b"]
    assert await names_of(ledger, end_time=day) == ["a"]
    assert await names_of(ledger, asset_id="gold") == []
    assert await names_of(ledger, member_id="nobody") == []


async def test_list_transactions_runs_through_pages_while_others_post(ledger: LedgerStubs) -> None:
    for number in range(5):
        await ledger.post(earn(f"e-{number}", 1))
    seen, token = [], ""
    while True:
        page = await page_of(ledger, page_size=2, page_token=token)
        seen += [each.request_id for each in page.transactions]
        await ledger.post(earn(f"later-{len(seen)}", 1))
        token = page.next_page_token
        if not token:
            break
    assert seen == ["e-4", "e-3", "e-2", "e-1", "e-0"]


async def test_list_transactions_refuses_what_it_cannot_answer(ledger: LedgerStubs) -> None:
    for number in range(2):
        await ledger.post(earn(f"e-{number}", 1))
    token = (await page_of(ledger, page_size=1)).next_page_token
    refused = await refusal_of(page_of(ledger, types=[EARN], page_token=token))
    assert refused.reason == "PAGE_TOKEN_INVALID"
    assert (await refusal_of(page_of(ledger, program_id="none"))).reason == "PROGRAM_NOT_FOUND"
    assert (await refusal_of(page_of(ledger, types=[0]))).reason == "REQUEST_INVALID"
    assert (await refusal_of(page_of(ledger, types=[99]))).reason == "REQUEST_INVALID"
