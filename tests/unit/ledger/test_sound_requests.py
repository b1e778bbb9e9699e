"""What is spared the validator keeps every rule of the contract."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel_kit.interceptors.validation import collect
from laurel_ledger.wire.sound_requests import (
    batch_is_sound,
    message_is_sound,
    post_is_sound,
    question_is_sound,
)

LIMIT = 10**15
GOOD = st.text("aZ09._:-", min_size=1, max_size=64)
# Mostly right, and wrong in every way that an id can be.
IDS = st.one_of(
    *[GOOD] * 6,
    st.sampled_from(["", "a" * 64, "a" * 65, "a/b", "a\n", "\n", "é", "a b", "a\x00", "a/b/c/d"]),
)
AMOUNTS = st.one_of(
    st.integers(1, LIMIT), st.sampled_from([0, -1, LIMIT, LIMIT + 1, 2**63 - 1, -(2**63)])
)
TIMES = st.sampled_from([None] * 8 + [Timestamp(seconds=1), Timestamp(seconds=1_800_000_000)])


@st.composite
def drafts(draw) -> pb.TransactionDraft:
    usual = {"member_id": draw(IDS), "asset_id": draw(IDS), "amount": draw(AMOUNTS)}
    draft = pb.TransactionDraft(request_id=draw(IDS), effective_time=draw(TIMES))
    kind = draw(st.sampled_from(["earn", "spend", "earn", "spend", "none"]))
    if kind == "earn":
        earn = pb.Earn(**usual, funding_account_id=draw(IDS), expire_time=draw(TIMES))
        draft.earn.CopyFrom(earn)
    elif kind == "spend":
        draft.spend.CopyFrom(pb.Spend(**usual, redemption_account_id=draw(IDS)))
    if draw(st.integers(0, 9)) == 0:
        draft.reason = draw(st.sampled_from(["why", "x" * 201, "\x00"]))
        draft.labels["k" * draw(st.integers(0, 65))] = "v"
        draft.program_revision = draw(st.sampled_from(["", "r" * 81]))
    return draft


@given(program_id=IDS, members=st.lists(drafts(), max_size=4))
@settings(max_examples=300, deadline=None)
def test_what_is_known_to_be_sound_breaks_no_rule(program_id, members) -> None:
    batch = pb.BatchPostTransactionsRequest(program_id=program_id, transactions=members)
    message = pb.StreamTransactionsRequest(program_id=program_id, transactions=members)
    assert not (batch_is_sound(batch) and collect(batch))
    assert not (message_is_sound(message) and collect(message))
    for draft in members:
        single = pb.PostTransactionRequest(program_id=program_id, transaction=draft)
        assert not (post_is_sound(single) and collect(single))


@given(program_id=IDS, member_id=IDS, asset_id=IDS, version=st.sampled_from([None, -1, 0, 1]))
@settings(max_examples=200, deadline=None)
def test_a_question_known_to_be_sound_breaks_no_rule(program_id, member_id, asset_id, version):
    request = GetBalanceRequest(
        program_id=program_id, member_id=member_id, asset_id=asset_id, version=version
    )
    assert not (question_is_sound(request) and collect(request))


def test_the_usual_question_is_known_to_be_sound() -> None:
    assert question_is_sound(GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean"))


def earning() -> pb.TransactionDraft:
    earn = pb.Earn(member_id="m", asset_id="bean", amount=1, funding_account_id="platform")
    return pb.TransactionDraft(request_id="r", earn=earn)


def test_usual_drafts_are_known_to_be_sound_and_no_more_of_them_than_a_call_may_have() -> None:
    assert post_is_sound(pb.PostTransactionRequest(program_id="jd", transaction=earning()))
    for request, sound, most in (
        (pb.BatchPostTransactionsRequest(program_id="jd"), batch_is_sound, 5000),
        (pb.StreamTransactionsRequest(program_id="jd"), message_is_sound, 1000),
    ):
        assert not sound(request)
        request.transactions.extend([earning()] * most)
        assert sound(request)
        assert not collect(request)
        request.transactions.append(earning())
        assert not sound(request)
        assert collect(request)
    assert not post_is_sound(pb.PostTransactionRequest(program_id="jd"))
