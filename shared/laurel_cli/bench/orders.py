"""`laurel bench orders`: whole lives of orders over the three services, beside one step of them.

A life is an evaluation, a reservation with points, the payment and the delivery. Callers, services
and a PostgreSQL for each of them share this machine, with durable commits. At twice of what can be
done, whoever is refused otherwise than as too much (RESOURCE_EXHAUSTED) ends the measurement.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from laurel.benefits.v1 import checkouts_pb2
from laurel.benefits.v1 import orders_pb2 as pb
from laurel.benefits.v1.orders_pb2_grpc import OrderServiceStub
from laurel.ledger.v1 import transactions_pb2 as ledger_pb
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel_kit.money import write_money
from laurel_kit.process import loop_factory

from laurel_cli.bench.measuring import (
    AtShare,
    Case,
    Figures,
    medians_of,
    table_of,
    write_figures,
)
from laurel_cli.bench.stand import DEADLINE, Sizes, Stand, stand
from laurel_cli.output import say, say_table

PROGRAM, ASSET = "jd", "bean"
MEMBERS = 2000
POINTS_OF_A_MEMBER = 1_000_000_000
"""More than a member can spend in a measurement."""
AMOUNT_FEN, POINTS = 20_000, 2000
"""What an order costs, and how many points pay of it."""

if TYPE_CHECKING:
    from laurel.benefits.v1.orders_pb2_grpc import OrderServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The three services with what is theirs."""

    stands: Sequence[Stand]

    def processor(self) -> dict[str, float]:
        """Processor seconds used so far by all of them; there is one client."""
        parts = [each.processor() for each in self.stands]
        sums = {name: sum(part[name] for part in parts) for name in ("service", "postgres")}
        return {**sums, "client": parts[0]["client"]}

    async def sizes(self) -> Sizes:
        """What all databases have written."""
        sizes = [await each.sizes() for each in self.stands]
        return Sizes(wal=sum(each.wal for each in sizes), stored=sum(each.stored for each in sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What is called."""

    orders: OrderServiceAsyncStub
    numbers: count[int] = field(default_factory=count)

    async def live(self) -> int:
        """A whole life; none where the service has too much to do and says so."""
        number = next(self.numbers)
        member_id, order_id = _anybody(), f"o-{number}"
        try:
            await self._pay(member_id, order_id)
            complete = pb.CompleteOrderRequest(
                program_id=PROGRAM,
                member_id=member_id,
                request_id=f"d-{number}",
                order_id=order_id,
            )
            completed = await self.orders.CompleteOrder(complete, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return 0
            raise
        assert completed.order.state == pb.ORDER_STATE_COMPLETED, completed
        return 1

    async def _pay(self, member_id: str, order_id: str) -> None:
        draft = _draft(order_id)
        wish = pb.EvaluateOrderRequest(
            program_id=PROGRAM, member_id=member_id, order=draft, points=POINTS
        )
        seen = await self.orders.EvaluateOrder(wish, timeout=DEADLINE)
        reserve = pb.ReserveOrderRequest(
            program_id=PROGRAM,
            member_id=member_id,
            request_id=f"r-{order_id}",
            order=draft,
            points=POINTS,
            fingerprint=seen.evaluation.fingerprint,
        )
        reserved = await self.orders.ReserveOrder(reserve, timeout=DEADLINE)
        assert reserved.decision.allowed, reserved.decision
        commit = pb.CommitOrderRequest(
            program_id=PROGRAM,
            member_id=member_id,
            request_id=f"c-{order_id}",
            order_id=order_id,
        )
        await self.orders.CommitOrder(commit, timeout=DEADLINE)

    async def evaluate(self) -> int:
        """Ask what an order would cost and earn."""
        request = pb.EvaluateOrderRequest(
            program_id=PROGRAM, member_id=_anybody(), order=_draft("o"), points=POINTS
        )
        await self.orders.EvaluateOrder(request, timeout=DEADLINE)
        return 1


def run(json_file: Path | None = None, *, rounds: int = 3) -> dict[str, Figures]:
    """Measure everything, print it as a table, and keep the figures in `json_file` if given."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows = runner.run(_measure_all(rounds))
    say_table(table_of("orders", rows))
    if json_file:
        write_figures(rows, {}, json_file)
    return rows


async def _measure_all(rounds: int) -> dict[str, Figures]:
    async with suite() as whole, _channel(whole) as channel:
        await _give_points(whole.stands[0].address)
        callers = Callers(orders=OrderServiceStub(channel))
        cases = (
            Case(name="a life, 32 in flight", call=callers.live, in_flight=32, stores=True),
            Case(name="a life, 64 in flight", call=callers.live, in_flight=64, stores=True),
            AtShare(
                name="a life, at twice that",
                case=Case(name="a life", call=callers.live, in_flight=32, stores=True),
                share=2,
            ),
            Case(name="EvaluateOrder, 16 in flight", call=callers.evaluate, in_flight=16),
        )
        measured: dict[str, list[Figures]] = {case.name: [] for case in cases}
        for number in range(rounds):
            for case in cases:
                measured[case.name].append(await case.measure(whole))
            say(f"round {number + 1} of {rounds}")
        return {name: medians_of(figures) for name, figures in measured.items()}


@asynccontextmanager
async def suite() -> AsyncIterator[Suite]:
    """The three services, benefits last for it calls the others."""
    async with stand("ledger") as ledger, stand("scoring") as scoring:
        neighbours = {
            "LAUREL_BENEFITS_LEDGER_ADDRESS": ledger.address,
            "LAUREL_BENEFITS_SCORING_ADDRESS": scoring.address,
        }
        async with stand("benefits", settings=neighbours) as benefits:
            yield Suite(stands=(ledger, scoring, benefits))


@asynccontextmanager
async def _channel(whole: Suite) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(whole.stands[-1].address) as channel:
        yield channel


async def _give_points(address: str) -> None:
    """Let every member have more than it can spend."""
    drafts = [
        ledger_pb.TransactionDraft(
            request_id="bench",
            earn=ledger_pb.Earn(
                member_id=f"m-{place}",
                asset_id=ASSET,
                amount=POINTS_OF_A_MEMBER,
                funding_account_id="platform",
            ),
        )
        for place in range(MEMBERS)
    ]
    request = ledger_pb.BatchPostTransactionsRequest(program_id=PROGRAM, transactions=drafts)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = TransactionServiceStub(channel)
        answer = await stub.BatchPostTransactions(request, timeout=DEADLINE)
    wrong = [each for each in answer.results if not each.HasField("transaction")]
    assert not wrong, wrong[0]


def _anybody() -> str:
    return f"m-{random.randrange(MEMBERS)}"  # noqa: S311  # A load, no secret.


def _draft(order_id: str) -> checkouts_pb2.CheckoutDraft:
    """An order of one line."""
    line = checkouts_pb2.CheckoutLine(
        line_id="1",
        sku_id="s-1",
        category_id="food",
        goods_class="physical",
        quantity=1,
        amount=write_money(AMOUNT_FEN),
    )
    return checkouts_pb2.CheckoutDraft(order_id=order_id, lines=[line], payment_method="online")
