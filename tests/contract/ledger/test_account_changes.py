"""Suspending, limiting and closing accounts over gRPC, beside those who post."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from laurel.ledger.v1 import accounts_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.ledger.v1.accounts_pb2_grpc import AccountServiceStub
from laurel.ledger.v1.holds_pb2 import PlaceHoldRequest
from laurel_ledger.domain.standings import AccountState

from tests.support.audit import assert_books_agree

from .conftest import DEADLINE, LedgerStubs, earn, refusal_in, refusal_of, spend

NAMES = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"}


@pytest.fixture
def accounts(ledger: LedgerStubs) -> AccountServiceStub:
    return AccountServiceStub(ledger.channel)


async def change(accounts: AccountServiceStub, verb: str, request_id: str = "c-1", **fields):
    """What a change of an account is answered: `verb` names the RPC."""
    request = getattr(pb, f"{verb}Request")(request_id=request_id, **(NAMES | fields))
    return await getattr(accounts, verb)(request, timeout=DEADLINE)


async def found(accounts: AccountServiceStub) -> pb.Account:
    return (await accounts.GetAccount(pb.GetAccountRequest(**NAMES), timeout=DEADLINE)).account


async def test_suspend_account_stops_what_is_new(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 50))
    assert (await found(accounts)).state == pb.ACCOUNT_STATE_OPEN
    before = PlaceHoldRequest(request_id="h-0", amount=5, **NAMES)
    before.lifetime.FromSeconds(60)
    await ledger.holds.PlaceHold(before, timeout=DEADLINE)
    suspended = (await change(accounts, "SuspendAccount", reason="fraud")).account
    assert suspended.state == pb.ACCOUNT_STATE_SUSPENDED
    assert await found(accounts) == suspended
    refused = await refusal_of(ledger.post(spend("s", 10)))
    assert (refused.code.name, refused.reason) == ("FAILED_PRECONDITION", "ACCOUNT_SUSPENDED")
    assert refused.metadata == {"member_id": "m-1", "asset_id": "bean"}
    assert (await refusal_of(ledger.post(earn("e2", 1)))).reason == "ACCOUNT_SUSPENDED"
    tried = await refusal_of(ledger.post(spend("s2", 10), validate_only=True))
    assert tried.reason == "ACCOUNT_SUSPENDED"
    holding = PlaceHoldRequest(request_id="h", amount=1, **NAMES)
    holding.lifetime.FromSeconds(60)
    placed = ledger.holds.PlaceHold(holding, timeout=DEADLINE)
    assert (await refusal_of(placed)).reason == "ACCOUNT_SUSPENDED"
    assert (await ledger.post(earn("e", 50))).replayed


async def test_resume_account_lets_postings_go_on(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 50))
    await change(accounts, "SuspendAccount")
    await refusal_of(ledger.post(spend("s", 10)))
    resumed = (await change(accounts, "ResumeAccount", "c-2")).account
    assert resumed.state == pb.ACCOUNT_STATE_OPEN
    await ledger.post(spend("s2", 10))
    assert (await refusal_of(ledger.post(spend("s", 10)))).reason == "ACCOUNT_SUSPENDED"


async def test_set_account_limits_replaces_all_of_them(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 50))
    assert not (await found(accounts)).HasField("limits")
    limits = pb.AccountLimits(balance_max=60, spend_max=5)
    limited = (await change(accounts, "SetAccountLimits", limits=limits)).account
    assert limited.limits == limits
    refused = await refusal_of(ledger.post(spend("s", 6)))
    assert refused.reason == "ACCOUNT_LIMIT_EXCEEDED"
    assert refused.metadata == {
        "asset_id": "bean",
        "limit": "spend_max",
        "amount": "6",
        "amount_max": "5",
    }
    over = await refusal_of(ledger.post(earn("e2", 11)))
    assert (over.reason, over.metadata["balance_max"]) == ("BALANCE_LIMIT_EXCEEDED", "60")
    await ledger.post(earn("e3", 10))
    lifted = pb.AccountLimits(earn_max=3)
    await change(accounts, "SetAccountLimits", "c-2", limits=lifted)
    assert (await found(accounts)).limits == lifted
    await ledger.post(spend("s2", 6))
    assert (await refusal_of(ledger.post(earn("e4", 4)))).metadata["limit"] == "earn_max"
    bad = change(accounts, "SetAccountLimits", "c-3", limits=pb.AccountLimits(spend_max=-1))
    assert (await refusal_of(bad)).reason == "REQUEST_INVALID"
    assert (await refusal_of(change(accounts, "SetAccountLimits", "c-3"))).reason == (
        "REQUEST_INVALID"
    )


async def test_close_account_wants_an_empty_one(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 50))
    refused = await refusal_of(change(accounts, "CloseAccount"))
    assert refused.reason == "ACCOUNT_NOT_EMPTY"
    assert (refused.metadata["points"], refused.metadata["debt"]) == ("50", "0")
    await ledger.post(spend("s", 50))
    closed = (await change(accounts, "CloseAccount")).account
    assert closed.state == pb.ACCOUNT_STATE_CLOSED
    assert (await refusal_of(ledger.post(earn("e2", 1)))).reason == "ACCOUNT_CLOSED"
    reversal = transactions_pb2.ReverseTransactionRequest(
        request_id="r", program_id="jd", member_id="m-1", reversed_request_id="s"
    )
    back = ledger.transactions.ReverseTransaction(reversal, timeout=DEADLINE)
    assert (await refusal_of(back)).reason == "ACCOUNT_CLOSED"
    assert (await refusal_of(change(accounts, "ResumeAccount", "c-2"))).reason == "ACCOUNT_CLOSED"
    assert (await change(accounts, "CloseAccount")).replayed


async def test_a_batch_heeds_states_member_by_member(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    drafts = [earn("e", 9, member_id=f"m-{number}") for number in range(4)]
    request = transactions_pb2.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)
    await change(accounts, "SuspendAccount")
    drafts = [spend("s", 2, member_id=f"m-{number}") for number in range(4)]
    request = transactions_pb2.BatchPostTransactionsRequest(program_id="jd", transactions=drafts)
    answer = await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)
    assert [each.HasField("error") for each in answer.results] == [False, True, False, False]
    assert refusal_in(answer.results[1].error).reason == "ACCOUNT_SUSPENDED"
    request.atomic = True
    for number, each in enumerate(request.transactions):
        each.request_id = f"t-{number}"
    failed = await refusal_of(ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE))
    assert (failed.reason, failed.metadata["cause"]) == (
        "BATCH_MEMBER_FAILED",
        "ACCOUNT_SUSPENDED",
    )


async def test_nothing_is_posted_after_a_suspension_was_answered(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    """Callers post all the time: whatever they begin after the answer is refused."""
    await ledger.post(earn("e", 100_000))
    begun, answered = asyncio.Event(), asyncio.Event()
    late: list[str] = []

    async def post_on(caller: int) -> None:
        for number in range(40):
            begun_after = answered.is_set()
            try:
                await ledger.post(spend(f"s-{caller}-{number}", 1))
                late.append("posted" if begun_after else "before")
                begun.set()
            except Exception:  # noqa: BLE001  # Refused: what else is told by the books.
                late.append("refused" if begun_after else "meanwhile")

    async def suspend() -> None:
        await begun.wait()
        await change(accounts, "SuspendAccount")
        answered.set()

    await asyncio.gather(suspend(), *(post_on(caller) for caller in range(4)))
    assert "posted" not in late
    assert "refused" in late
    connection = await asyncpg.connect(ledger.database.url)
    try:
        await assert_books_agree(connection)
        last = await connection.fetchval("select max(change_time) from account_change")
        posted = await connection.fetchval(
            "select count(*) from transaction where type = 2 and refusal is null"
        )
    finally:
        await connection.close()
    assert last is not None
    assert (await found(accounts)).posted == 100_000 - posted


async def test_changes_are_repeated_and_guarded_by_etags(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 5))
    etag = (await found(accounts)).etag
    answers = await asyncio.gather(
        *(change(accounts, "SuspendAccount", etag=etag) for _ in range(3))
    )
    assert sorted(each.replayed for each in answers) == [False, True, True]
    assert len({each.account.SerializeToString() for each in answers}) == 1
    raced = await asyncio.gather(
        *(
            change(accounts, "ResumeAccount", f"c-{number}", etag=answers[0].account.etag)
            for number in range(2, 5)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, Exception) for each in raced) == 1
    stale = await refusal_of(change(accounts, "CloseAccount", "c-9", etag=etag))
    assert (stale.code.name, stale.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert stale.metadata == {"etag": etag, "current_etag": (await found(accounts)).etag}
    reused = await refusal_of(change(accounts, "SuspendAccount", reason="other"))
    assert reused.reason == "REQUEST_ID_REUSED"
    await ledger.post(earn("e2", 5))
    assert (await found(accounts)).etag == stale.metadata["current_etag"]


async def test_an_account_that_never_was_is_not_changed(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    assert (await refusal_of(change(accounts, "SuspendAccount"))).reason == "ACCOUNT_NOT_FOUND"
    unknown = change(accounts, "SuspendAccount", asset_id="gold")
    assert (await refusal_of(unknown)).reason == "ASSET_NOT_FOUND"


def test_the_states_are_those_of_the_contract() -> None:
    sent = {name.removeprefix("ACCOUNT_STATE_"): n for name, n in pb.AccountState.items()}
    assert sent == {"UNSPECIFIED": 0} | {each.name: each.value for each in AccountState}
