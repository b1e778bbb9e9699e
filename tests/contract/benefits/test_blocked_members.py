"""Blocked members neither earn nor spend at any door (B10, B11, O55): a table of all writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from laurel.benefits.v1 import (
    campaigns_pb2,
    coupons_pb2,
    decisions_pb2,
    eligibility_pb2,
    engagement_pb2,
    games_pb2,
    mall_pb2,
    memberships_pb2,
    merchants_pb2,
    orders_pb2,
    reminders_pb2,
    risk_pb2,
)
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    TRIAL,
    World,
    benefits_world,
    number,
    order_request,
    refusal_of,
)
from tests.support.benefits_games import GAMES, games_text
from tests.support.benefits_shop import score
from tests.support.databases import DatabaseOf

CONTRACTS = (
    campaigns_pb2, coupons_pb2, eligibility_pb2, engagement_pb2, games_pb2, mall_pb2,
    memberships_pb2, merchants_pb2, orders_pb2, reminders_pb2, risk_pb2,
)  # fmt: skip
GAME = {"program_id": GAMES}
YUAN = {"currency_code": "CNY", "units": "100"}
GOODS = {"sku_id": "s", "category_id": "food", "goods_class": "physical", "quantity": 1}
LINE = GOODS | {"line_id": "l", "amount": YUAN}
LOGIN = {"activity_id": "a", "activity_time": "2026-03-10T03:00:00Z", "action": {"kind": "login"}}

# What a blocked member asks for, by the method; a no names the block.
REFUSED: dict[str, dict[str, Any]] = {
    "ClaimCoupon": {"coupon_type_id": "jing-5"},
    "UseBenefit": {"benefit_id": "vip-line"},
    "CheckIn": {},
    "MakeUpCheckIn": {"day": {"year": 2026, "month": 3, "day": 9}},
    "RecordActivities": {"activities": [LOGIN]},
    "RecordContact": {"channel": "sms"},
    "CollectWater": GAME | {"task_id": "share", "subject": "f"},
    "WaterTree": GAME | {"pours": 1},
    "HelpTree": GAME | {"helper_id": "f", "device_id": "d"},
    "HarvestTree": GAME | {"fruit_id": "orange", "address": "home"},
    "PayOutWallet": GAME | {"amount": YUAN, "payee": "p"},
    "RedeemReward": {
        "reward_id": "tea-cup",
        "price_points": 2000,
        "price": {"currency_code": "CNY", "units": 9, "nanos": 900000000},
    },
    "DrawLottery": {"lottery_id": "big-fight", "client_seed": "words"},
    "QuoteMembership": {"plan_id": PLAN},
    "StartTrial": {"plan_id": TRIAL},
    "GrantPoints": {"merchant_id": "shop", "points": 1, "reason": "thanks"},
    "ReserveOrder": {
        "points": 1000,
        "order": {"order_id": "o", "lines": [LINE], "payment_method": "online"},
    },
}
# Those whose answers say it in another way: see below, and the tests of coupons.
SAID_OTHERWISE = {"CompleteOrder", "PurchaseMembership", "RenewMembership", "IssueCoupons"}
# What a block does not stop: what was decided before is finished or given back, and people decide.
OPEN = {
    "CommitOrder": "the points were held before",
    "CancelOrder": "gives back",
    "ReturnOrderLines": "gives back",
    "CancelRedemption": "gives back",
    "ConfirmRedemption": "the points were spent before",
    "ReverseUse": "gives back",
    "CancelMembership": "ends what was bought",
    "SuspendMembership": "takes away",
    "ResumeMembership": "gives what was bought, and is decided by people",
    "ExtendMembership": "is decided by people",
    "RequestInvoice": "about a fee that was paid",
    "VoidCoupon": "takes away",
    "ImportCodes": "about no member",
    "GrantBenefit": "is decided by people, and a use of it is refused",
    "RevokeBenefit": "takes away",
    "CreateMerchant": "about no member",
    "FundMerchant": "about no member",
    "JoinShop": "earns and spends nothing",
    "SetMemberRisk": "is the judgement",
    "ResolveReviewCase": "is decided by people",
}


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        await world.apply(games_text())
        score(world, 30_000)
        world.ledger.give(MEMBER, 10_000)
        yield world


def writes() -> Iterator[MethodDescriptor]:
    """Every method of the service that changes something."""
    for contract in CONTRACTS:
        for service in contract.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS:
                    yield method


async def call(world: World, name: str, fields: dict[str, Any]) -> Any:
    """Call a method about the member."""
    method = next(each for each in writes() if each.name == name)
    kind = message_factory.GetMessageClass(method.input_type)
    usual = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    known = {key: usual[key] for key in usual if key in method.input_type.fields_by_name}
    request = json_format.ParseDict(known | fields, kind())
    service = method.containing_service.full_name
    answer = message_factory.GetMessageClass(method.output_type)
    rpc = world.served.channel.unary_unary(
        f"/{service}/{name}",
        request_serializer=kind.SerializeToString,
        response_deserializer=answer.FromString,
    )
    return await rpc(request, timeout=PATIENCE)


def decision_in(answer: Any) -> decisions_pb2.Decision:
    """The decision of an answer, or of the only item in it."""
    return answer.results[0].recorded.decision if hasattr(answer, "results") else answer.decision


def test_every_write_says_what_a_block_does_to_it() -> None:
    assert {each.name for each in writes()} == set(REFUSED) | SAID_OTHERWISE | set(OPEN)


async def test_a_blocked_member_neither_earns_nor_spends_at_any_door_o55(world: World) -> None:
    await call(
        world,
        "CreateMerchant",
        {"merchant_id": "shop", "display_name": "Shop", "funding_account_id": "xinhua-books"},
    )
    for program_id in (PROGRAM, GAMES):
        await world.judge("BLOCKED", program_id=program_id)
    for name, fields in REFUSED.items():
        decision = decision_in(await call(world, name, fields))
        codes = {each.code for each in decision.reasons}
        assert not decision.allowed, name
        assert decisions_pb2.DECISION_REASON_RISK_BLOCKED in codes, name
    assert world.ledger.posted == {}
    order = (await world.complete(order_request(order_time=world.clock.now()))).order
    assert not order.grants


async def test_a_blocked_member_buys_no_membership_by_an_earlier_quote_o55(world: World) -> None:
    await world.buy()
    quoted = (await world.quote()).quote.quote_id
    await world.judge("BLOCKED")
    for name in ("PurchaseMembership", "RenewMembership"):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call(world, name, {"quote_id": quoted})
        assert refusal_of(error.value)[1] == "MEMBER_BLOCKED"


async def test_a_blocked_member_uses_no_coupon_o55(world: World) -> None:
    coupon = (await call(world, "ClaimCoupon", {"coupon_type_id": "jing-5"})).coupon
    await world.judge("BLOCKED")
    draft = REFUSED["ReserveOrder"]["order"] | {"coupon_ids": [coupon.coupon_id]}
    refused = (await call(world, "ReserveOrder", {"order": draft})).decision
    assert [each.code for each in refused.reasons] == [decisions_pb2.DECISION_REASON_RISK_BLOCKED]
    both = (await call(world, "ReserveOrder", {"order": draft, "points": 1000})).decision
    assert both.reasons == refused.reasons
