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
from laurel.benefits.v1 import campaigns_pb2, coupons_pb2, merchants_pb2, orders_pb2
from laurel.benefits.v1.campaigns_pb2_grpc import CampaignServiceStub
from laurel.benefits.v1.coupons_pb2_grpc import CouponServiceStub
from laurel.benefits.v1.merchants_pb2_grpc import MerchantServiceStub
from laurel.benefits.v1.orders_pb2_grpc import OrderServiceStub
from laurel.ledger.v1 import balances_pb2, finance_pb2, transactions_pb2
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.ledger.v1.transactions_pb2_grpc import TransactionServiceStub
from laurel.scoring.v1 import activities_pb2
from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceStub
from laurel_benefits.domain.ids import MemberId, MemberKey, OrderId, OrderKey, ProgramId
from laurel_benefits.domain.names import name_of

from tests.support.benefits import (
    PROGRAM,
    checkout_draft,
    checkout_line,
    money,
    of_order,
    reserve_request,
)
from tests.support.benefits_shop import OPEN_GATE, changed
from tests.support.three_services import PATIENCE, Three, three_services

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crashes"), pytest.mark.timeout(1800)]

GIVEN, USED, DEADLINE = 5000, 4000, 50.0
SHOP, MERCHANT, CAMPAIGN = "xinhua-books", "books", "opening-double"
FUNDED = 100_000_000

OPENING = f"""
    - campaign_id: {CAMPAIGN}
      display_name: 开业双倍京豆
      funding_account_id: platform
      multiple: 2
      budget_points: 1000000
    - campaign_id: xinhua-five-times
"""
"""A campaign with a budget that runs all days, before the one that a merchant pays."""
REPEATABLE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
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
    coupons: Any
    campaigns: Any
    merchants: Any

    async def buy_points(self) -> None:
        """A merchant that has bought points for its campaign."""
        names = {"program_id": PROGRAM, "merchant_id": MERCHANT}
        create = merchants_pb2.CreateMerchantRequest(
            **names, request_id="create", display_name="新华书店", funding_account_id=SHOP
        )
        await repeated(self.merchants.CreateMerchant, create)
        fund = merchants_pb2.FundMerchantRequest(
            **names,
            request_id="fund",
            amount=money(f"{FUNDED // 100}.00"),
            payment_reference="p-1",
        )
        await repeated(self.merchants.FundMerchant, fund)

    async def claim(self, member_id: str) -> str:
        """A coupon of 20 yuan off 199."""
        request = coupons_pb2.ClaimCouponRequest(
            program_id=PROGRAM,
            member_id=member_id,
            request_id=f"claim-{member_id}",
            coupon_type_id="dong-20-of-199",
        )
        return str((await repeated(self.coupons.ClaimCoupon, request)).coupon.coupon_id)

    async def coupon(self, member_id: str, coupon_id: str) -> tuple[int, str]:
        """The state of a coupon, and its order."""
        request = coupons_pb2.GetCouponRequest(
            program_id=PROGRAM, member_id=member_id, coupon_id=coupon_id
        )
        found = (await repeated(self.coupons.GetCoupon, request)).coupon
        return found.state, found.order_id

    async def rooms(self) -> tuple[int, int, int]:
        """What the campaign has given, and what the merchant has left and keeps of that."""
        budget = campaigns_pb2.GetBudgetRequest(program_id=PROGRAM, campaign_id=CAMPAIGN)
        used = (await repeated(self.campaigns.GetBudget, budget)).budget.used_points
        request = merchants_pb2.GetMerchantRequest(program_id=PROGRAM, merchant_id=MERCHANT)
        found = (await repeated(self.merchants.GetMerchant, request)).merchant
        return used, found.balance_points, found.reserved_points

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
        three_services(program()) as three,
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
            coupons=CouponServiceStub(benefits),
            campaigns=CampaignServiceStub(benefits),
            merchants=MerchantServiceStub(benefits),
        )


def program() -> str:
    """JD's with coupons for everybody and a campaign of all days."""
    return changed(OPEN_GATE, ("\n    - campaign_id: xinhua-five-times\n", OPENING))


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
    """An order of three pieces with points, a coupon, a campaign with a budget and a merchant's.

    It is reserved and paid, one piece is called off, the others are delivered, and one goes back.
    """

    def __init__(self, callers: Callers) -> None:
        number = next(_numbers)
        self.callers, self.member_id = callers, f"m-{number}"
        self.order_id, self.coupon_id = f"o-{number}", ""
        self.before = (0, 0, 0)

    async def begin(self) -> None:
        """What it needs, and what campaign and merchant have before it."""
        await self.callers.give(self.member_id, GIVEN)
        self.coupon_id = await self.callers.claim(self.member_id)
        self.before = await self.callers.rooms()

    async def live(self) -> None:
        """All of it, each call repeated until it is answered."""
        await self.begin()
        orders, piece = self.callers.orders, {"line_id": "l", "quantity": 1}
        line = checkout_line("240.00", line_id="l", quantity=3, shop_id=SHOP)
        draft = checkout_draft(line, order_id=self.order_id, coupon_ids=[self.coupon_id])
        reserve = reserve_request(draft, USED, member_id=self.member_id)
        names = of_order(self.order_id, member_id=self.member_id)
        part, back = orders_pb2.CancelLine(**piece), orders_pb2.ReturnLine(**piece)
        await repeated(orders.ReserveOrder, reserve)
        await repeated(orders.CommitOrder, orders_pb2.CommitOrderRequest(**names))
        names["request_id"] = f"part-{self.order_id}"
        await repeated(orders.CancelOrder, orders_pb2.CancelOrderRequest(**names, lines=[part]))
        names["request_id"] = f"done-{self.order_id}"
        await repeated(orders.CompleteOrder, orders_pb2.CompleteOrderRequest(**names))
        names["request_id"] = f"back-{self.order_id}"
        await repeated(
            orders.ReturnOrderLines, orders_pb2.ReturnOrderLinesRequest(**names, lines=[back])
        )

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
        checkout, rooms = found.checkout, await self.callers.rooms()
        coupon_state, coupon_order = await self.callers.coupon(self.member_id, self.coupon_id)
        return {
            "balance": (balance.posted, balance.available, balance.held, balance.debt),
            "checkout": (checkout.state, checkout.points, checkout.refusal),
            "cancelled": [each.restored_points for each in checkout.cancellations],
            "grants": [(each.kind, each.points, each.state) for each in found.order.grants],
            "returns": [
                (each.state, each.restored_points, each.taken_points, each.refund.units)
                for each in found.returns
            ],
            "coupon": (coupon_state, coupon_order == self.order_id),
            "rooms": tuple(now - then for now, then in zip(rooms, self.before, strict=True)),
            "facts": await self.callers.facts(self.member_id),
        }

    def steps(self) -> Iterator[tuple[str, str]]:
        """What benefits says to whom in its course, by the ids that are fixed beforehand."""
        member = MemberKey(program_id=ProgramId(PROGRAM), member_id=MemberId(self.member_id))
        key = OrderKey(member=member, order_id=OrderId(self.order_id))
        grants = [name_of(key, purpose) for purpose in GRANTS]
        yield "ledger", name_of(key, "checkout/1/HOLD")
        yield "ledger", name_of(key, "checkout/1/CAPTURE")
        yield "ledger", name_of(key, "checkout/1/REFUND")
        yield "scoring", name_of(key, "purchase")
        yield "ledger", name_of(key, "return/1/restore")
        yield "scoring", name_of(key, "return/1")
        for grant in grants:
            yield "ledger", grant
            yield "ledger", name_of(key, f"return/1/TAKE/{grant}")


GRANTS = ("BASE", f"CAMPAIGN/{CAMPAIGN}", "MERCHANT/xinhua-five-times")
STEPS = 6 + 2 * len(GRANTS)


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
    await callers.buy_points()
    undisturbed = Life(callers)
    await undisturbed.live()
    expected = await undisturbed.state()
    check_undisturbed(expected)
    for step in range(STEPS):
        for victim, answered in KILLS if step < FIRST_OF_THEIR_KIND else KILLS_AGAIN:
            found = await disturbed(callers, step, victim, answered=answered)
            assert found == expected, f"{victim} killed at step {step}, answered: {answered}"
    assert await callers.unbalanced() == 0


def check_undisturbed(state: dict[str, Any]) -> None:
    """What an order of 240 yuan less a coupon and 4,000 points comes to, of which a third stays."""
    back, earned = 1333 + 1333, 60 + 60 + 240
    left = GIVEN - USED + back + earned
    assert state["balance"] == (left, left, 0, 0)
    assert state["rooms"] == (60, -240, 0)
    assert state["coupon"] == (coupons_pb2.COUPON_STATE_REDEEMED, True)
    assert state["facts"] == ["purchase", "purchase_return"]


FIRST_OF_THEIR_KIND = 8
"""The steps after these are the same for further grants."""

KILLS = (("benefits", False), ("benefits", True), ("neighbour", True), ("postgres", True))
"""Who is killed: before benefits is heard, or when it was and does not know it yet."""

KILLS_AGAIN = (("neighbour", True),)


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
