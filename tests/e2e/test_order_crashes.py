"""Orders over three real processes that are killed at every step: nothing lost, nothing double."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import orders_pb2
from laurel.benefits.v1.orders_pb2_grpc import OrderServiceStub
from laurel.ledger.v1 import balances_pb2, finance_pb2, transactions_pb2
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel.scoring.v1 import activities_pb2
from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceStub
from laurel_benefits.domain.ids import MemberId, MemberKey, OrderId, OrderKey, ProgramId
from laurel_benefits.domain.names import name_of

from tests.support.benefits import PROGRAM, checkout_draft, checkout_line, of_order, reserve_request
from tests.support.three_services import PATIENCE, Three, three_services

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crashes"), pytest.mark.timeout(1800)]

GIVEN, USED, DEADLINE = 5000, 4000, 50.0
REPEATABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL}
_numbers = count(1)


@dataclass(frozen=True)
class Callers:
    """The services, as callers know them."""

    three: Three
    orders: Any
    transactions: Any
    balances: Any
    finance: Any
    activities: Any

    async def give(self, member_id: str, points: int) -> None:
        earn = transactions_pb2.Earn(
            member_id=member_id, asset_id="bean", amount=points, funding_account_id="platform"
        )
        draft = transactions_pb2.TransactionDraft(request_id=f"give-{member_id}", earn=earn)
        request = transactions_pb2.PostTransactionRequest(program_id=PROGRAM, transaction=draft)
        await repeated(self.transactions.PostTransaction, request)

    async def balance(self, member_id: str) -> balances_pb2.Balance:
        request = balances_pb2.GetBalanceRequest(
            program_id=PROGRAM, member_id=member_id, asset_id="bean"
        )
        return (await repeated(self.balances.GetBalance, request)).balance

    async def known(self, member_id: str, order_id: str) -> orders_pb2.GetOrderResponse:
        request = orders_pb2.GetOrderRequest(
            program_id=PROGRAM, member_id=member_id, order_id=order_id
        )
        return await repeated(self.orders.GetOrder, request)

    async def facts(self, member_id: str) -> list[str]:
        """What scoring was told of a member, in that order."""
        request = activities_pb2.ListActivitiesRequest(program_id=PROGRAM, member_id=member_id)
        found = (await repeated(self.activities.ListActivities, request)).records
        in_order = sorted(found, key=lambda each: each.record_time.ToNanoseconds())
        return [each.activity.WhichOneof("fact") for each in in_order]

    async def unbalanced(self) -> int:
        """By how much the ledger's books do not come to zero."""
        request = finance_pb2.GetTrialBalanceRequest(program_id=PROGRAM)
        found = (await repeated(self.finance.GetTrialBalance, request)).trial_balance
        assert found.assets
        return sum(abs(each.difference) for each in found.assets)


@asynccontextmanager
async def stand() -> AsyncIterator[Callers]:
    """The three services and stubs to them."""
    async with (
        three_services() as three,
        three.channel("ledger") as ledger,
        three.channel("scoring") as scoring,
        three.channel("benefits") as benefits,
    ):
        yield Callers(
            three=three,
            orders=OrderServiceStub(benefits),
            transactions=TransactionServiceStub(ledger),
            balances=BalanceServiceStub(ledger),
            finance=FinanceServiceStub(ledger),
            activities=ActivityServiceStub(scoring),
        )


async def repeated(call: Callable[..., Awaitable[Any]], request: Any) -> Any:
    """The answer to a request that is repeated while a process is away."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await call(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() not in REPEATABLE or time.monotonic() > end:
                raise
        await asyncio.sleep(0.05)


class Life:
    """An order that is reserved, paid and delivered, and goes back."""

    def __init__(self, callers: Callers) -> None:
        number = next(_numbers)
        self.callers, self.member_id = callers, f"m-{number}"
        draft = checkout_draft(checkout_line("100.00"), order_id=f"o-{number}")
        self.order_id = draft.order_id
        orders = callers.orders
        kinds = {
            orders.CommitOrder: orders_pb2.CommitOrderRequest,
            orders.CompleteOrder: orders_pb2.CompleteOrderRequest,
            orders.ReturnOrderLines: orders_pb2.ReturnOrderLinesRequest,
        }
        self.calls = [
            (orders.ReserveOrder, reserve_request(draft, USED, member_id=self.member_id)),
            *(
                (call, kind(**of_order(self.order_id, member_id=self.member_id)))
                for call, kind in kinds.items()
            ),
        ]

    async def live(self) -> None:
        """All of it, each call repeated until it is answered."""
        await self.callers.give(self.member_id, GIVEN)
        for call, request in self.calls:
            await repeated(call, request)

    async def state(self) -> dict[str, Any]:
        """What is left of it everywhere, once scoring was told."""
        end = time.monotonic() + PATIENCE
        while True:
            found = await self.callers.known(self.member_id, self.order_id)
            told = found.order.scoring_told and all(each.scoring_told for each in found.returns)
            if told:
                break
            assert time.monotonic() < end, "scoring is never told"
            await asyncio.sleep(0.05)
        balance = await self.callers.balance(self.member_id)
        return {
            "balance": (balance.posted, balance.available, balance.held, balance.debt),
            "checkout": (found.checkout.state, found.checkout.points, found.checkout.refusal),
            "grants": [(each.kind, each.points, each.state) for each in found.order.grants],
            "returns": [
                (each.state, each.restored_points, each.taken_points, each.refund.units)
                for each in found.returns
            ],
            "facts": await self.callers.facts(self.member_id),
        }

    def steps(self) -> Iterator[tuple[str, str]]:
        """What benefits says to whom in its course, by the ids that are fixed beforehand."""
        member = MemberKey(program_id=ProgramId(PROGRAM), member_id=MemberId(self.member_id))
        key = OrderKey(member=member, order_id=OrderId(self.order_id))
        grant = name_of(key, "BASE")
        yield "ledger", name_of(key, "checkout/1/HOLD")
        yield "ledger", name_of(key, "checkout/1/CAPTURE")
        yield "ledger", grant
        yield "scoring", name_of(key, "purchase")
        yield "ledger", name_of(key, "return/1/restore")
        yield "ledger", name_of(key, f"return/1/TAKE/{grant}")
        yield "scoring", name_of(key, "return/1")


STEPS = 7


async def disturbed(callers: Callers, step: int, victim: str, *, answered: bool) -> dict[str, Any]:
    """The end of a life in which `victim` is killed at one step."""
    life, three = Life(callers), callers.three
    where, words = tuple(life.steps())[step]
    killed = asyncio.Event()
    name = where if victim == "neighbour" else victim

    async def kill() -> None:
        await three.kill(name)
        killed.set()

    wire = three.wires[where]
    wire.lay(words.encode(), kill, answered=answered)
    living = asyncio.create_task(life.live())
    await asyncio.wait([living, asyncio.create_task(killed.wait())], return_when="FIRST_COMPLETED")
    assert wire.sprung, f"step {step} was never taken"
    await three.revive(name)
    await living
    return await life.state()


async def test_orders_over_processes_that_are_killed_lose_nothing_and_double_nothing() -> None:
    async with stand() as callers:
        await walk_all_steps(callers)
        await spend_at_once(callers)
        await earn_without_scoring(callers)


async def walk_all_steps(callers: Callers) -> None:
    """A life whose services are killed at any step ends as if it were undisturbed."""
    undisturbed = Life(callers)
    await undisturbed.live()
    expected = await undisturbed.state()
    assert expected["balance"] == (GIVEN, GIVEN, 0, 0)
    assert expected["facts"] == ["purchase", "purchase_return"]
    for step in range(STEPS):
        for victim, answered in KILLS:
            found = await disturbed(callers, step, victim, answered=answered)
            assert found == expected, f"{victim} killed at step {step}, answered: {answered}"
    assert await callers.unbalanced() == 0


KILLS = (("benefits", False), ("benefits", True), ("neighbour", True), ("postgres", True))
"""Who is killed: before benefits is heard, or when it was and does not know it yet."""


async def spend_at_once(callers: Callers) -> None:
    """Clients that spend the same balance at once spend exactly what is there."""
    member_id = f"m-{next(_numbers)}"
    await callers.give(member_id, 7000)
    drafts = [checkout_draft() for _ in range(20)]
    answers = await asyncio.gather(
        *(
            repeated(callers.orders.ReserveOrder, reserve_request(each, 1000, member_id=member_id))
            for each in drafts
        )
    )
    allowed = [each.checkout.order_id for each in answers if each.decision.allowed]
    assert len(allowed) == 7
    for order_id in allowed:
        request = orders_pb2.CommitOrderRequest(**of_order(order_id, member_id=member_id))
        await repeated(callers.orders.CommitOrder, request)
    balance = await callers.balance(member_id)
    assert (balance.posted, balance.held) == (0, 0)
    assert await callers.unbalanced() == 0


async def earn_without_scoring(callers: Callers) -> None:
    """Earning goes on while scoring is away, and it is told later, in order."""
    life = Life(callers)
    await callers.three.kill("scoring")
    await life.live()
    found = await callers.known(life.member_id, life.order_id)
    assert {each.state for each in found.order.grants} == {orders_pb2.GRANT_STATE_POSTED}
    assert not found.order.scoring_told
    await callers.three.revive("scoring")
    assert (await life.state())["facts"] == ["purchase", "purchase_return"]
