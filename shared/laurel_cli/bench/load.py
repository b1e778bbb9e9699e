"""What the ledger's benchmark calls: postings of members chosen at random, reads, a bare echo."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from google.longrunning.operations_pb2 import WaitOperationRequest
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import BatchGetBalancesRequest, GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.bulk_pb2 import IssuePointsRequest
from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub

from laurel_cli.bench.echo import METHOD
from laurel_cli.bench.stand import DEADLINE

if TYPE_CHECKING:
    from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceAsyncStub
    from laurel.ledger.v1.bulk_pb2_grpc import BulkServiceAsyncStub
    from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceAsyncStub

PROGRAM, MANY_FUNDERS = "jd", "jd-many-funders"
FUNDERS = [f"funder-{number}" for number in range(900)]
"""Who pays in the second program, which is the first one otherwise; a program holds
a thousand accounts."""
ASSET, FUNDING, REDEMPTION = "bean", "platform", "order-payment"
MEMBERS = 100_000
SPENDING_SHARE = 0.3
"""Of the postings; the others earn, so that there is something to spend."""
EARNED, SPENT = 100, 10
HOT_MEMBER = "m-hot"
LATEST = 20_000
"""Earnings that may still be on their way, more than any case has at once."""
_EARNED: deque[str] = deque(maxlen=LATEST)
"""Who earned last, so that every spending finds points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What is called."""

    transactions: TransactionServiceAsyncStub
    balances: BalanceServiceAsyncStub
    bulk: BulkServiceAsyncStub
    operations: OperationsStub
    echo: grpc.aio.UnaryUnaryMultiCallable[pb.PostTransactionRequest, pb.PostTransactionResponse]

    @classmethod
    def over(cls, channel: grpc.aio.Channel, echo: grpc.aio.Channel) -> Callers:
        """Callers of a ledger and of the echo."""
        return cls(
            transactions=TransactionServiceStub(channel),
            balances=BalanceServiceStub(channel),
            bulk=BulkServiceStub(channel),
            operations=OperationsStub(channel),
            echo=echo.unary_unary(
                METHOD,
                request_serializer=pb.PostTransactionRequest.SerializeToString,
                response_deserializer=pb.PostTransactionResponse.FromString,
            ),
        )

    async def post_one(self) -> int:
        """Post one transaction of a member chosen at random."""
        with contextlib.suppress(grpc.aio.AioRpcError):  # A refused spending is answered as well.
            await self.transactions.PostTransaction(_one(), timeout=DEADLINE)
        return 1

    async def post_hundred(self) -> int:
        """Post a hundred in one call."""
        return await self._post(PROGRAM, [_draft(_member()) for _ in range(100)])

    async def post_thousand(self) -> int:
        """Post a thousand in one call; one account pays for all."""
        return await self._post(PROGRAM, [_draft(_member()) for _ in range(1000)])

    async def post_thousand_of_many(self) -> int:
        """Post a thousand in one call, each paid by one of many accounts."""
        drafts = [_draft(_member(), random.choice(FUNDERS)) for _ in range(1000)]  # noqa: S311  # A load, no secret.
        return await self._post(MANY_FUNDERS, drafts)

    async def post_thousand_of_one(self) -> int:
        """Post a thousand of one and the same member in one call."""
        return await self._post(PROGRAM, [_draft(HOT_MEMBER) for _ in range(1000)])

    async def stream_thousands(self) -> int:
        """Post ten thousand in one stream, a thousand a message."""
        messages = [
            pb.StreamTransactionsRequest(
                program_id=PROGRAM, transactions=[_draft(_member()) for _ in range(1000)]
            )
            for _ in range(10)
        ]
        call = self.transactions.StreamTransactions(iter(messages), timeout=DEADLINE)
        return sum([len(answer.results) async for answer in call])

    async def issue_columns(self) -> int:
        """Give points to twenty thousand members by one rule; the job's end is waited for."""
        members = [_member() for _ in range(20_000)]
        request = IssuePointsRequest(
            request_id=str(uuid.uuid4()),
            program_id=PROGRAM,
            asset_id=ASSET,
            funding_account_id=FUNDING,
            member_ids=members,
            amounts=[EARNED],
        )
        await self.issue(request)
        return len(members)

    async def issue(self, request: IssuePointsRequest) -> None:
        """Have points issued and wait for the end of the job."""
        operation = await self.bulk.IssuePoints(request, timeout=DEADLINE)
        wait = WaitOperationRequest(name=operation.name, timeout=Duration(seconds=int(DEADLINE)))
        while not operation.done:  # Many members on a busy machine take longer than one wait.
            operation = await self.operations.WaitOperation(wait, timeout=2 * DEADLINE)
        assert operation.HasField("response"), operation

    async def read_one(self) -> int:
        """Ask for one member's balance."""
        request = GetBalanceRequest(program_id=PROGRAM, member_id=_member(), asset_id=ASSET)
        await self.balances.GetBalance(request, timeout=DEADLINE)
        return 1

    async def read_thousand(self) -> int:
        """Ask for the balances of a thousand members."""
        request = BatchGetBalancesRequest(
            program_id=PROGRAM, asset_id=ASSET, member_ids=[_member() for _ in range(1000)]
        )
        answer = await self.balances.BatchGetBalances(request, timeout=DEADLINE)
        return len(answer.balances)

    async def echo_one(self) -> int:
        """Call a server that does nothing, with the message of a posting."""
        await self.echo(_one(), timeout=DEADLINE)
        return 1

    async def _post(self, program_id: str, drafts: Sequence[pb.TransactionDraft]) -> int:
        request = pb.BatchPostTransactionsRequest(program_id=program_id, transactions=drafts)
        answer = await self.transactions.BatchPostTransactions(request, timeout=DEADLINE)
        return len(answer.results)


def program_of_many(source: str) -> str:
    """The program once more, with many funding accounts."""
    accounts = "".join(
        f"    - {{account_id: {name}, purpose: funding, display_name: {name}}}\n"
        for name in FUNDERS
    )
    renamed = source.replace(f"program_id: {PROGRAM}\n", f"program_id: {MANY_FUNDERS}\n", 1)
    return renamed.replace("  accounts:\n", f"  accounts:\n{accounts}", 1)


def _member() -> str:
    return f"m-{random.randrange(MEMBERS)}"  # noqa: S311  # A load, no secret.


def _one() -> pb.PostTransactionRequest:
    return pb.PostTransactionRequest(program_id=PROGRAM, transaction=_draft(_member()))


def _draft(member: str, funder: str = FUNDING) -> pb.TransactionDraft:
    """An earning of a member, or a spending of one who earned a while ago."""
    name = str(uuid.uuid4())
    if random.random() < SPENDING_SHARE and len(_EARNED) == LATEST:  # noqa: S311  # As above.
        spend = pb.Spend(
            member_id=_EARNED.popleft(),
            asset_id=ASSET,
            amount=SPENT,
            redemption_account_id=REDEMPTION,
        )
        return pb.TransactionDraft(request_id=name, spend=spend)
    _EARNED.append(member)
    earn = pb.Earn(member_id=member, asset_id=ASSET, amount=EARNED, funding_account_id=funder)
    return pb.TransactionDraft(request_id=name, earn=earn)
