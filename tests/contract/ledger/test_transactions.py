"""Posting over gRPC: outcomes, repeats and refusals as a caller sees them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from laurel.ledger.v1 import transactions_pb2 as pb

from .conftest import DEADLINE, LedgerStubs, earn, refusal_in, refusal_of, spend

END_OF_2027 = Timestamp(seconds=int(datetime(2027, 12, 31, 16, tzinfo=UTC).timestamp()))
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


async def batch(ledger: LedgerStubs, *drafts, **fields):
    request = pb.BatchPostTransactionsRequest(program_id="jd", transactions=drafts, **fields)
    return await ledger.transactions.BatchPostTransactions(request, timeout=DEADLINE)


async def rows_of_all_tables(ledger: LedgerStubs) -> dict[str, int]:
    """How many rows every table has."""
    connection = await asyncpg.connect(ledger.database.owner_url)
    try:
        names = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'public'"
        )
        return {
            name: await connection.fetchval(f'select count(*) from "{name}"') for (name,) in names
        }
    finally:
        await connection.close()


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


async def test_post_transaction_answers_both_entries_and_the_lot(ledger: LedgerStubs) -> None:
    posted = await ledger.post(earn("r-1", 100, reason="welcome", labels={"order": "o-1"}))
    transaction = posted.transaction
    member, platform = transaction.entries
    assert (member.amount, member.version, member.posted_after) == (100, 1, 100)
    assert (platform.account_kind, platform.amount) == (pb.ACCOUNT_KIND_FUNDING, -100)
    assert not platform.HasField("version")
    (movement,) = transaction.lot_movements
    assert (movement.lot_id, movement.amount, movement.position) == ("1", 100, 0)
    assert movement.expire_time == END_OF_2027
    assert transaction.program_revision.startswith("sha256:")
    assert (transaction.reason, dict(transaction.labels)) == ("welcome", {"order": "o-1"})
    assert posted.commit_token
    assert not posted.replayed


async def test_post_transaction_repeated_answers_the_first_outcome(ledger: LedgerStubs) -> None:
    first = await ledger.post(earn("r-1", 100))
    await ledger.post(spend("r-2", 60))
    again = await ledger.post(earn("r-1", 100))
    assert again.replayed
    assert again.transaction == first.transaction
    assert again.commit_token == first.commit_token


@pytest.mark.parametrize(
    ("other", "mismatched"),
    [
        (earn("r-1", 101), "amount"),
        (earn("r-1", 100, asset_id="stamp"), "asset_id"),
        (earn("r-1", 100, funding_account_id="merchant"), "funding_account_id"),
        (earn("r-1", 100, reason="other"), "reason"),
        (earn("r-1", 100, labels={"order": "o-1"}), "labels"),
        (earn("r-1", 100, program_revision="r"), "program_revision"),
        (earn("r-1", 100, effective_time=instant(NOON)), "effective_time"),
        (earn("r-1", 100, expire_time=END_OF_2027), "expire_time"),
        (earn("r-1", 99, reason="x"), "amount,reason"),
        (spend("r-1", 100), "effect"),
    ],
)
async def test_post_transaction_refuses_a_reused_request_id(
    ledger: LedgerStubs, other: pb.TransactionDraft, mismatched: str
) -> None:
    await ledger.post(earn("r-1", 100))
    refused = await refusal_of(ledger.post(other))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    assert refused.metadata == {"request_id": "r-1", "mismatched_fields": mismatched}
    assert (await ledger.post(earn("r-1", 100))).replayed


async def test_post_transaction_refused_for_want_of_points_stays_refused(
    ledger: LedgerStubs,
) -> None:
    await ledger.post(earn("r-1", 100))
    refused = await refusal_of(ledger.post(spend("r-2", 101)))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "INSUFFICIENT_POINTS"
    assert refused.metadata == {"asset_id": "bean", "available": "100", "requested": "101"}
    await ledger.post(earn("r-3", 100))
    assert await refusal_of(ledger.post(spend("r-2", 101))) == refused
    assert (await refusal_of(ledger.post(spend("r-2", 1)))).reason == "REQUEST_ID_REUSED"


NOTHING_HAPPENED = [
    (earn("r-1", 0), "AMOUNT_NOT_POSITIVE"),
    (earn("r-1", -5), "AMOUNT_NOT_POSITIVE"),
    (spend("r-1", 0), "AMOUNT_NOT_POSITIVE"),
    (earn("r-1", 10**15 + 1), "AMOUNT_TOO_LARGE"),
    (earn("", 5), "REQUEST_INVALID"),
    (earn("r 1", 5), "REQUEST_INVALID"),
    (earn("r-1", 5, member_id="m" * 65), "REQUEST_INVALID"),
    (earn("r-1", 5, labels={f"k{n}": "v" for n in range(17)}), "REQUEST_INVALID"),
    (earn("r-1", 5, labels={"k": "v" * 257}), "REQUEST_INVALID"),
    (earn("r-1", 5, reason="r" * 201), "REQUEST_INVALID"),
    (pb.TransactionDraft(request_id="r-1"), "REQUEST_INVALID"),
    (earn("r-1", 5, asset_id="gold"), "ASSET_NOT_FOUND"),
    (earn("r-1", 5, expire_time=instant(NOON)), "EXPIRY_NOT_AFTER_ACTIVE"),
    (
        earn("r-1", 5, effective_time=instant(datetime(2020, 1, 1, tzinfo=UTC))),
        "EXPIRY_NOT_AFTER_ACTIVE",
    ),
    (earn("r-1", 5, effective_time=instant(NOON + timedelta(minutes=6))), "TIME_IN_FUTURE"),
]


@pytest.mark.parametrize(("draft", "reason"), NOTHING_HAPPENED)
async def test_post_transaction_refused_leaves_no_trace(
    ledger: LedgerStubs, draft: pb.TransactionDraft, reason: str
) -> None:
    before = await rows_of_all_tables(ledger)
    refused = await refusal_of(ledger.post(draft))
    assert refused.reason == reason
    assert await rows_of_all_tables(ledger) == before
    if reason == "REQUEST_INVALID":
        assert "BadRequest" in refused.details


async def test_post_transaction_names_every_fault_at_once(ledger: LedgerStubs) -> None:
    refused = await refusal_of(ledger.post(earn("r 1", 0, member_id="")))
    assert refused.reason == "REQUEST_INVALID"
    assert refused.metadata["violations"] == "3"


async def test_post_transaction_takes_an_effective_time_within_the_skew(
    ledger: LedgerStubs,
) -> None:
    posted = await ledger.post(earn("r-1", 5, effective_time=instant(NOON + timedelta(minutes=5))))
    assert posted.transaction.effective_time == instant(NOON + timedelta(minutes=5))


async def test_post_transaction_needs_a_known_program(ledger: LedgerStubs) -> None:
    request = pb.PostTransactionRequest(program_id="none", transaction=earn("r-1", 5))
    call = ledger.transactions.PostTransaction(request, timeout=DEADLINE)
    refused = await refusal_of(call)
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND")


@pytest.mark.parametrize(
    "draft",
    [
        earn("r-1", 5, funding_account_id="nobody"),
        earn("r-1", 5, funding_account_id="order-payment"),
        spend("r-1", 5, redemption_account_id="platform"),
        spend("r-1", 5, redemption_account_id="breakage"),
    ],
)
async def test_post_transaction_needs_an_account_of_that_purpose(
    ledger: LedgerStubs, draft: pb.TransactionDraft
) -> None:
    refused = await refusal_of(ledger.post(draft))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    assert await refusal_of(ledger.post(draft)) == refused


async def test_post_transaction_validated_only_stores_nothing(ledger: LedgerStubs) -> None:
    before = await rows_of_all_tables(ledger)
    tried = await ledger.post(earn("r-1", 100), validate_only=True)
    assert tried.transaction.entries[0].posted_after == 100
    assert not tried.commit_token
    refused = await refusal_of(ledger.post(spend("r-2", 1), validate_only=True))
    assert refused.reason == "INSUFFICIENT_POINTS"
    assert await rows_of_all_tables(ledger) == before
    assert not (await ledger.post(earn("r-1", 100))).replayed


async def test_post_transaction_at_once_with_one_request_id_posts_once(
    ledger: LedgerStubs,
) -> None:
    answers = await asyncio.gather(*(ledger.post(earn("r-1", 100)) for _ in range(20)))
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
    assert (
        len({answer.transaction.SerializeToString(deterministic=True) for answer in answers}) == 1
    )


async def test_post_transaction_spends_soonest_expiry_first_e20_o20(ledger: LedgerStubs) -> None:
    """The example of P11, with E20."""
    await ledger.post(earn("b", 2500))
    await ledger.post(earn("a", 1200, expire_time=instant(datetime(2026, 12, 31, 16, tzinfo=UTC))))
    await ledger.post(earn("c", 800, expire_time=instant(datetime(2026, 6, 30, 16, tzinfo=UTC))))
    posted = await ledger.post(spend("s", 3000))
    taken = [(each.lot_id, each.amount) for each in posted.transaction.lot_movements]
    assert taken == [("3", -800), ("2", -1200), ("1", -1000)]


async def test_post_transaction_never_spends_what_is_void(ledger: LedgerStubs, clock) -> None:
    soon = NOON + timedelta(days=1)
    await ledger.post(earn("a", 50, expire_time=instant(soon)))
    await ledger.post(earn("b", 70))
    clock.set(soon - timedelta(microseconds=100))
    assert (await ledger.post(spend("in-time", 20))).transaction.entries[0].posted_after == 100
    clock.set(soon)
    refused = await refusal_of(ledger.post(spend("late", 71)))
    assert refused.metadata["available"] == "70"
    assert (await ledger.post(spend("rest", 70))).transaction.entries[0].version == 5


async def test_batch_post_transactions_answers_each_for_itself(ledger: LedgerStubs) -> None:
    answer = await batch(
        ledger,
        earn("r-1", 100),
        spend("r-2", 150),
        spend("r-3", 40, member_id="m-1"),
        earn("r-4", 5, member_id="m-2", asset_id="gold"),
        earn("r-1", 100),
        earn("r-1", 7),
    )
    kinds = [result.WhichOneof("outcome") for result in answer.results]
    assert kinds == ["transaction", "error", "transaction", "error", "transaction", "error"]
    assert [result.replayed for result in answer.results] == [False] * 4 + [True, False]
    reasons = [refusal_in(r.error).reason for r in answer.results if r.HasField("error")]
    assert reasons == ["INSUFFICIENT_POINTS", "ASSET_NOT_FOUND", "REQUEST_ID_REUSED"]
    assert answer.results[2].transaction.entries[0].posted_after == 60


async def test_batch_post_transactions_repeated_replays_all(ledger: LedgerStubs) -> None:
    drafts = [earn(f"r-{n}", n, member_id=f"m-{n}") for n in range(1, 40)]
    first = await batch(ledger, *drafts)
    again = await batch(ledger, *drafts)
    assert all(result.replayed for result in again.results)
    assert [r.transaction for r in again.results] == [r.transaction for r in first.results]
    assert again.commit_token == first.commit_token


async def test_batch_post_transactions_atomic_posts_all_or_none(ledger: LedgerStubs) -> None:
    before = await rows_of_all_tables(ledger)
    drafts = [earn("r-1", 100), earn("r-2", 5, member_id="m-2"), spend("r-3", 101)]
    refused = await refusal_of(batch(ledger, *drafts, atomic=True))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "BATCH_MEMBER_FAILED")
    assert refused.metadata == {"index": "2", "cause": "INSUFFICIENT_POINTS"}
    assert await rows_of_all_tables(ledger) == before
    drafts[2] = spend("r-3", 100)
    answer = await batch(ledger, *drafts, atomic=True)
    assert [result.replayed for result in answer.results] == [False] * 3


async def test_batch_post_transactions_too_large_is_refused(ledger: LedgerStubs) -> None:
    drafts = [earn(f"r-{n}", 1) for n in range(5001)]
    assert (await refusal_of(batch(ledger, *drafts))).reason == "REQUEST_INVALID"


async def test_get_transaction_answers_what_was_posted(ledger: LedgerStubs) -> None:
    await ledger.post(earn("a", 10, expire_time=instant(NOON + timedelta(days=9))))
    await ledger.post(earn("0190a5c1-7d00-7000-8000-000000000001", 10))
    posted = await ledger.post(spend("both", 15, labels={"order": "o-1"}))
    request = pb.GetTransactionRequest(program_id="jd", member_id="m-1", request_id="both")
    found = await ledger.transactions.GetTransaction(request, timeout=DEADLINE)
    assert found.transaction == posted.transaction


@pytest.mark.parametrize(("member", "name"), [("m-1", "none"), ("m-2", "a"), ("m-1", "refused")])
async def test_get_transaction_finds_only_what_was_posted(
    ledger: LedgerStubs, member: str, name: str
) -> None:
    await ledger.post(earn("a", 10))
    await refusal_of(ledger.post(spend("refused", 11)))
    request = pb.GetTransactionRequest(program_id="jd", member_id=member, request_id=name)
    refused = await refusal_of(ledger.transactions.GetTransaction(request, timeout=DEADLINE))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "TRANSACTION_NOT_FOUND")
