"""Changes of balances by hand over gRPC: two people, limits by role, races, repeats, crashes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import adjustments_pb2 as pb
from laurel.ledger.v1 import finance_pb2, transactions_pb2
from laurel.ledger.v1.adjustments_pb2_grpc import AdjustmentServiceStub
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.ledger.v1.transactions_pb2 import GetTransactionRequest
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub
from laurel_kit.clock import SettableClock
from laurel_kit.database import DatabaseUnavailable
from laurel_ledger.config import LedgerSettings
from laurel_ledger.domain.adjustments import AdjustmentState
from laurel_ledger.engine.posting import PostingEngine
from laurel_ledger.handlers import adjustments as handlers
from laurel_ledger.service import build

from tests.contract.kit.credentials import Signer, token_settings
from tests.support.audit import assert_books_agree
from tests.support.databases import DatabaseOf
from tests.support.patience import PATIENT
from tests.support.programs import program_text
from tests.support.servers import serve

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of

NAMES = {"program_id": "jd", "member_id": "m-1"}


@pytest.fixture
def desk(ledger: LedgerStubs) -> AdjustmentServiceStub:
    return AdjustmentServiceStub(ledger.channel)


def create(desk: AdjustmentServiceStub, request_id: str = "a-1", amount: int = 50, **fields):
    usual = NAMES | {
        "asset_id": "bean",
        "funding_account_id": "platform",
        "reason_id": "goodwill",
        "comment": "the parcel was late",
        "operator_id": "ann",
    }
    metadata = fields.pop("metadata", None)
    request = pb.CreateAdjustmentRequest(request_id=request_id, amount=amount, **(usual | fields))
    return desk.CreateAdjustment(request, timeout=DEADLINE, metadata=metadata)


def approve(desk: AdjustmentServiceStub, request_id: str = "d-1", **fields):
    usual = NAMES | {"adjustment_id": "a-1", "operator_id": "bob"}
    metadata = fields.pop("metadata", None)
    request = pb.ApproveAdjustmentRequest(request_id=request_id, **(usual | fields))
    return desk.ApproveAdjustment(request, timeout=DEADLINE, metadata=metadata)


def reject(desk: AdjustmentServiceStub, request_id: str = "d-2", **fields):
    usual = NAMES | {"adjustment_id": "a-1", "operator_id": "bob", "comment": "no proof"}
    request = pb.RejectAdjustmentRequest(request_id=request_id, **(usual | fields))
    return desk.RejectAdjustment(request, timeout=DEADLINE)


async def found(desk: AdjustmentServiceStub, adjustment_id: str = "a-1") -> pb.Adjustment:
    request = pb.GetAdjustmentRequest(adjustment_id=adjustment_id, **NAMES)
    return (await desk.GetAdjustment(request, timeout=DEADLINE)).adjustment


async def available(ledger: LedgerStubs) -> int:
    request = GetBalanceRequest(asset_id="bean", **NAMES)
    return (await ledger.balances.GetBalance(request, timeout=DEADLINE)).balance.available


async def test_approve_adjustment_posts_what_somebody_else_proposed(
    ledger: LedgerStubs, desk: AdjustmentServiceStub
) -> None:
    proposed = (await create(desk)).adjustment
    assert (proposed.state, proposed.maker_id) == (pb.ADJUSTMENT_STATE_PENDING, "ann")
    assert await available(ledger) == 0
    approved = await approve(desk, comment="seen")
    adjustment = approved.adjustment
    assert (adjustment.state, adjustment.checker_id) == (pb.ADJUSTMENT_STATE_POSTED, "bob")
    assert adjustment.decision_comment == "seen"
    assert approved.commit_token
    assert await available(ledger) == 50
    request = GetTransactionRequest(request_id=adjustment.transaction_id, **NAMES)
    posted = (await ledger.transactions.GetTransaction(request, timeout=DEADLINE)).transaction
    assert posted.type == transactions_pb2.TRANSACTION_TYPE_ADJUSTMENT_CREDIT
    assert posted.labels == {"adjustment_id": "a-1", "maker_id": "ann", "checker_id": "bob"}
    assert [(each.account_kind, each.account_id, each.amount) for each in posted.entries] == [
        (transactions_pb2.ACCOUNT_KIND_MEMBER, "m-1", 50),
        (transactions_pb2.ACCOUNT_KIND_ADJUSTMENT, "platform", -50),
    ]
    assert await found(desk) == adjustment


async def test_get_adjustment_answers_what_was_proposed(desk: AdjustmentServiceStub) -> None:
    proposed = (await create(desk)).adjustment
    assert await found(desk) == proposed
    assert (await refusal_of(found(desk, "a-9"))).reason == "ADJUSTMENT_NOT_FOUND"


async def test_points_are_taken_by_hand_too_and_the_books_add_up(
    ledger: LedgerStubs, desk: AdjustmentServiceStub
) -> None:
    await ledger.post(earn("e", 80))
    await create(desk, amount=-30)
    await create(desk, "a-2", amount=20)
    await approve(desk)
    await approve(desk, "d-2", adjustment_id="a-2")
    assert await available(ledger) == 70
    request = finance_pb2.GetTrialBalanceRequest(program_id="jd")
    stub = FinanceServiceStub(ledger.channel)
    (beans,) = (await stub.GetTrialBalance(request, timeout=DEADLINE)).trial_balance.assets
    lines = {each.account_kind: each.posted for each in beans.lines}
    assert lines[transactions_pb2.ACCOUNT_KIND_ADJUSTMENT] == 10
    assert (lines[transactions_pb2.ACCOUNT_KIND_MEMBER], beans.difference) == (70, 0)
    connection = await asyncpg.connect(ledger.database.url)
    try:
        await assert_books_agree(connection)
    finally:
        await connection.close()


async def test_what_cannot_be_posted_fails_for_good(
    ledger: LedgerStubs, desk: AdjustmentServiceStub
) -> None:
    await create(desk, amount=-30)
    failed = await approve(desk)
    assert failed.adjustment.state == pb.ADJUSTMENT_STATE_FAILED
    assert failed.adjustment.failure_reason == "INSUFFICIENT_POINTS"
    assert (failed.adjustment.transaction_id, failed.commit_token) == ("", "")
    await ledger.post(earn("e", 80))
    again = await approve(desk)
    assert (again.adjustment, again.replayed) == (failed.adjustment, True)
    assert await available(ledger) == 80


async def test_nobody_approves_what_they_proposed(desk: AdjustmentServiceStub) -> None:
    await create(desk)
    refused = await refusal_of(approve(desk, operator_id="ann"))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "SELF_APPROVAL",
    )
    assert refused.metadata == {"adjustment_id": "a-1", "operator_id": "ann"}
    assert (await found(desk)).state == pb.ADJUSTMENT_STATE_PENDING
    taken_back = (await reject(desk, operator_id="ann")).adjustment
    assert (taken_back.state, taken_back.checker_id) == (pb.ADJUSTMENT_STATE_REJECTED, "ann")


async def test_reject_adjustment_and_two_approvals_at_once_come_to_one_decision(
    ledger: LedgerStubs, desk: AdjustmentServiceStub
) -> None:
    for number in range(6):
        name = f"a-{number}"
        await create(desk, name, amount=1)
        answers = await asyncio.gather(
            *(
                decide(desk, f"d-{number}-{who}", adjustment_id=name, operator_id=who)
                for decide, who in ((approve, "bob"), (approve, "carl"), (reject, "dora"))
            ),
            return_exceptions=True,
        )
        decided = [each for each in answers if not isinstance(each, Exception)]
        assert len(decided) == 1
        after = await found(desk, name)
        assert after == decided[0].adjustment
        assert after.state in (pb.ADJUSTMENT_STATE_POSTED, pb.ADJUSTMENT_STATE_REJECTED)
    posted = [(await found(desk, f"a-{number}")).transaction_id != "" for number in range(6)]
    assert await available(ledger) == sum(posted)


async def test_a_repeat_is_given_the_first_answer(
    ledger: LedgerStubs, desk: AdjustmentServiceStub
) -> None:
    first, second = await asyncio.gather(create(desk), create(desk))
    assert first.adjustment == second.adjustment
    assert {first.replayed, second.replayed} == {False, True}
    answers = await asyncio.gather(*(approve(desk) for _ in range(4)))
    assert sorted(each.replayed for each in answers) == [False, True, True, True]
    assert len({each.adjustment.SerializeToString() for each in answers}) == 1
    assert len({each.commit_token for each in answers}) == 1
    assert await available(ledger) == 50
    refused = await refusal_of(create(desk, amount=51))
    assert refused.reason == "REQUEST_ID_REUSED"
    assert refused.metadata["mismatched_fields"] == "amount"
    assert (await refusal_of(approve(desk, comment="else"))).reason == "REQUEST_ID_REUSED"
    decided = await refusal_of(reject(desk))
    assert (decided.reason, decided.metadata["state"]) == ("ADJUSTMENT_DECIDED", "POSTED")


async def test_an_approval_is_posted_by_the_ledger_when_its_caller_is_gone(
    ledger: LedgerStubs,
    desk: AdjustmentServiceStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    await create(desk)
    with monkeypatch.context() as broken:
        broken.setattr(PostingEngine, "post", down)
        refused = await refusal_of(approve(desk))
    assert refused.reason == "DATABASE_UNAVAILABLE"
    assert (await found(desk)).state == pb.ADJUSTMENT_STATE_APPROVED
    late = handlers.GRACE + timedelta(seconds=1)
    advance = AdvanceClockRequest(duration=Duration(seconds=int(late.total_seconds())))
    await ClockServiceStub(ledger.channel).AdvanceClock(advance, timeout=DEADLINE)
    assert (await found(desk)).state == pb.ADJUSTMENT_STATE_POSTED
    assert await available(ledger) == 50
    again = await approve(desk)
    assert (again.replayed, again.adjustment.state) == (True, pb.ADJUSTMENT_STATE_POSTED)
    assert await available(ledger) == 50


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"program_id": "none"}, "NOT_FOUND", "PROGRAM_NOT_FOUND"),
        ({"asset_id": "gold"}, "NOT_FOUND", "ASSET_NOT_FOUND"),
        ({"funding_account_id": "order-payment"}, "NOT_FOUND", "ACCOUNT_NOT_FOUND"),
        ({"reason_id": "whim"}, "NOT_FOUND", "ADJUSTMENT_REASON_NOT_FOUND"),
        ({"amount": 10**7 + 1}, "PERMISSION_DENIED", "ADJUSTMENT_LIMIT_EXCEEDED"),
        ({"amount": 0}, "INVALID_ARGUMENT", "REQUEST_INVALID"),
        ({"amount": 10**15 + 1}, "INVALID_ARGUMENT", "REQUEST_INVALID"),
        ({"comment": "a\0"}, "INVALID_ARGUMENT", "REQUEST_INVALID"),
        ({"reason_id": ""}, "INVALID_ARGUMENT", "REQUEST_INVALID"),
    ],
)
async def test_create_adjustment_refuses_what_cannot_be(
    desk: AdjustmentServiceStub, fields: dict, code: str, reason: str
) -> None:
    refused = await refusal_of(create(desk, **fields))
    assert (refused.code.name, refused.reason) == (code, reason)
    assert (await refusal_of(found(desk))).reason == "ADJUSTMENT_NOT_FOUND"
    assert (await refusal_of(approve(desk))).reason == "ADJUSTMENT_NOT_FOUND"


async def test_list_adjustments_chooses_by_member_and_state(desk: AdjustmentServiceStub) -> None:
    for number in range(7):
        await create(desk, f"a-{number}", member_id=f"m-{number % 2}")
    await reject(desk, adjustment_id="a-3")
    names, token = [], ""
    while True:
        request = pb.ListAdjustmentsRequest(program_id="jd", page_size=3, page_token=token)
        page = await desk.ListAdjustments(request, timeout=DEADLINE)
        names += [each.adjustment_id for each in page.adjustments]
        token = page.next_page_token
        if not token:
            break
    assert sorted(names) == [f"a-{number}" for number in range(7)]

    async def listed(**fields) -> list[str]:
        request = pb.ListAdjustmentsRequest(program_id="jd", **fields)
        page = await desk.ListAdjustments(request, timeout=DEADLINE)
        return [each.adjustment_id for each in page.adjustments]

    assert sorted(await listed(member_id="m-1")) == ["a-1", "a-3", "a-5"]
    assert await listed(state=pb.ADJUSTMENT_STATE_REJECTED) == ["a-3"]
    assert await listed(member_id="m-0", state=pb.ADJUSTMENT_STATE_REJECTED) == []
    other = pb.ListAdjustmentsRequest(program_id="jd", page_token="x")
    assert (await refusal_of(desk.ListAdjustments(other))).reason == "PAGE_TOKEN_INVALID"


def test_the_states_are_those_of_the_contract() -> None:
    sent = {name.removeprefix("ADJUSTMENT_STATE_"): n for name, n in pb.AdjustmentState.items()}
    assert sent == {"UNSPECIFIED": 0} | {each.name: each.value for each in AdjustmentState}


async def test_limits_follow_the_roles_of_whoever_calls(
    database_of: DatabaseOf, clock: SettableClock, tmp_path: Path
) -> None:
    """With tokens: the subject is who acts, and naming somebody else takes a scope."""
    signer = Signer.at(tmp_path / "issuer.pem")
    database = await database_of.access("ledger")
    settings = LedgerSettings(
        database_url=database.url,
        sandbox=True,
        address="127.0.0.1:0",
        **token_settings(signer.file),
        **PATIENT,
    )

    def token(subject: str, *scopes: str) -> tuple[tuple[str, str], ...]:
        held = " ".join(("ledger.adjust", "ledger.approve", *scopes))
        return (("authorization", f"Bearer {signer.token(held, sub=subject)}"),)

    admin = (("authorization", f"Bearer {signer.token('program.admin ledger.admin')}"),)
    ann = token("ann", "ledger.role.agent")
    bob = token("bob", "ledger.role.agent", "ledger.role.supervisor")
    async with serve(build, settings, clock=clock) as channel:
        request = ApplyRevisionRequest(request_id="program-1", source=program_text())
        programs = ProgramServiceStub(channel)
        await programs.ApplyRevision(request, timeout=DEADLINE, metadata=admin)
        desk = AdjustmentServiceStub(channel)
        refused = await refusal_of(create(desk, amount=5001, operator_id="", metadata=ann))
        assert refused.reason == "ADJUSTMENT_LIMIT_EXCEEDED"
        assert refused.metadata == {"operator_id": "ann", "amount": "5001", "amount_max": "5000"}
        made = await create(desk, amount=5000, operator_id="", metadata=ann)
        assert made.adjustment.maker_id == "ann"
        delegating = await refusal_of(approve(desk, operator_id="carl", metadata=ann))
        assert delegating.reason == "SCOPE_MISSING"
        assert delegating.metadata == {"scope": "ledger.delegate"}
        lowly = token("dora", "ledger.role.agent")
        refused = await refusal_of(approve(desk, operator_id="", metadata=lowly))
        assert (refused.reason, refused.metadata["amount_max"]) == (
            "ADJUSTMENT_LIMIT_EXCEEDED",
            "0",
        )
        done = await approve(desk, operator_id="bob", metadata=bob)
        assert done.adjustment.state == pb.ADJUSTMENT_STATE_POSTED
        office = token("crm", "ledger.delegate", "ledger.role.supervisor")
        await create(desk, "a-2", amount=50_000, operator_id="eve", metadata=office)
        refused = await refusal_of(
            approve(desk, "d-2", adjustment_id="a-2", operator_id="eve", metadata=office)
        )
        assert refused.reason == "SELF_APPROVAL"
