"""Spendings with lines, and with too few points, over gRPC: what is spent, owed and given back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import grpc
import pytest
from google.type.money_pb2 import Money
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest

from tests.support.audit import assert_books_agree

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend

PARTIAL, DEBT = pb.SPEND_SHORTFALL_PARTIAL, pb.SPEND_SHORTFALL_DEBT
SOON = datetime(2026, 6, 1, tzinfo=UTC)
WHO = {"program_id": "jd", "member_id": "m-1"}


def pay(
    request_id: str, amount: int, shortfall: int = pb.SPEND_SHORTFALL_UNSPECIFIED, **lines: int
) -> pb.TransactionDraft:
    """A spending of some lines."""
    draft = spend(request_id, amount)
    draft.spend.shortfall = shortfall
    for line_id, points in lines.items():
        draft.spend.lines.add(line_id=line_id, amount=points)
    return draft


def give_back(ledger: LedgerStubs, request_id: str, *lines: tuple, **fields):
    """A reversal of `bought`; a line of it, or some points of one."""
    request = pb.ReverseTransactionRequest(
        request_id=request_id, reversed_request_id="bought", **WHO, **fields
    )
    for line_id, *amount in lines:
        request.lines.add(line_id=line_id, **({"amount": amount[0]} if amount else {}))
    return ledger.transactions.ReverseTransaction(request, timeout=DEADLINE)


async def balance(ledger: LedgerStubs) -> tuple[int, ...]:
    """Posted, available and owed."""
    request = GetBalanceRequest(asset_id="bean", **WHO)
    found = (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance
    return found.posted, found.available, found.debt


async def agree(ledger: LedgerStubs) -> None:
    """The books hold together, and every record is hashed as it was."""
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        await assert_books_agree(books)
    finally:
        await books.close()


def cells(lines) -> list[tuple[str, int, int]]:
    return [(each.line_id, each.amount, each.reversed_after) for each in lines]


async def test_reverse_transaction_gives_lines_back_one_by_one(ledger: LedgerStubs) -> None:
    """E12."""
    await ledger.post(earn("e", 100))
    bought = (await ledger.post(pay("bought", 60, a=20, b=30, c=10))).transaction
    assert [(each.line_id, each.requested, each.amount) for each in bought.spending.lines] == [
        *(("a", 20, 20), ("b", 30, 30), ("c", 10, 10)),
    ]
    first = (await give_back(ledger, "r-1", ("b", 10))).transaction
    assert cells(first.reversal.lines) == [("a", 0, 0), ("b", 10, 10), ("c", 0, 0)]
    assert (first.amount, first.reversal.reversible_after) == (10, 50)
    second = (await give_back(ledger, "r-2", ("b",), ("a",))).transaction
    assert cells(second.reversal.lines) == [("a", 20, 20), ("b", 20, 30), ("c", 0, 0)]
    refused = await refusal_of(give_back(ledger, "r-3", ("b", 1)))
    assert (refused.reason, refused.metadata["reversible"]) == ("LINE_EXCEEDS_REMAINING", "0")
    again = await refusal_of(give_back(ledger, "r-3", ("b", 1)))
    assert again == refused
    assert (await give_back(ledger, "r-4")).transaction.amount == 10
    assert await balance(ledger) == (100, 100, 0)
    await agree(ledger)


async def test_reverse_transaction_of_lines_repeated_answers_the_first_outcome(
    ledger: LedgerStubs,
) -> None:
    await ledger.post(earn("e", 100))
    draft = pay("bought", 60, PARTIAL, a=20, b=40)
    posted = await ledger.post(draft)
    assert (await ledger.post(draft)).transaction == posted.transaction
    first, again = await give_back(ledger, "r-1", ("a",)), await give_back(ledger, "r-1", ("a",))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.transaction == first.transaction
    reused = await refusal_of(give_back(ledger, "r-1", ("b",)))
    assert reused.metadata["mismatched_fields"] == "lines"
    reused = await refusal_of(ledger.post(pay("bought", 60, PARTIAL, a=30, b=30)))
    assert reused.metadata["mismatched_fields"] == "lines"


async def test_reverse_transaction_of_a_line_at_once_gives_it_back_once(
    ledger: LedgerStubs,
) -> None:
    await ledger.post(earn("e", 100))
    await ledger.post(pay("bought", 60, a=20, b=40))
    calls = (give_back(ledger, f"r-{number}", ("a", 20)) for number in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == 7
    assert {each.code() for each in refused} == {grpc.StatusCode.FAILED_PRECONDITION}
    assert await balance(ledger) == (60, 60, 0)


async def test_post_transaction_spends_what_is_there(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e", 50))
    bought = (await ledger.post(pay("bought", 80, PARTIAL, a=40, b=40))).transaction
    assert (bought.amount, bought.spending.requested) == (50, 80)
    assert [each.amount for each in bought.spending.lines] == [40, 10]
    assert (await refusal_of(ledger.post(pay("more", 1, PARTIAL)))).reason == "INSUFFICIENT_POINTS"
    assert await balance(ledger) == (0, 0, 0)


async def test_post_transaction_takes_the_points_first_that_it_names(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e-1", 50))
    soon = earn("e-2", 50)
    soon.earn.expire_time.FromDatetime(SOON)
    await ledger.post(soon)
    draft = spend("bought", 60)
    draft.spend.lot_policy = pb.LOT_POLICY_OLDEST
    bought = (await ledger.post(draft)).transaction
    assert bought.spending.lot_policy == pb.LOT_POLICY_OLDEST
    assert [(each.lot_id, each.amount) for each in bought.lot_movements] == [("1", -50), ("2", -10)]
    again = await ledger.post(draft)
    assert (again.replayed, again.transaction) == (True, bought)
    draft.spend.lot_policy = pb.LOT_POLICY_NEWEST
    reused = await refusal_of(ledger.post(draft))
    assert reused.metadata["mismatched_fields"] == "lot_policy"
    await agree(ledger)


async def test_post_transaction_keeps_what_points_cost(ledger: LedgerStubs) -> None:
    draft = earn("e", 50)
    draft.earn.cost.CopyFrom(Money(currency_code="CNY", units=0, nanos=250_000_000))
    posted = await ledger.post(draft)
    assert posted.transaction.cost == draft.earn.cost
    again = await ledger.post(draft)
    assert (again.replayed, again.transaction) == (True, posted.transaction)
    refused = earn("refused", 50, funding_account_id="nobody")
    refused.earn.cost.CopyFrom(draft.earn.cost)
    first = await refusal_of(ledger.post(refused))
    assert await refusal_of(ledger.post(refused)) == first
    for name, given in (("e", draft), ("refused", refused)):
        given.earn.ClearField("cost")
        reused = await refusal_of(ledger.post(given))
        assert (name, reused.metadata["mismatched_fields"]) == (name, "cost")
    draft.earn.cost.CopyFrom(Money(currency_code="CNY", nanos=1))
    assert (await refusal_of(ledger.post(draft))).reason == "REQUEST_INVALID"
    await agree(ledger)


async def test_post_transaction_lets_a_member_owe_what_is_too_few(ledger: LedgerStubs) -> None:
    """E24: what comes next pays for it."""
    await ledger.post(earn("e", 50))
    bought = (await ledger.post(pay("bought", 80, DEBT))).transaction
    assert (bought.amount, bought.debt_change) == (80, 30)
    assert [(each.account_id, each.amount) for each in bought.entries] == [
        ("m-1", -80),
        ("order-payment", 80),
    ]
    assert await balance(ledger) == (-30, 0, 30)
    assert (await give_back(ledger, "r-1", amount=10)).transaction.debt_change == -10
    await ledger.post(earn("e-2", 15))
    assert await balance(ledger) == (-5, 0, 5)
    refused = await refusal_of(give_back(ledger, "r-2", amount=10))
    assert (refused.reason, refused.metadata) == (
        "DEBT_REPAID",
        {"request_id": "bought", "lent": "10", "owed": "5"},
    )
    await agree(ledger)


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (pay("s", 10, a=4, b=5), "LINES_NOT_SUMMING"),
        (pay("s", 10, a=11), "LINES_NOT_SUMMING"),
        (pay("s", 10, a=0), "AMOUNT_NOT_POSITIVE"),
        (pay("s", 10, 9), "REQUEST_INVALID"),
        (pay("s", 101, **{f"l-{number}": 1 for number in range(101)}), "REQUEST_INVALID"),
    ],
)
async def test_post_transaction_refuses_unsound_lines(
    ledger: LedgerStubs, draft: pb.TransactionDraft, reason: str
) -> None:
    await ledger.post(earn("e", 500))
    assert (await refusal_of(ledger.post(draft))).reason == reason
    assert await balance(ledger) == (500, 500, 0)


async def test_reverse_transaction_refuses_unsound_lines(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e", 50))
    await ledger.post(pay("bought", 50, a=50))
    for lines, fields, reason in (
        ((("a", 1), ("a", 2)), {}, "REQUEST_INVALID"),
        ((("a", 1),), {"amount": 1}, "REQUEST_INVALID"),
        ((("a", -1),), {}, "AMOUNT_NOT_POSITIVE"),
        ((("none",),), {}, "LINE_NOT_FOUND"),
        ((("a", 51),), {}, "LINE_EXCEEDS_REMAINING"),
    ):
        refused = await refusal_of(give_back(ledger, f"r-{reason}", *lines, **fields))
        assert refused.reason == reason
