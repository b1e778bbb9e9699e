"""Clients of a ledger that earn, spend, repeat and read at once, and write down what they see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from laurel.ledger.v1 import balances_pb2, transactions_pb2
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub

from tests.histories.history import (
    EARN,
    SPEND,
    Entry,
    History,
    Moved,
    Operation,
    Outcome,
    Reading,
    Refused,
    Request,
)

PROGRAM, ASSET = "jd", "bean"
DEADLINE = 1.5
BATCH = 100
ATTEMPTS = 50
PAUSE = 0.2
"""Seconds a client waits after an answer that tells nothing."""
UNTOLD = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}
"""After these a client asks again: they do not say whether the request was carried out."""
CHANNEL = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass
class Client:
    """One caller, with chance of its own."""

    name: str
    channel: grpc.aio.Channel
    history: History
    members: Sequence[str]
    chance: Random
    own: list[Operation] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    async def run(self, operations: int) -> None:
        """Ask for so many operations, each until it is answered for good or was tried enough."""
        until = len(self.own) + operations
        while len(self.own) < until:
            await self.chance.choices(
                (self.post_one, self.post_several, self.repeat, self.read), (6, 3, 1, 2)
            )[0]()

    async def post_one(self) -> None:
        """A single request."""
        await self.insist([self.begin(self.request())], atomic=None)

    async def post_several(self) -> None:
        """A batch; all together or each for itself."""
        group = f"{self.name}-g{next(self._numbers)}" if self.chance.random() < 0.3 else ""
        size = self.chance.randrange(2, 5 if group else 100)
        begun = [self.begin(self.request(group)) for _ in range(size)]
        await self.insist(begun, atomic=bool(group))

    async def insist(self, operations: Sequence[Operation], *, atomic: bool | None) -> None:
        """Ask now and then until everything is answered; some give up early."""
        left = operations
        for _ in range(self.chance.randrange(1, 6)):
            answer = await self.ask([each.request for each in left], atomic=atomic)
            for operation, outcome in zip(left, answer or (), strict=False):
                self.end(operation, outcome)
            left = [each for each in left if each.outcome is None]
            if not left:
                return

    async def resolve(self, operations: Sequence[Operation], *, atomic: bool) -> None:
        """Ask until everything is answered, or it is clear that it never will be."""
        for _ in range(ATTEMPTS):
            answer = await self.ask([each.request for each in operations], atomic=atomic)
            for operation, outcome in zip(operations, answer or (), strict=False):
                self.end(operation, outcome)
            if all(each.outcome for each in operations):
                return

    async def repeat(self) -> None:
        """The same request again must be answered the same; another under its id refused."""
        told = [each for each in self.own[-50:] if each.outcome and not each.request.group]
        if not told:
            return
        operation = self.chance.choice(told)
        answer = await self.ask([operation.request], atomic=None)
        if answer is not None and answer[0] != operation.outcome:
            self.history.surprises.append(f"answered anew: {operation} then {answer[0]}")

    async def read(self) -> None:
        """A balance."""
        member_id = self.chance.choice(self.members)
        begun = time.monotonic()
        wanted = balances_pb2.GetBalanceRequest(
            program_id=PROGRAM, member_id=member_id, asset_id=ASSET
        )
        try:
            answer = await BalanceServiceStub(self.channel).GetBalance(wanted, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            await self.heed(error)
            return
        ended = time.monotonic()
        found = answer.balance
        self.history.readings.append(
            Reading(
                member_id=member_id,
                begun=begun,
                ended=ended,
                version=found.version,
                posted=found.posted,
                available=found.available,
                as_of_time=found.as_of_time.ToDatetime(tzinfo=UTC),
            )
        )

    def request(self, group: str = "") -> Request:
        """Something to ask for: more earning than spending, some points that are void soon."""
        earning = self.chance.random() < 0.55
        soon = datetime.now(UTC) + timedelta(seconds=self.chance.randrange(5, 15))
        return Request(
            request_id=f"{self.name}-{next(self._numbers)}",
            member_id=self.chance.choice(self.members),
            type=EARN if earning else SPEND,
            amount=self.chance.randrange(1, 1000),
            expire_time=soon if earning and self.chance.random() < 0.2 else None,
            group=group,
        )

    def begin(self, request: Request) -> Operation:
        """Note that a request is sent for the first time."""
        operation = Operation(request=request, begun=time.monotonic())
        self.history.operations.append(operation)
        self.own.append(operation)
        return operation

    def end(self, operation: Operation, outcome: Outcome | None) -> None:
        """Note what became of it."""
        if outcome is not None:
            operation.outcome, operation.ended = outcome, time.monotonic()

    async def ask(
        self, requests: Sequence[Request], *, atomic: bool | None
    ) -> Sequence[Outcome | None] | None:
        """Send requests, one by itself where `atomic` is None; None when nothing was told."""
        stub = TransactionServiceStub(self.channel)
        drafts = [draft_of(each) for each in requests]
        try:
            if atomic is None:
                one = transactions_pb2.PostTransactionRequest(
                    program_id=PROGRAM, transaction=drafts[0]
                )
                posted = await stub.PostTransaction(one, timeout=DEADLINE)
                return [entry_of(posted.transaction)]
            many = transactions_pb2.BatchPostTransactionsRequest(
                program_id=PROGRAM, transactions=drafts, atomic=atomic
            )
            answer = await stub.BatchPostTransactions(many, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            refused = await self.heed(error)
            return None if refused is None else [refused] * len(requests)
        return [self.outcome_of(each) for each in answer.results]

    def outcome_of(self, result: transactions_pb2.BatchPostTransactionsResult) -> Outcome | None:
        """One result of a batch; None when its error says nothing."""
        if result.WhichOneof("outcome") == "transaction":
            return entry_of(result.transaction)
        return self.refusal_of(result.error)

    async def heed(self, error: grpc.aio.AioRpcError) -> Refused | None:
        """What an error says; waits a little when it says nothing."""
        status = rpc_status.from_call(error)
        if status is None:
            status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
        refused = self.refusal_of(status)
        if refused is None:
            await asyncio.sleep(PAUSE)
        return refused

    def refusal_of(self, status: status_pb2.Status) -> Refused | None:
        """A refusal for good; None when it says nothing; other errors are surprises."""
        info = error_details_pb2.ErrorInfo()
        for detail in status.details:
            if detail.Unpack(info):
                break
        if info.reason in EXPECTED:
            return Refused(reason=info.reason, available=int(info.metadata.get("available", 0)))
        code = next(each for each in grpc.StatusCode if each.value[0] == status.code)
        if code not in UNTOLD:
            self.history.surprises.append(f"unexpected: {code.name} {status.message}")
        return None


EXPECTED = {"INSUFFICIENT_POINTS", "BATCH_MEMBER_FAILED", "EXPIRY_NOT_AFTER_ACTIVE"}


def draft_of(request: Request) -> transactions_pb2.TransactionDraft:
    """A request as the ledger takes it."""
    draft = transactions_pb2.TransactionDraft(request_id=request.request_id)
    effect = draft.earn if request.type == EARN else draft.spend
    effect.member_id, effect.asset_id = request.member_id, ASSET
    effect.amount = request.amount
    if request.type == SPEND:
        draft.spend.redemption_account_id = "order-payment"
        return draft
    draft.earn.funding_account_id = "platform"
    if request.expire_time:
        draft.earn.expire_time.FromDatetime(request.expire_time)
    return draft


def entry_of(
    told: transactions_pb2.Transaction | balances_pb2.StatementEntry,
) -> Entry:
    """The member's entry of a transaction, or of a list."""
    entry = told.entries[0] if isinstance(told, transactions_pb2.Transaction) else told
    return Entry(
        request_id=told.request_id,
        type=told.type,
        version=entry.version,
        amount=entry.amount,
        posted_after=entry.posted_after,
        commit_time=told.commit_time.ToDatetime(tzinfo=UTC),
        effective_time=told.effective_time.ToDatetime(tzinfo=UTC),
        moved=tuple(
            Moved(
                each.lot_id,
                each.amount,
                each.position,
                each.expire_time.ToDatetime(tzinfo=UTC) if each.HasField("expire_time") else None,
            )
            for each in told.lot_movements
        ),
    )


async def resolve(client: Client) -> None:
    """Ask for everything again of which nobody was told."""
    groups: dict[str, list[Operation]] = {}
    for operation in client.history.unresolved:
        groups.setdefault(operation.request.group, []).append(operation)
    for operations in batched(groups.pop("", [])):
        await client.resolve(operations, atomic=False)
    for operations in groups.values():
        await client.resolve(operations, atomic=True)


def batched(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """So many at a time."""
    for start in range(0, len(operations), BATCH):
        yield operations[start : start + BATCH]
