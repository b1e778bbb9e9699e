"""Memberships through the door: quotes, purchases by them, and what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import memberships_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PLAN,
    PROGRAM,
    Standing,
    World,
    benefits_world,
    money,
    quote_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import program_text

MOMENT = timedelta(microseconds=1)
LIFETIME = timedelta(minutes=15)
UNKNOWN_QUOTE = "019aa000-0000-7000-8000-00000000dead"


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def get_membership(world: World, plan_id: str = PLAN) -> pb.Membership:
    request = pb.GetMembershipRequest(program_id=PROGRAM, member_id=MEMBER, plan_id=plan_id)
    return (await world.memberships.GetMembership(request, timeout=PATIENCE)).membership


async def test_quote_membership_names_price_band_and_what_it_rests_on(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=4501)
    quoted = await world.quote()
    decision, quote = quoted.decision, quoted.quote
    assert decision.allowed
    assert decision.value.price == quote.price == money("198.00")
    assert quote.band_score_from == 4501
    assert decision.evidence.score.value == 4501
    assert decision.evidence.score.level_id == "L2"
    assert decision.evidence.score.live
    assert decision.evidence.credit_score == 60
    assert list(decision.evidence.attributes) == ["real_name"]
    assert (decision.near_miss.missing, decision.near_miss.value.price) == (15500, money("148.00"))
    assert decision.program_revision.startswith("sha256:")
    assert quote.evidence == decision.evidence
    assert (decision.evidence.credit_score_required, quote.band_score_before) == (30, 20001)
    assert quote.program_revision == decision.program_revision
    lifetime = quote.expire_time.ToDatetime() - quote.create_time.ToDatetime()
    assert lifetime == timedelta(minutes=15)


async def test_quote_membership_names_the_terms_that_a_purchase_keeps(world: World) -> None:
    quote = (await world.quote()).quote
    assert quote.terms == pb.QuotedTerms(
        term_days=365,
        rebate=pb.QuotedRebate(rate_min_bps=200, rate_max_bps=500, cap_points=50000),
        refund_within_days=quote.terms.refund_within_days,
        invoice_types=["vat_ordinary"],
    )
    quarter = (await world.quote(plan_id="plus-quarter")).quote
    assert (quarter.terms.term_days, quarter.terms.rebate.cap_points) == (90, 12000)
    assert not quarter.HasField("band_score_before")


async def test_quote_membership_refuses_with_numbers_and_keeps_no_quote_o2(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=20001, credit_score=29)
    quoted = await world.quote()
    assert not quoted.decision.allowed
    assert not quoted.HasField("quote")
    (reason,) = quoted.decision.reasons
    assert reason.code == decisions_pb2.DECISION_REASON_CREDIT_TOO_LOW
    assert (reason.required, reason.actual, reason.missing) == (30, 29, 1)
    assert (await world.rows())["quote"] == 0


async def test_quote_membership_again_answers_the_same(world: World) -> None:
    request = quote_request()
    first = await world.memberships.QuoteMembership(request, timeout=PATIENCE)
    world.scoring.standings[MEMBER] = Standing(score=20001)
    world.clock.set(world.clock.now() + timedelta(days=1))
    again = await world.memberships.QuoteMembership(request, timeout=PATIENCE)
    assert again.replayed
    assert (again.quote, again.decision) == (first.quote, first.decision)
    assert (await world.rows())["quote"] == 1


async def test_quote_membership_with_other_content_under_its_request_id_is_refused(
    world: World,
) -> None:
    request = quote_request()
    await world.memberships.QuoteMembership(request, timeout=PATIENCE)
    request.plan_id = "plus-month"
    call = world.memberships.QuoteMembership(request, timeout=PATIENCE)
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"


async def test_quote_membership_without_scoring_uses_what_was_seen_last(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=4501)
    await world.quote()
    world.scoring.away = True
    world.clock.set(world.clock.now() + timedelta(hours=3))
    quoted = await world.quote()
    assert quoted.decision.allowed
    assert quoted.decision.degraded
    assert [each.code for each in quoted.decision.reasons] == [
        decisions_pb2.DECISION_REASON_DEGRADED_DATA
    ]
    assert quoted.decision.evidence.score.age.ToTimedelta() == timedelta(hours=3)
    assert quoted.quote.price == money("198.00")


async def test_quote_membership_without_scoring_and_nothing_seen_offers_nothing(
    world: World,
) -> None:
    world.scoring.away = True
    quoted = await world.quote()
    assert not quoted.decision.allowed
    assert quoted.decision.degraded
    assert not quoted.HasField("quote")


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ({"plan_id": "plus-decade"}, grpc.StatusCode.NOT_FOUND, "PLAN_NOT_FOUND"),
        ({"program_id": "unknown"}, grpc.StatusCode.NOT_FOUND, "PROGRAM_NOT_FOUND"),
        ({"member_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ],
)
async def test_quote_membership_that_can_never_be_right_leaves_no_row(
    world: World, options: dict[str, str], code: grpc.StatusCode, reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(world.quote(**options)))[:2] == (code, reason)
    assert await world.rows() == before


async def test_purchase_membership_starts_a_term_at_the_price_of_the_quote(world: World) -> None:
    world.scoring.standings[MEMBER] = Standing(score=4501)
    quoted = await world.quote()
    purchased = await world.purchase(quoted.quote.quote_id, payment_reference="pay-1")
    membership = purchased.membership
    assert membership.state == pb.MEMBERSHIP_STATE_FORMAL
    assert membership.price == money("198.00")
    assert membership.term == quoted.quote.term
    assert membership.evidence == quoted.decision.evidence
    assert membership.payment_reference == "pay-1"
    assert (membership.rebate.cap_points, membership.rebate.remaining_points) == (50000, 50000)
    assert await get_membership(world) == membership


async def test_purchase_membership_of_a_payment_that_failed_buys_nothing(world: World) -> None:
    quote_id = (await world.quote()).quote.quote_id
    failed = {"payment_outcome": pb.PAYMENT_OUTCOME_FAILED, "request_id": "declined"}
    for replayed in (False, True):
        answer = await world.purchase(quote_id, **failed)
        assert not answer.HasField("membership")
        assert answer.replayed is replayed
    assert (await world.rows())["membership"] == 0
    # The same request cannot have been paid after all; a further payment has a name of its own.
    call = world.purchase(quote_id, request_id="declined")
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"
    bought = await world.purchase(quote_id, payment_outcome=pb.PAYMENT_OUTCOME_PAID)
    assert bought.membership.state == pb.MEMBERSHIP_STATE_FORMAL
    call = world.purchase(quote_id, **(failed | {"request_id": "too-late"}))
    assert (await refusal(call))[1] == "QUOTE_USED"


async def test_purchase_membership_paid_and_failed_at_once_buys_one_term(world: World) -> None:
    quote_id = (await world.quote()).quote.quote_id
    outcomes = [pb.PAYMENT_OUTCOME_PAID, pb.PAYMENT_OUTCOME_FAILED] * 3
    calls = [world.purchase(quote_id, payment_outcome=each) for each in outcomes]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    bought = [
        each
        for each in answers
        if isinstance(each, pb.PurchaseMembershipResponse) and each.HasField("membership")
    ]
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(bought) == (await world.rows())["membership"] == 1
    assert {refusal_of(each)[1] for each in refused} == {"QUOTE_USED"}


async def test_purchase_membership_again_answers_the_same_o53(world: World) -> None:
    quoted = await world.quote()
    first = await world.purchase(quoted.quote.quote_id, request_id="buy")
    rows = await world.rows()
    again = await world.purchase(quoted.quote.quote_id, request_id="buy")
    assert again.replayed
    assert again.membership == first.membership
    assert await world.rows() == rows


async def test_purchase_membership_with_other_content_under_its_request_id_is_refused(
    world: World,
) -> None:
    quoted = await world.quote()
    await world.purchase(quoted.quote.quote_id, request_id="buy")
    call = world.purchase(quoted.quote.quote_id, request_id="buy", payment_reference="other")
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"


async def test_purchase_membership_validate_only_buys_nothing(world: World) -> None:
    quoted = await world.quote()
    before = await world.rows()
    tried = await world.purchase(quoted.quote.quote_id, validate_only=True)
    assert tried.membership.price == quoted.quote.price
    assert tried.membership.membership_id == ""
    assert await world.rows() == before
    await world.purchase(quoted.quote.quote_id)


async def test_purchase_membership_by_a_quote_until_it_expires(world: World) -> None:
    quoted = await world.quote()
    made = quoted.quote.create_time.ToDatetime(tzinfo=UTC)
    world.clock.set(made + LIFETIME)
    code, reason, metadata = await refusal(world.purchase(quoted.quote.quote_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUOTE_EXPIRED")
    assert metadata["quote_id"] == quoted.quote.quote_id
    assert (await world.rows())["membership"] == 0
    world.clock.set(made + LIFETIME - MOMENT)
    assert (await world.purchase(quoted.quote.quote_id)).membership.membership_id


async def test_purchase_membership_by_a_used_quote_is_refused(world: World) -> None:
    quoted = await world.quote()
    bought = await world.purchase(quoted.quote.quote_id)
    code, reason, metadata = await refusal(world.purchase(quoted.quote.quote_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUOTE_USED")
    assert metadata["membership_id"] == bought.membership.membership_id


async def test_purchase_membership_while_a_term_runs_is_refused(world: World) -> None:
    bought = await world.buy()
    quoted = await world.quote()
    code, reason, metadata = await refusal(world.purchase(quoted.quote.quote_id))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "MEMBERSHIP_ACTIVE")
    assert metadata["membership_id"] == bought.membership_id


async def test_purchase_membership_is_possible_again_when_the_term_has_ended(
    world: World,
) -> None:
    first = await world.buy()
    end = first.term.expire_time.ToDatetime(tzinfo=UTC)
    world.clock.set(end - MOMENT)
    quoted = await world.quote()
    assert (await refusal(world.purchase(quoted.quote.quote_id)))[1] == "MEMBERSHIP_ACTIVE"
    world.clock.set(end)
    assert (await get_membership(world)).state == pb.MEMBERSHIP_STATE_EXPIRED
    second = (await world.purchase(quoted.quote.quote_id)).membership
    assert second.membership_id != first.membership_id
    assert await get_membership(world) == second


async def test_purchase_membership_by_a_quote_of_another_member_is_not_found(
    world: World,
) -> None:
    quoted = await world.quote()
    before = await world.rows()
    call = world.purchase(quoted.quote.quote_id, member_id="m-2")
    assert (await refusal(call))[:2] == (grpc.StatusCode.NOT_FOUND, "QUOTE_NOT_FOUND")
    assert await world.rows() == before


@pytest.mark.parametrize(
    ("quote_id", "code", "reason"),
    [
        (UNKNOWN_QUOTE, grpc.StatusCode.NOT_FOUND, "QUOTE_NOT_FOUND"),
        ("no-uuid", grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ],
)
async def test_purchase_membership_that_can_never_be_right_leaves_no_row(
    world: World, quote_id: str, code: grpc.StatusCode, reason: str
) -> None:
    before = await world.rows()
    assert (await refusal(world.purchase(quote_id)))[:2] == (code, reason)
    assert await world.rows() == before


async def test_purchase_membership_keeps_its_terms_when_the_program_changes(
    world: World,
) -> None:
    bought = await world.buy()
    later = program_text().replace("{cap_points: 50000}", "{cap_points: 10}")
    world.clock.set(world.clock.now() + timedelta(days=1))
    await world.apply(later, effective_time=world.clock.now())
    assert (await get_membership(world)).rebate.cap_points == 50000
    assert (await get_membership(world)).program_revision == bought.program_revision


async def test_get_membership_of_who_never_had_one_is_not_found(world: World) -> None:
    assert await refusal(get_membership(world)) == (
        grpc.StatusCode.NOT_FOUND,
        "MEMBERSHIP_NOT_FOUND",
        {"plan_id": PLAN},
    )
