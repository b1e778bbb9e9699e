"""Transactions packed as bytes are the messages that are made field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel_ledger.domain.accounts import AccountKey, Movement
from laurel_ledger.domain.errors import InsufficientPoints
from laurel_ledger.domain.posting import Posted, Refused
from laurel_ledger.domain.spendings import Spending, SpendShortfall
from laurel_ledger.domain.transactions import COUNTER_KIND, Transaction
from laurel_ledger.handlers.transaction_streams import AnsweredMessage
from laurel_ledger.handlers.transactions import PostedBatch
from laurel_ledger.wire.packed_transactions import packed_transaction
from laurel_ledger.wire.transactions import fill_fields, write_answered_message, write_batch

from tests.support.ledger import NOON, PROGRAM

numbers = st.integers(-(10**15), 10**15) | st.sampled_from([0, 1, 127, 128, -1, 4095, 4096, -4096])
texts = st.text(max_size=130)
instants = st.timedeltas(timedelta(days=-40_000), timedelta(days=40_000)).map(
    lambda since: NOON + since
)
movements = st.builds(
    Movement,
    lot_no=st.integers(1, 2**31 - 1),
    amount=numbers,
    position=numbers,
    funding_account_id=texts,
    expire_time=st.none() | instants,
)
spendings = st.none() | st.just(Spending(requested=5, shortfall=SpendShortfall.REJECT, lines=()))


@st.composite
def transactions(draw):
    commit_time = draw(instants)
    return Transaction(
        key=AccountKey(PROGRAM, draw(texts), draw(texts)),
        request_id=draw(texts),
        type=draw(st.sampled_from(sorted(COUNTER_KIND))),
        amount=draw(numbers),
        counter_account_id=draw(texts),
        version=draw(numbers),
        posted_after=draw(numbers),
        movements=tuple(draw(st.lists(movements, max_size=3))),
        commit_time=commit_time,
        effective_time=draw(st.just(commit_time) | instants),
        reason=draw(texts),
        labels=draw(st.sampled_from([{}, {}, {"b": "ö"}])),
        program_revision=draw(texts),
        spending=draw(spendings),
    )


def field_by_field(transaction: Transaction) -> pb.Transaction:
    message = pb.Transaction()
    fill_fields(message, transaction)
    return message


@settings(max_examples=100, deadline=None)
@given(transaction=transactions())
def test_bytes_are_the_message(transaction: Transaction):
    packed = packed_transaction(transaction)
    usual = not transaction.labels and transaction.spending is None
    assert (packed is not None) == usual
    if packed is not None:
        assert pb.Transaction.FromString(packed) == field_by_field(transaction)


@settings(max_examples=30, deadline=None)
@given(posted=st.lists(transactions(), max_size=4), replayed=st.booleans())
def test_answers_hold_all_results_in_order(posted: list[Transaction], replayed: bool):
    error = InsufficientPoints(asset_id="bean", available=1, requested=2)
    refused = Status(code=9, message="too few")
    outcomes = [Posted(transaction=each, replayed=replayed) for each in posted]
    answer = PostedBatch(
        outcomes=(*outcomes, Refused(error=error, replayed=replayed), *outcomes),
        commit_token="seen",
    )
    done = [
        pb.BatchPostTransactionsResult(transaction=field_by_field(each), replayed=replayed)
        for each in posted
    ]
    results = [*done, pb.BatchPostTransactionsResult(error=refused, replayed=replayed), *done]
    batch = write_batch(answer, lambda _: refused)
    assert batch == pb.BatchPostTransactionsResponse(results=results, commit_token="seen")
    message = write_answered_message(
        AnsweredMessage(outcome=answer, messages_done=3), lambda _: refused
    )
    assert message == pb.StreamTransactionsResponse(
        results=results,
        commit_token="seen",
        messages_done=3,
    )


def test_the_usual_is_packed():
    usual = replace(
        Transaction(
            key=AccountKey(PROGRAM, "m-1", "bean"),
            request_id="r",
            type=next(iter(COUNTER_KIND)),
            amount=1,
            counter_account_id="platform",
            version=1,
            posted_after=1,
            movements=(),
            commit_time=NOON,
            effective_time=NOON,
            reason="",
            labels={},
            program_revision="",
        ),
        amount=5,
    )
    assert packed_transaction(usual)
