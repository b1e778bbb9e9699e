"""The ledger as a server within the test, with a small program applied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

import asyncpg
import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.assets_pb2_grpc import AssetServiceStub
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.holds_pb2_grpc import HoldServiceStub
from laurel.ledger.v1.journal_pb2 import VerifyJournalRequest, VerifyJournalResponse
from laurel.ledger.v1.journal_pb2_grpc import JournalServiceStub
from laurel.ledger.v1.lots_pb2_grpc import LotServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest
from laurel.program.v1.program_service_pb2_grpc import ProgramServiceStub
from laurel_kit.assembly import Running
from laurel_kit.clock import SettableClock
from laurel_ledger.config import LedgerSettings
from laurel_ledger.service import build

from tests.support.audit import assert_books_agree
from tests.support.checkpoint_keys import write_key
from tests.support.databases import DatabaseOf, TestDatabase
from tests.support.patience import PATIENCE, PATIENT
from tests.support.programs import program_text
from tests.support.servers import served

DEADLINE = PATIENCE
Answer = TypeVar("Answer", bound=Message)
_agreed = count()


@dataclass(frozen=True, kw_only=True)
class LedgerStubs:
    """Every service of the ledger over one channel."""

    channel: grpc.aio.Channel
    running: Running
    database: TestDatabase
    transactions: TransactionServiceStub
    holds: HoldServiceStub
    balances: BalanceServiceStub
    lots: LotServiceStub
    assets: AssetServiceStub
    journal: JournalServiceStub
    programs: ProgramServiceStub

    async def post(self, draft: pb.TransactionDraft, **fields) -> pb.PostTransactionResponse:
        request = pb.PostTransactionRequest(program_id="jd", transaction=draft, **fields)
        return await self.transactions.PostTransaction(request, timeout=DEADLINE)


@pytest.fixture
def timer_interval() -> timedelta:
    """How often the ledger looks for what is due."""
    return timedelta(seconds=1)


@pytest.fixture
def checkpoint_key(tmp_path: Path) -> Path:
    """A key to sign checkpoints, PEM."""
    return write_key(tmp_path / "checkpoint-key.pem")


@pytest.fixture
def limits() -> dict[str, int]:
    """Limits of the service that are not its own defaults."""
    return {}


@pytest.fixture
async def ledger(
    database_of: DatabaseOf,
    clock: SettableClock,
    checkpoint_key: Path,
    timer_interval: timedelta,
    limits: dict[str, int],
) -> AsyncIterator[LedgerStubs]:
    database = await database_of.access("ledger")
    settings = LedgerSettings(
        database_url=database.url,
        sandbox=True,
        address="127.0.0.1:0",
        checkpoint_key_file=checkpoint_key,
        timer_interval=timer_interval,
        **(PATIENT | limits),
    )
    async with served(build, settings, clock=clock) as server:
        stubs = LedgerStubs(
            channel=server.channel,
            running=server.running,
            database=database,
            transactions=TransactionServiceStub(server.channel),
            holds=HoldServiceStub(server.channel),
            balances=BalanceServiceStub(server.channel),
            lots=LotServiceStub(server.channel),
            assets=AssetServiceStub(server.channel),
            journal=JournalServiceStub(server.channel),
            programs=ProgramServiceStub(server.channel),
        )
        request = ApplyRevisionRequest(request_id="program-1", source=program_text())
        await stubs.programs.ApplyRevision(request, timeout=DEADLINE)
        yield stubs


def earn(request_id: str, amount: int, **fields) -> pb.TransactionDraft:
    """An earning of beans."""
    effect = {"member_id": "m-1", "asset_id": "bean", "funding_account_id": "platform"}
    given = {name: fields.pop(name) for name in (*effect, "expire_time") if name in fields}
    earning = pb.Earn(amount=amount, **(effect | given))
    return pb.TransactionDraft(request_id=request_id, earn=earning, **fields)


def spend(request_id: str, amount: int, **fields) -> pb.TransactionDraft:
    """A spending of beans."""
    effect = {"member_id": "m-1", "asset_id": "bean", "redemption_account_id": "order-payment"}
    given = {name: fields.pop(name) for name in effect if name in fields}
    spending = pb.Spend(amount=amount, **(effect | given))
    return pb.TransactionDraft(request_id=request_id, spend=spending, **fields)


async def came_to(
    ledger: LedgerStubs, operation: operations_pb2.Operation, answer: Answer
) -> Answer:
    """What a job came to, written into an empty answer."""
    stub = operations_pb2_grpc.OperationsStub(ledger.channel)
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=Duration(seconds=DEADLINE - 1)
    )
    ended = await stub.WaitOperation(request, timeout=DEADLINE)
    assert ended.response.Unpack(answer), ended
    return answer


async def agree(ledger: LedgerStubs) -> None:
    """The books hold together, as the database is asked and as the ledger verifies them itself."""
    books = await asyncpg.connect(ledger.database.owner_url)
    try:
        await assert_books_agree(books)
    finally:
        await books.close()
    request = VerifyJournalRequest(request_id=f"agree-{next(_agreed)}")
    operation = await ledger.journal.VerifyJournal(request, timeout=DEADLINE)
    verified = await came_to(ledger, operation, VerifyJournalResponse())
    assert not verified.differences, verified


@dataclass(frozen=True)
class Refusal:
    """What a caller sees of a refusal."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    details: tuple[str, ...]


async def refusal_of(call) -> Refusal:
    """The refusal a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return refusal_in(rpc_status.from_call(raised.value), raised.value.code())


def refusal_in(status, code=None) -> Refusal:
    """The refusal in a status."""
    info = error_details_pb2.ErrorInfo()
    kinds = [
        detail.TypeName().rpartition(".")[2] for detail in status.details if not detail.Unpack(info)
    ]
    if code is None:
        code = next(each for each in grpc.StatusCode if each.value[0] == status.code)
    return Refusal(code, info.reason, dict(info.metadata), tuple(kinds))
