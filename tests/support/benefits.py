"""The benefits service between a ledger and a scoring that do as they are told, over real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.type.money_pb2 import Money
from grpc_status import rpc_status
from laurel.benefits.v1 import (
    campaigns_pb2_grpc,
    checkouts_pb2,
    coupons_pb2_grpc,
    earnings_pb2,
    eligibility_pb2_grpc,
    engagement_pb2_grpc,
    mall_pb2_grpc,
    memberships_pb2,
    memberships_pb2_grpc,
    merchants_pb2_grpc,
    orders_pb2,
    orders_pb2_grpc,
    reminders_pb2_grpc,
    risk_pb2,
    risk_pb2_grpc,
)
from laurel.ledger.v1 import (
    balances_pb2_grpc,
    holds_pb2_grpc,
    lots_pb2,
    lots_pb2_grpc,
    transactions_pb2_grpc,
)
from laurel.ledger.v1 import transactions_pb2 as ledger_pb
from laurel.program.v1 import program_service_pb2, program_service_pb2_grpc
from laurel.scoring.v1 import (
    activities_pb2_grpc,
    insight_pb2_grpc,
    scores_pb2_grpc,
    tiers_pb2_grpc,
)
from laurel_benefits.config import BenefitsSettings
from laurel_benefits.service import build
from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.fake_points import FakePoints, Points, refuse
from tests.support.fake_scoring import (
    FakeScoring,
    Standing,  # noqa: F401  # Tests know it from here.
    instant,
)
from tests.support.patience import PATIENCE, PATIENT
from tests.support.programs import program_text
from tests.support.servers import Served, served

PROGRAM, MEMBER, PLAN, TRIAL = "jd", "m-1", "plus-year", "plus-trial"
_numbers = count(1)


def number(prefix: str) -> str:
    """A name nobody has used yet."""
    return f"{prefix}-{next(_numbers)}"


@dataclass
class FakeLedger(
    FakePoints,
    transactions_pb2_grpc.TransactionServiceServicer,
    balances_pb2_grpc.BalanceServiceServicer,
    holds_pb2_grpc.HoldServiceServicer,
    lots_pb2_grpc.LotServiceServicer,
):
    """Posts once for each request id; can be away, lose its answers, or refuse."""

    posted: dict[str, ledger_pb.TransactionDraft] = field(default_factory=dict)
    lots: list[lots_pb2.ExpiringLot] = field(default_factory=list)
    lots_of: dict[str, list[lots_pb2.ExpiringLot]] = field(default_factory=dict)
    """By asset, where `lots` are not those of every asset."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    points: Points = field(default_factory=Points)
    """What members have beside what is posted here."""
    calls: int = 0
    away: bool = False
    loses_answers: bool = False
    refusal: tuple[grpc.StatusCode, str] | None = None

    async def PostTransaction(  # noqa: N802  # The name is the contract's.
        self, request: ledger_pb.PostTransactionRequest, context: Any
    ) -> ledger_pb.PostTransactionResponse:
        self.calls += 1
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        if self.refusal:
            await refuse(context, *self.refusal, "ledger")
        draft = request.transaction
        replayed = draft.request_id in self.posted
        if not replayed:
            self.points.post(draft)
        assert self.posted.setdefault(draft.request_id, draft) == draft
        self.changed.set()
        if self.loses_answers:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "posted, and then the line broke")
        return ledger_pb.PostTransactionResponse(
            transaction=ledger_pb.Transaction(request_id=draft.request_id),
            commit_token=f"token-{draft.request_id}",
            replayed=replayed,
        )

    async def ListExpiringLots(  # noqa: N802  # The name is the contract's.
        self, request: lots_pb2.ListExpiringLotsRequest, context: Any
    ) -> AsyncIterator[lots_pb2.ListExpiringLotsResponse]:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        start, end = request.start_time.ToDatetime(), request.end_time.ToDatetime()
        lots = self.lots_of.get(request.asset_id, self.lots)
        found = [lot for lot in lots if start <= lot.expire_time.ToDatetime() < end]
        yield lots_pb2.ListExpiringLotsResponse(lots=found)

    async def paid(self, kind: str, points: int) -> None:
        """Wait until so many points of a kind are posted."""
        async with asyncio.timeout(PATIENCE):
            while self.amounts.get(kind, 0) < points:
                self.changed.clear()
                await self.changed.wait()

    async def _may_fail(self, context: Any) -> None:
        self.calls += 1
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")

    def give(self, member_id: str, points: int) -> None:
        """Let a member have so many points; below zero it owes them."""
        self.points.of(member_id).posted = points

    @property
    def amounts(self) -> dict[str, int]:
        """Points posted, by what they are for."""
        sums: dict[str, int] = {}
        for draft in self.posted.values():
            kind = draft.labels["kind"]
            sums[kind] = sums.get(kind, 0) + draft.earn.amount - draft.spend.amount
        return sums


@dataclass(frozen=True)
class World:
    """The service with stubs to it, its neighbours, and the clock of all of them."""

    served: Served
    ledger: FakeLedger
    scoring: FakeScoring
    clock: SettableClock

    @property
    def orders(self) -> Any:
        return orders_pb2_grpc.OrderServiceStub(self.served.channel)

    @property
    def memberships(self) -> Any:
        return memberships_pb2_grpc.MembershipServiceStub(self.served.channel)

    @property
    def risks(self) -> Any:
        return risk_pb2_grpc.RiskServiceStub(self.served.channel)

    @property
    def campaigns(self) -> Any:
        return campaigns_pb2_grpc.CampaignServiceStub(self.served.channel)

    @property
    def reminders(self) -> Any:
        return reminders_pb2_grpc.ReminderServiceStub(self.served.channel)

    @property
    def engagement(self) -> Any:
        return engagement_pb2_grpc.EngagementServiceStub(self.served.channel)

    @property
    def coupons(self) -> Any:
        return coupons_pb2_grpc.CouponServiceStub(self.served.channel)

    @property
    def mall(self) -> Any:
        return mall_pb2_grpc.MallServiceStub(self.served.channel)

    @property
    def merchants(self) -> Any:
        return merchants_pb2_grpc.MerchantServiceStub(self.served.channel)

    @property
    def operations(self) -> Any:
        return operations_pb2_grpc.OperationsStub(self.served.channel)

    @property
    def eligibility(self) -> Any:
        return eligibility_pb2_grpc.EligibilityServiceStub(self.served.channel)

    async def apply(self, text: str, *, effective_time: datetime | None = None) -> str:
        """Apply a program file; answers its revision."""
        programs = program_service_pb2_grpc.ProgramServiceStub(self.served.channel)
        request = program_service_pb2.ApplyRevisionRequest(
            request_id=number("apply"),
            source=text,
            effective_time=instant(effective_time) if effective_time else None,
        )
        applied = await programs.ApplyRevision(request, timeout=PATIENCE)
        return str(applied.revision.revision_id)

    async def complete(self, request: orders_pb2.CompleteOrderRequest) -> Any:
        return await self.orders.CompleteOrder(request, timeout=PATIENCE)

    async def evaluate(
        self, draft: checkouts_pb2.CheckoutDraft, points: int = 0, member_id: str = MEMBER
    ) -> checkouts_pb2.Evaluation:
        request = orders_pb2.EvaluateOrderRequest(
            program_id=PROGRAM, member_id=member_id, order=draft, points=points
        )
        return (await self.orders.EvaluateOrder(request, timeout=PATIENCE)).evaluation

    async def reserve(
        self, draft: checkouts_pb2.CheckoutDraft, points: int = 0, **options: Any
    ) -> orders_pb2.ReserveOrderResponse:
        request = reserve_request(draft, points, **options)
        return await self.orders.ReserveOrder(request, timeout=PATIENCE)

    async def commit(self, order_id: str, **options: Any) -> orders_pb2.CommitOrderResponse:
        request = orders_pb2.CommitOrderRequest(**of_order(order_id, **options))
        return await self.orders.CommitOrder(request, timeout=PATIENCE)

    async def cancel(self, order_id: str, **options: Any) -> orders_pb2.CancelOrderResponse:
        request = orders_pb2.CancelOrderRequest(**of_order(order_id, **options))
        return await self.orders.CancelOrder(request, timeout=PATIENCE)

    async def deliver(self, order_id: str, **options: Any) -> orders_pb2.CompleteOrderResponse:
        request = orders_pb2.CompleteOrderRequest(**of_order(order_id, **options))
        return await self.complete(request)

    async def give_back(
        self, order_id: str, pieces: dict[str, int] | None = None, **options: Any
    ) -> orders_pb2.ReturnOrderLinesResponse:
        lines = [
            orders_pb2.ReturnLine(line_id=line_id, quantity=quantity)
            for line_id, quantity in (pieces or {}).items()
        ]
        request = orders_pb2.ReturnOrderLinesRequest(**of_order(order_id, lines=lines, **options))
        return await self.orders.ReturnOrderLines(request, timeout=PATIENCE)

    async def quote(self, **options: Any) -> Any:
        request = quote_request(**options)
        return await self.memberships.QuoteMembership(request, timeout=PATIENCE)

    async def purchase(self, quote_id: str, **options: Any) -> Any:
        request = purchase_request(quote_id, **options)
        return await self.memberships.PurchaseMembership(request, timeout=PATIENCE)

    async def buy(self, member_id: str = MEMBER) -> memberships_pb2.Membership:
        """A membership bought at whatever price."""
        quoted = await self.quote(member_id=member_id)
        return (await self.purchase(quoted.quote.quote_id, member_id=member_id)).membership

    async def try_plus(self, **options: Any) -> Any:
        """A trial of PLUS, or why there is none."""
        content = {"program_id": PROGRAM, "member_id": MEMBER, "plan_id": TRIAL}
        named = {"request_id": number("r")} | options
        request = memberships_pb2.StartTrialRequest(**(content | named))
        return await self.memberships.StartTrial(request, timeout=PATIENCE)

    async def membership(self, plan_id: str = PLAN, member_id: str = MEMBER) -> Any:
        request = memberships_pb2.GetMembershipRequest(
            program_id=PROGRAM, member_id=member_id, plan_id=plan_id
        )
        return (await self.memberships.GetMembership(request, timeout=PATIENCE)).membership

    async def judge(
        self, state: str, /, *, ends: datetime | None = None, **options: Any
    ) -> risk_pb2.SetMemberRiskResponse:
        """Judge the member from now on: `BLOCKED`, `WATCH` or `NORMAL`."""
        request = risk_request(state, ends=ends, **options)
        return await self.risks.SetMemberRisk(request, timeout=PATIENCE)

    async def finished(self, operation: Any, answer: Any) -> Any:
        """The answer of a job once it has ended."""
        request = operations_pb2.WaitOperationRequest(name=operation.name)
        request.timeout.seconds = int(PATIENCE)
        ended = await self.operations.WaitOperation(request, timeout=PATIENCE)
        assert ended.done, "the job goes on"
        assert ended.response.Unpack(answer), ended.error
        return answer

    async def rows(self) -> dict[str, int]:
        """How many rows every table of the service has."""
        tables = (
            "activity", "line_reward", "referral", "review_case",
            "member", "shop_order", "order_grant", "membership", "quote", "seen_standing",
            "request", "timer", "outbox", "benefit_counter", "benefit_use", "benefit_ruling",
            "member_risk", "check_in", "coupon", "coupon_counter", "coupon_stock", "coupon_code",
            "posting", "redemption", "draw", "member_counter", "program_counter",
            "operation", "checkout", "order_return", "pay_out", "tree",
            "tree_help", "harvest", "make_up_card",
        )  # fmt: skip
        async with self.served.running.foundation.database.read() as connection:
            return {
                table: (
                    await connection.exec_driver_sql(f"select count(*) from {table}")
                ).scalar_one()
                for table in tables
            }


@asynccontextmanager
async def benefits_world(
    database_of: DatabaseOf, clock: SettableClock, **settings: Any
) -> AsyncIterator[World]:
    """The service with the JD program applied, and nobody else's process."""
    ledger, scoring = FakeLedger(), FakeScoring(clock)
    access = await database_of.access("benefits")
    async with neighbours(ledger, scoring) as address:
        chosen = PATIENT | {
            "relay_pause": timedelta(milliseconds=300),
            "relay_delay": timedelta(hours=1),
        }
        configured = BenefitsSettings(
            database_url=access.url,
            address="127.0.0.1:0",
            sandbox=True,
            ledger_address=address,
            scoring_address=address,
            **(chosen | settings),
        )
        async with served(build, configured, clock=clock) as running:
            world = World(running, ledger, scoring, clock)
            await world.apply(program_text())
            yield world


@asynccontextmanager
async def neighbours(ledger: FakeLedger, scoring: FakeScoring) -> AsyncIterator[str]:
    """Both neighbours on one free port."""
    server = grpc.aio.server()
    transactions_pb2_grpc.add_TransactionServiceServicer_to_server(ledger, server)
    balances_pb2_grpc.add_BalanceServiceServicer_to_server(ledger, server)
    lots_pb2_grpc.add_LotServiceServicer_to_server(ledger, server)
    holds_pb2_grpc.add_HoldServiceServicer_to_server(ledger, server)
    scores_pb2_grpc.add_ScoreServiceServicer_to_server(scoring, server)
    tiers_pb2_grpc.add_TierServiceServicer_to_server(scoring.insight, server)
    insight_pb2_grpc.add_InsightServiceServicer_to_server(scoring.insight, server)
    activities_pb2_grpc.add_ActivityServiceServicer_to_server(scoring, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def money(yuan: str) -> Money:
    """`128.50` as money."""
    whole, _, part = yuan.partition(".")
    return Money(currency_code="CNY", units=int(whole), nanos=int(f"{part:0<9}"[:9]) if part else 0)


def line(paid: str, category: str = "books", **options: Any) -> orders_pb2.OrderLine:
    """A line of an order."""
    content = {"line_id": number("l"), "sku_id": "sku", "goods_class": "physical", "quantity": 1}
    return orders_pb2.OrderLine(paid=money(paid), category_id=category, **(content | options))


def order_request(
    *lines: orders_pb2.OrderLine,
    order_time: datetime,
    payment_method: str = "online",
    member_id: str = MEMBER,
    validate_only: bool = False,
    **options: Any,
) -> orders_pb2.CompleteOrderRequest:
    """The completion of an order, paid by one means."""
    lines = lines or (line("100.00"),)
    nanos = sum(each.paid.units * 10**9 + each.paid.nanos for each in lines)
    amount = Money(currency_code="CNY", units=nanos // 10**9, nanos=nanos % 10**9)
    payments = [earnings_pb2.Payment(payment_method=payment_method, amount=amount)]
    draft = {"order_id": number("o"), "order_time": instant(order_time), "payments": payments}
    return orders_pb2.CompleteOrderRequest(
        program_id=PROGRAM,
        member_id=member_id,
        request_id=number("r"),
        order=orders_pb2.OrderDraft(lines=lines, **(draft | options)),
        validate_only=validate_only,
    )


def checkout_line(amount: str, **options: Any) -> checkouts_pb2.CheckoutLine:
    """A line of an order before it is paid."""
    content = {
        "line_id": number("l"), "sku_id": "sku", "category_id": "food", "goods_class": "physical",
        "quantity": 1,
    }  # fmt: skip
    return checkouts_pb2.CheckoutLine(amount=money(amount), **(content | options))


def checkout_draft(
    *lines: checkouts_pb2.CheckoutLine, others: dict[str, str] | None = None, **options: Any
) -> checkouts_pb2.CheckoutDraft:
    """An order before it is paid; `others` are means that pay a part of it."""
    content = {
        "order_id": number("o"), "lines": lines or [checkout_line("100.00")],
        "payment_method": "online",
        "other_payments": [
            earnings_pb2.Payment(payment_method=method, amount=money(amount))
            for method, amount in (others or {}).items()
        ],
    }  # fmt: skip
    return checkouts_pb2.CheckoutDraft(**(content | options))


def of_order(order_id: str, **options: Any) -> dict[str, Any]:
    """What every request about a reserved order says."""
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    return {**content, "order_id": order_id, **options}


def reserve_request(
    draft: checkouts_pb2.CheckoutDraft, points: int = 0, **options: Any
) -> orders_pb2.ReserveOrderRequest:
    """A reservation."""
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    return orders_pb2.ReserveOrderRequest(order=draft, points=points, **(content | options))


def quote_request(**options: Any) -> memberships_pb2.QuoteMembershipRequest:
    """A wish for the price of PLUS."""
    content = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"), "plan_id": PLAN,
    }  # fmt: skip
    return memberships_pb2.QuoteMembershipRequest(**(content | options))


def risk_request(
    state: str, /, *, ends: datetime | None = None, **options: Any
) -> risk_pb2.SetMemberRiskRequest:
    """A judgement of a member."""
    content = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"),
        "state": f"RISK_STATE_{state}", "reason": "sells benefits",
    }  # fmt: skip
    until = {"expire_time": instant(ends)} if ends else {}
    return risk_pb2.SetMemberRiskRequest(**(content | until | options))


def purchase_request(quote_id: str, **options: Any) -> memberships_pb2.PurchaseMembershipRequest:
    """A purchase by a quote."""
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    return memberships_pb2.PurchaseMembershipRequest(quote_id=quote_id, **(content | options))


def refusal_of(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Code, reason and metadata of a refused call."""
    info = error_details_pb2.ErrorInfo()
    assert detail(error, info), "a refusal without ErrorInfo"
    return error.code(), info.reason, dict(info.metadata)


def detail(error: grpc.aio.AioRpcError, message: Message) -> bool:
    """Fill `message` with the detail of its kind; False when the refusal has none."""
    status = rpc_status.from_call(error)
    return any(each.Unpack(message) for each in (status.details if status else ()))
