"""Terms after they were bought, and by which channel, through the door."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2, eligibility_pb2
from laurel.benefits.v1 import memberships_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    TRIAL,
    World,
    benefits_world,
    line,
    money,
    number,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

DAY = timedelta(days=1)
UNKNOWN = "019aa000-0000-7000-8000-00000000dead"
REFUNDING = (
    "point_value_fen: 1  # X2.",
    "refund: {within_days: 7}\n      point_value_fen: 1  # X2.",
)
CALLERS = 8


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def change(world: World, rpc: str, membership_id: str, **options: Any) -> Any:
    """One of the changes of a term."""
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    defaults = {
        "Cancel": {"reason": "wished"},
        "Suspend": {"reason": "sells benefits"},
        "Resume": {},
        "Extend": {"reason": "a promotion", "days": 30},
    }[rpc]
    request = getattr(pb, f"{rpc}MembershipRequest")(
        membership_id=membership_id, **(content | defaults | options)
    )
    return await getattr(world.memberships, f"{rpc}Membership")(request, timeout=PATIENCE)


async def renew(world: World, **options: Any) -> Any:
    quoted = await world.quote()
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    request = pb.RenewMembershipRequest(quote_id=quoted.quote.quote_id, **(content | options))
    return await world.memberships.RenewMembership(request, timeout=PATIENCE)


async def found(world: World) -> pb.GetMembershipResponse:
    request = pb.GetMembershipRequest(program_id=PROGRAM, member_id=MEMBER, plan_id=PLAN)
    return await world.memberships.GetMembership(request, timeout=PATIENCE)


async def savings(world: World, membership_id: str) -> pb.GetSavingsResponse:
    request = pb.GetSavingsRequest(
        program_id=PROGRAM, member_id=MEMBER, membership_id=membership_id
    )
    return await world.memberships.GetSavings(request, timeout=PATIENCE)


async def use_freight_coupon(world: World) -> None:
    request = eligibility_pb2.UseBenefitRequest(
        program_id=PROGRAM,
        member_id=MEMBER,
        request_id=number("r"),
        benefit_id="plus-freight-coupon",
    )
    used = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    assert used.HasField("use")


async def order(world: World, paid: str, **options: Any) -> Any:
    options = {"order_time": world.clock.now()} | options
    return (await world.complete(order_request(line(paid), **options))).order


async def test_renew_membership_follows_the_running_term(world: World) -> None:
    bought = await world.buy()
    renewed = (await renew(world)).membership
    assert renewed.state == pb.MEMBERSHIP_STATE_UPCOMING
    assert renewed.term.start_time == bought.term.expire_time
    assert (await found(world)).membership == bought
    assert (await found(world)).renewal == renewed
    assert (await refusal(renew(world)))[1] == "MEMBERSHIP_RENEWED"
    world.clock.set(bought.term.expire_time.ToDatetime(tzinfo=UTC))
    now = await found(world)
    assert now.membership.membership_id == renewed.membership_id
    assert now.membership.state == pb.MEMBERSHIP_STATE_FORMAL
    assert not now.HasField("renewal")


async def test_renew_membership_has_the_terms_of_its_own_day(world: World) -> None:
    bought = await world.buy()
    text = program_text().replace("cap_points: 50000}", "cap_points: 40000}")
    await world.apply(text, effective_time=world.clock.now() + timedelta(days=1))
    world.clock.set(world.clock.now() + timedelta(days=2))
    renewed = (await renew(world)).membership
    assert (bought.rebate.cap_points, renewed.rebate.cap_points) == (50000, 40000)
    assert renewed.program_revision != bought.program_revision
    assert (await found(world)).membership.rebate.cap_points == 50000


async def test_renew_membership_of_a_payment_that_failed_buys_nothing(world: World) -> None:
    await world.buy()
    answer = await renew(world, payment_outcome=pb.PAYMENT_OUTCOME_FAILED)
    assert not answer.HasField("membership")
    assert not (await found(world)).HasField("renewal")
    assert (await renew(world)).HasField("membership")


async def test_renew_membership_again_answers_the_same(world: World) -> None:
    await world.buy()
    first = await renew(world, request_id="renew")
    quote_id = first.membership.quote_id
    request = pb.RenewMembershipRequest(
        program_id=PROGRAM, member_id=MEMBER, request_id="renew", quote_id=quote_id
    )
    again = await world.memberships.RenewMembership(request, timeout=PATIENCE)
    assert again.replayed
    assert again.membership == first.membership
    purchase = world.purchase(quote_id, request_id="renew")
    assert (await refusal(purchase))[1] == "REQUEST_ID_REUSED"


async def test_renew_membership_without_a_running_term_is_refused(world: World) -> None:
    assert (await refusal(renew(world)))[:2] == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "MEMBERSHIP_NOT_RUNNING",
    )
    await world.buy()
    rows = await world.rows()
    tried = await renew(world, validate_only=True)
    assert tried.membership.membership_id == ""
    assert (await world.rows())["membership"] == rows["membership"]


async def test_renew_membership_at_once_buys_one_term(world: World) -> None:
    await world.buy()
    answers = await asyncio.gather(*(renew(world) for _ in range(CALLERS)), return_exceptions=True)
    counted = Counter(
        refusal_of(each)[1] if isinstance(each, grpc.aio.AioRpcError) else "ok" for each in answers
    )
    assert counted == {"ok": 1, "MEMBERSHIP_RENEWED": CALLERS - 1}


async def test_cancel_membership_refunds_net_of_what_was_used(world: World) -> None:
    await world.apply(program_text().replace(*REFUNDING), effective_time=world.clock.now())
    bought = await world.buy()
    await order(world, "100.00")
    await use_freight_coupon(world)
    world.clock.set(world.clock.now() + DAY)
    tried = await change(world, "Cancel", bought.membership_id, validate_only=True)
    assert (await found(world)).membership.state == pb.MEMBERSHIP_STATE_FORMAL
    cancelled = (await change(world, "Cancel", bought.membership_id)).membership
    assert cancelled == tried.membership
    assert cancelled.state == pb.MEMBERSHIP_STATE_CANCELLED
    assert cancelled.cancellation.used == money("11.00")
    assert cancelled.cancellation.refund == money("288.00")
    assert cancelled.cancellation.maker
    assert (await found(world)).membership == cancelled


async def test_cancel_membership_lets_later_deliveries_earn_base_points(world: World) -> None:
    bought = await world.buy()
    placed = world.clock.now()
    world.clock.set(placed + DAY)
    cancelled = (await change(world, "Cancel", bought.membership_id)).membership
    assert cancelled.cancellation.refund == money("0")
    late = await order(world, "100.00", order_time=placed)
    assert [each.points for each in late.grants] == [100]
    assert (await world.buy()).membership_id != bought.membership_id


async def test_cancel_membership_of_a_term_that_is_followed_is_refused(world: World) -> None:
    bought = await world.buy()
    later = (await renew(world)).membership
    code, reason, metadata = await refusal(change(world, "Cancel", bought.membership_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEMBERSHIP_RENEWED")
    assert metadata["membership_id"] == later.membership_id
    await change(world, "Cancel", later.membership_id)
    await change(world, "Cancel", bought.membership_id)


@pytest.mark.parametrize("rpc", ["Cancel", "Suspend", "Resume", "Extend"])
async def test_a_change_of_a_term_again_answers_the_same(world: World, rpc: str) -> None:
    bought = await world.buy()
    if rpc == "Resume":
        await change(world, "Suspend", bought.membership_id)
    first = await change(world, rpc, bought.membership_id, request_id="change")
    world.clock.set(world.clock.now() + DAY)
    again = await change(world, rpc, bought.membership_id, request_id="change")
    assert again.replayed
    assert again.membership == first.membership
    call = change(world, rpc, UNKNOWN, request_id="change")
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"
    before = await world.rows()
    assert (await refusal(change(world, rpc, UNKNOWN)))[:2] == (
        grpc.StatusCode.NOT_FOUND,
        "TERM_NOT_FOUND",
    )
    assert (await refusal(change(world, rpc, "no-uuid")))[1] == "REQUEST_INVALID"
    assert await world.rows() == before


@pytest.mark.parametrize(
    ("rpc", "other"),
    [("Cancel", "CANCELLED"), ("Suspend", "SUSPENDED"), ("Resume", "FORMAL")],
)
async def test_a_change_of_a_term_at_once_is_made_once(world: World, rpc: str, other: str) -> None:
    bought = await world.buy()
    if rpc == "Resume":
        await change(world, "Suspend", bought.membership_id)
    calls = [change(world, rpc, bought.membership_id) for _ in range(CALLERS)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [refusal_of(each) for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == CALLERS - 1
    assert {reason for _, reason, _ in refused} == {"MEMBERSHIP_STATE_MISMATCH"}
    assert {metadata["state"] for _, _, metadata in refused} == {other}


async def test_suspend_membership_stops_what_the_term_gives(world: World) -> None:
    bought = await world.buy()
    suspended = (await change(world, "Suspend", bought.membership_id)).membership
    assert suspended.state == pb.MEMBERSHIP_STATE_SUSPENDED
    assert suspended.suspensions[0].reason == "sells benefits"
    placed = world.clock.now()
    check = eligibility_pb2.CheckBenefitRequest(
        program_id=PROGRAM, member_id=MEMBER, benefit_id="plus-member-price"
    )
    checked = await world.eligibility.CheckBenefit(check, timeout=PATIENCE)
    assert not checked.decision.allowed
    quoted = await world.quote()
    assert (await refusal(world.purchase(quoted.quote.quote_id)))[1] == "MEMBERSHIP_ACTIVE"
    world.clock.set(placed + DAY)
    resumed = (await change(world, "Resume", bought.membership_id)).membership
    assert resumed.state == pb.MEMBERSHIP_STATE_FORMAL
    assert resumed.suspensions[0].HasField("end_time")
    # What was placed while it was suspended earns no rebate, also when it is delivered later.
    assert [each.points for each in (await order(world, "100.00", order_time=placed)).grants] == [
        100
    ]
    assert [each.points for each in (await order(world, "100.00")).grants] == [500]


async def test_resume_membership_gives_back_no_time(world: World) -> None:
    bought = await world.buy()
    await change(world, "Suspend", bought.membership_id)
    world.clock.set(world.clock.now() + 9 * DAY)
    resumed = (await change(world, "Resume", bought.membership_id)).membership
    assert resumed.term == bought.term


async def test_extend_membership_gives_days_and_keeps_the_cap_f6(world: World) -> None:
    bought = await world.buy()
    later = (await renew(world)).membership
    longer = (await change(world, "Extend", bought.membership_id, days=30)).membership
    end = bought.term.expire_time.ToDatetime(tzinfo=UTC) + 30 * DAY
    assert longer.term.expire_time.ToDatetime(tzinfo=UTC) == end
    assert longer.rebate == bought.rebate
    assert [each.days for each in longer.extensions] == [30]
    moved = (await found(world)).renewal
    assert moved.membership_id == later.membership_id
    assert moved.term.start_time == longer.term.expire_time


async def test_extend_membership_of_a_trial_moves_the_time_to_release(world: World) -> None:
    trial = (await world.try_plus()).membership
    await order(world, "100.00")
    await change(world, "Extend", trial.membership_id, days=10)
    was = trial.frozen_rebate.release_expire_time.ToDatetime(tzinfo=UTC)
    await world.served.running.scheduler.advance(was + DAY)
    held = await world.membership(TRIAL)
    assert held.frozen_rebate.state == pb.FROZEN_REBATE_STATE_FROZEN
    assert held.frozen_rebate.release_expire_time.ToDatetime(tzinfo=UTC) == was + 10 * DAY
    await world.served.running.scheduler.advance(was + 10 * DAY)
    held = await world.membership(TRIAL)
    assert held.frozen_rebate.state == pb.FROZEN_REBATE_STATE_FORFEITED


async def test_extend_membership_lets_a_trial_that_is_over_run_again(world: World) -> None:
    trial = (await world.try_plus()).membership
    over = trial.term.expire_time.ToDatetime(tzinfo=UTC)
    await world.served.running.scheduler.advance(over + DAY)
    await order(world, "100.00")
    again = (await change(world, "Extend", trial.membership_id, days=10)).membership
    assert again.state == pb.MEMBERSHIP_STATE_TRIAL
    assert again.term.expire_time.ToDatetime(tzinfo=UTC) == over + 11 * DAY
    assert [each.start_time for each in again.suspensions] == [trial.term.expire_time]
    assert again.frozen_rebate.frozen_points == 0
    await order(world, "100.00")
    assert (await world.membership(TRIAL)).frozen_rebate.frozen_points == 500
    await world.served.running.scheduler.advance(over + 11 * DAY + 30 * DAY)
    held = await world.membership(TRIAL)
    assert held.frozen_rebate.state == pb.FROZEN_REBATE_STATE_FORFEITED
    _, reason, _ = await refusal(change(world, "Extend", trial.membership_id, days=10))
    assert reason == "MEMBERSHIP_STATE_MISMATCH"


async def test_extend_membership_at_once_loses_no_day(world: World) -> None:
    bought = await world.buy()
    calls = [change(world, "Extend", bought.membership_id, days=1) for _ in range(CALLERS)]
    await asyncio.gather(*calls)
    end = (await found(world)).membership.term.expire_time.ToDatetime(tzinfo=UTC)
    assert end == bought.term.expire_time.ToDatetime(tzinfo=UTC) + CALLERS * DAY


async def test_get_savings_names_rebates_and_uses_line_by_line(world: World) -> None:
    await world.try_plus()
    await order(world, "100.00")
    bought = await world.buy()
    await order(world, "200.00")
    for _ in range(2):
        await use_freight_coupon(world)
    answer = await savings(world, bought.membership_id)
    assert [
        (each.kind, each.benefit_id, each.times, each.points, each.amount) for each in answer.lines
    ] == [
        (pb.SAVING_KIND_REBATE, "", 2, 1500, money("15.00")),
        (pb.SAVING_KIND_BENEFIT, "plus-freight-coupon", 2, 0, money("12.00")),
    ]
    assert (answer.saved, answer.price) == (money("27.00"), money("299.00"))
    assert answer.net.units == -272
    assert (await refusal(savings(world, UNKNOWN)))[1] == "TERM_NOT_FOUND"


async def test_get_savings_of_a_trial_counts_nothing_that_is_frozen(world: World) -> None:
    trial = (await world.try_plus()).membership
    await order(world, "100.00")
    answer = await savings(world, trial.membership_id)
    assert [(each.kind, each.points, each.amount) for each in answer.lines] == [
        (pb.SAVING_KIND_FROZEN_REBATE, 500, money("0"))
    ]


async def test_quote_membership_by_a_channel_has_its_own_price_f24(world: World) -> None:
    quoted = await world.quote(channel_id="bank-points")
    assert quoted.quote.price == money("0")
    assert (quoted.quote.channel_id, quoted.quote.partner_points) == ("bank-points", 160000)
    bought = await world.purchase(quoted.quote.quote_id, payment_reference="bank-1")
    assert bought.membership.channel_id == "bank-points"
    code, reason, metadata = await refusal(world.quote(channel_id="airline"))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "CHANNEL_NOT_FOUND")
    assert metadata == {"plan_id": PLAN, "channel_id": "airline"}


async def test_purchase_membership_by_a_gift_code_buys_once_in_the_program(world: World) -> None:
    quotes = {
        member_id: (await world.quote(member_id=member_id, channel_id="gift-code")).quote.quote_id
        for member_id in (MEMBER, "m-2", "m-3")
    }
    nothing = world.purchase(quotes[MEMBER])
    assert (await refusal(nothing))[1] == "CHANNEL_REFERENCE_MISSING"
    calls = [
        world.purchase(quote_id, member_id=member_id, payment_reference="G-1")
        for member_id, quote_id in quotes.items()
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    counted = Counter(
        refusal_of(each)[1] if isinstance(each, grpc.aio.AioRpcError) else "ok" for each in answers
    )
    assert counted == {"ok": 1, "CHANNEL_REFERENCE_USED": 2}
    assert (await world.rows())["membership"] == 1


def invoice_request(membership_id: str, **options: Any) -> pb.RequestInvoiceRequest:
    content = {
        "program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r"),
        "invoice_type": "vat_ordinary", "title": "张三",
    }  # fmt: skip
    return pb.RequestInvoiceRequest(membership_id=membership_id, **(content | options))


async def invoice(world: World, membership_id: str, **options: Any) -> pb.RequestInvoiceResponse:
    request = invoice_request(membership_id, **options)
    return await world.memberships.RequestInvoice(request, timeout=PATIENCE)


async def test_request_invoice_is_for_an_ordinary_one_over_the_fee_f26(world: World) -> None:
    bought = await world.buy()
    special = invoice(world, bought.membership_id, invoice_type="vat_special")
    assert await refusal(special) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "INVOICE_TYPE_NOT_ISSUED",
        {"invoice_type": "vat_special", "issued": "vat_ordinary"},
    )
    request = invoice_request(bought.membership_id, tax_number="91110000")
    first = await world.memberships.RequestInvoice(request, timeout=PATIENCE)
    made = first.membership.invoice
    assert (made.invoice_type, made.title, made.tax_number) == ("vat_ordinary", "张三", "91110000")
    assert made.amount == bought.price
    again = await world.memberships.RequestInvoice(request, timeout=PATIENCE)
    assert again.replayed
    assert again.membership == first.membership
    assert (await found(world)).membership.invoice == made
    assert (await refusal(invoice(world, bought.membership_id)))[1] == "INVOICE_REQUESTED"


async def test_request_invoice_at_once_makes_one(world: World) -> None:
    bought = await world.buy()

    async def outcome() -> str:
        try:
            await invoice(world, bought.membership_id)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)[1]
        return "made"

    outcomes = Counter(await asyncio.gather(*(outcome() for _ in range(CALLERS))))
    assert outcomes == {"made": 1, "INVOICE_REQUESTED": CALLERS - 1}


async def test_request_invoice_of_what_cost_nothing_is_refused(world: World) -> None:
    quoted = await world.quote(channel_id="bank-points")
    free = (await world.purchase(quoted.quote.quote_id)).membership
    assert (await refusal(invoice(world, free.membership_id)))[1] == "NOTHING_TO_INVOICE"
    assert (await refusal(invoice(world, UNKNOWN)))[1] == "TERM_NOT_FOUND"
    assert (await refusal(invoice(world, free.membership_id, title="")))[1] == "REQUEST_INVALID"


async def use_video(world: World) -> list[int]:
    request = eligibility_pb2.UseBenefitRequest(
        program_id=PROGRAM,
        member_id=MEMBER,
        request_id=number("r"),
        benefit_id="plus-video-year",
    )
    answer = await world.eligibility.UseBenefit(request, timeout=PATIENCE)
    return [each.code for each in answer.decision.reasons]


async def test_use_benefit_of_a_bundle_asks_how_the_membership_was_bought_f24(
    world: World,
) -> None:
    assert await use_video(world) == [decisions_pb2.DECISION_REASON_NOT_MEMBER]
    bought = await world.buy()
    assert await use_video(world) == [decisions_pb2.DECISION_REASON_CHANNEL_MISMATCH]
    await change(world, "Cancel", bought.membership_id)
    quoted = await world.quote(channel_id="video-bundle")
    assert quoted.quote.price == money("328.00")
    bundle = (await world.purchase(quoted.quote.quote_id)).membership
    assert bundle.channel_id == "video-bundle"
    assert await use_video(world) == []
    assert await use_video(world) == [decisions_pb2.DECISION_REASON_QUOTA_USED]
