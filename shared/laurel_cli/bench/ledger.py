"""`laurel bench ledger`: posting one by one and in batches, reading, beside an echo and pgbench.

Everything runs on this machine at once: callers, service and PostgreSQL, with durable commits.
Rates say what the machine does, processor time for each item what the code costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel_kit.process import loop_factory

from laurel_cli.bench.echo import METHOD
from laurel_cli.bench.measuring import (
    Case,
    Figures,
    measure,
    row_named,
    table_of,
    write_figures,
)
from laurel_cli.bench.stand import DEADLINE, Stand, stand
from laurel_cli.output import say, say_table

PROGRAM, ASSET, FUNDING, REDEMPTION = "jd", "bean", "platform", "order-payment"
MEMBERS = 100_000
SPENDING_SHARE = 0.3
"""Of the postings; the others earn, so that there is something to spend."""
EARNED, SPENT = 100, 10
PGBENCH_SCALE, PGBENCH_CLIENTS, PGBENCH_SECONDS = 20, 8, 4

if TYPE_CHECKING:
    from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceAsyncStub
    from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What is called."""

    transactions: TransactionServiceAsyncStub
    balances: BalanceServiceAsyncStub
    echo: grpc.aio.UnaryUnaryMultiCallable[pb.PostTransactionRequest, pb.PostTransactionResponse]

    async def post_one(self) -> int:
        """Post one transaction of a member chosen at random."""
        with contextlib.suppress(grpc.aio.AioRpcError):  # A refused spending is answered as well.
            await self.transactions.PostTransaction(_one(), timeout=DEADLINE)
        return 1

    async def post_thousand(self) -> int:
        """Post a thousand in one call."""
        drafts = [_draft() for _ in range(1000)]
        request = pb.BatchPostTransactionsRequest(program_id=PROGRAM, transactions=drafts)
        answer = await self.transactions.BatchPostTransactions(request, timeout=DEADLINE)
        return len(answer.results)

    async def read_one(self) -> int:
        """Ask for one member's balance."""
        request = GetBalanceRequest(program_id=PROGRAM, member_id=_member(), asset_id=ASSET)
        await self.balances.GetBalance(request, timeout=DEADLINE)
        return 1

    async def echo_one(self) -> int:
        """Call a server that does nothing, with the message of a posting."""
        await self.echo(_one(), timeout=DEADLINE)
        return 1


def run(json_file: Path | None = None) -> list[Figures]:
    """Measure everything, print it as a table, and keep the figures in `json_file` if given."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows = runner.run(_measure_all())
    say_table(table_of("ledger", rows))
    unary, echo = (row_named(rows, name) for name in RATIO)
    say(f"unary posting is {unary.per_second / echo.per_second:.2f} of the bare echo")
    if json_file:
        write_figures(rows, json_file)
    return rows


RATIO = ("PostTransaction", "bare echo")


async def _measure_all() -> list[Figures]:
    async with stand("ledger") as whole:
        options = [("grpc.max_receive_message_length", -1)]
        async with (
            grpc.aio.insecure_channel(whole.address, options=options) as channel,
            grpc.aio.insecure_channel(whole.echo_address) as echo,
        ):
            callers = Callers(
                transactions=TransactionServiceStub(channel),
                balances=BalanceServiceStub(channel),
                echo=echo.unary_unary(
                    METHOD,
                    request_serializer=pb.PostTransactionRequest.SerializeToString,
                    response_deserializer=pb.PostTransactionResponse.FromString,
                ),
            )
            return await _measure_cases(whole, callers)


async def _measure_cases(whole: Stand, callers: Callers) -> list[Figures]:
    cases: list[Case] = [
        ("BatchPostTransactions, 1,000 a call, 4 in flight", callers.post_thousand, 4),
        ("PostTransaction, 64 in flight", callers.post_one, 64),
        ("PostTransaction, 1 caller", callers.post_one, 1),
        ("GetBalance, 64 in flight", callers.read_one, 64),
        ("bare echo, 64 in flight", callers.echo_one, 64),
    ]
    rows = await measure(whole, cases)
    return [*rows, await asyncio.to_thread(_pgbench, whole)]


def _pgbench(whole: Stand) -> Figures:
    """PostgreSQL's own measure of transactions on the same server."""
    whole.run_pgbench("--initialize", "--quiet", f"--scale={PGBENCH_SCALE}")
    before = whole.processor()
    said = whole.run_pgbench(
        "--protocol=prepared",
        *(f"--client={PGBENCH_CLIENTS}", "--jobs=2", f"--time={PGBENCH_SECONDS}", "--no-vacuum"),
    )
    after = whole.processor()
    per_second = _number(r"tps = ([\d.]+)", said)
    items = _number(r"actually processed: (\d+)", said)
    latency = _number(r"latency average = ([\d.]+) ms", said)
    spent = after["postgres"] - before["postgres"]
    return Figures(
        name=f"pgbench TPC-B, {PGBENCH_CLIENTS} clients",
        per_second=per_second,
        p50_ms=latency,
        p99_ms=0.0,
        client_us=0.0,
        service_us=0.0,
        postgres_us=1e6 * spent / items,
    )


def _number(shape: str, text: str) -> float:
    found = re.search(shape, text)
    assert found, text
    return float(found[1])


def _member() -> str:
    return f"m-{random.randrange(MEMBERS)}"  # noqa: S311  # A load, no secret.


def _one() -> pb.PostTransactionRequest:
    return pb.PostTransactionRequest(program_id=PROGRAM, transaction=_draft())


def _draft() -> pb.TransactionDraft:
    """An earning or a spending of a member chosen at random; one account pays for all."""
    member, name = _member(), str(uuid.uuid4())
    if random.random() < SPENDING_SHARE:  # noqa: S311  # A load, no secret.
        spend = pb.Spend(
            member_id=member, asset_id=ASSET, amount=SPENT, redemption_account_id=REDEMPTION
        )
        return pb.TransactionDraft(request_id=name, spend=spend)
    earn = pb.Earn(member_id=member, asset_id=ASSET, amount=EARNED, funding_account_id=FUNDING)
    return pb.TransactionDraft(request_id=name, earn=earn)
