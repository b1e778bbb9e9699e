"""The ledger without its database: refused with a reason, exact, and back by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_ledger.config import LedgerSettings
from laurel_ledger.service import build

from tests.support.databases import DatabaseOf
from tests.support.outages import Wire, wire_to
from tests.support.patience import PATIENT
from tests.support.programs import program_text
from tests.support.servers import serve

from .conftest import DEADLINE, earn, refusal_of


@pytest.fixture
async def wire(database_of: DatabaseOf) -> AsyncIterator[Wire]:
    database = await database_of.access("ledger")
    async with wire_to(database.url) as wire:
        yield wire


@pytest.fixture
async def channel(database_of: DatabaseOf, wire: Wire) -> AsyncIterator[grpc.aio.Channel]:
    url = wire.through((await database_of.access("ledger")).url)
    settings = LedgerSettings(database_url=url, sandbox=True, address="127.0.0.1:0", **PATIENT)
    async with serve(build, settings) as channel:
        request = ApplyRevisionRequest(request_id="program-1", source=program_text())
        await ProgramServiceStub(channel).ApplyRevision(request, timeout=DEADLINE)
        yield channel


def post(channel: grpc.aio.Channel, draft: pb.TransactionDraft):
    request = pb.PostTransactionRequest(program_id="jd", transaction=draft)
    return TransactionServiceStub(channel).PostTransaction(request, timeout=DEADLINE)


def balance(channel: grpc.aio.Channel):
    request = GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean")
    return BalanceServiceStub(channel).GetBalance(request, timeout=DEADLINE)


async def test_post_transaction_without_a_database_is_refused_and_recovers(
    channel: grpc.aio.Channel, wire: Wire
) -> None:
    await post(channel, earn("r-1", 100))
    await wire.cut()
    for call in (post(channel, earn("r-2", 5)), balance(channel)):
        refused = await refusal_of(call)
        assert refused.code is grpc.StatusCode.UNAVAILABLE
        assert refused.reason == "DATABASE_UNAVAILABLE"
        assert refused.details == ("RetryInfo",)
    await wire.mend()
    assert not (await post(channel, earn("r-2", 5))).replayed
    assert (await balance(channel)).balance.available == 105


async def test_post_transaction_after_a_lost_answer_to_its_commit_is_exact(
    channel: grpc.aio.Channel, wire: Wire
) -> None:
    await post(channel, earn("r-1", 100))
    wire.lose_answer_to = b"r-2"
    answer = await post(channel, earn("r-2", 5))
    assert not wire.lose_answer_to, "the statement that commits went over the wire that broke"
    assert not answer.replayed
    assert answer.transaction.entries[0].posted_after == 105
    assert (await balance(channel)).balance.version == 2
    assert (await post(channel, earn("r-2", 5))).replayed
