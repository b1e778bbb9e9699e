"""Winning members back through the door: who is a candidate, and who is written to how often."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from laurel.benefits.v1 import campaigns_pb2 as pb
from laurel.benefits.v1 import decisions_pb2
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId
from laurel_benefits.domain.win_back import held_out
from laurel_kit.clock import SettableClock

from tests.support.benefits import (
    PATIENCE,
    PROGRAM,
    World,
    benefits_world,
    number,
    order_request,
    refusal_of,
)
from tests.support.databases import DatabaseOf
from tests.support.programs import shipped_text

DAY = timedelta(days=1)
CALLERS = 8


def is_held_out(name: str) -> bool:
    return held_out(MemberKey(program_id=ProgramId(PROGRAM), member_id=MemberId(name)), 1000)


NAMES = [f"w-{position:02}" for position in range(40)]
FREE = [name for name in NAMES if not is_held_out(name)]
HELD_OUT = next(name for name in NAMES if is_held_out(name))


@pytest.fixture
async def world(database_of: DatabaseOf, clock: SettableClock) -> AsyncIterator[World]:
    async with benefits_world(database_of, clock) as world:
        yield world


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def buy(world: World, *names: str) -> None:
    for name in names:
        await world.complete(order_request(order_time=world.clock.now(), member_id=name))


async def contact(world: World, name: str, **options: str) -> pb.RecordContactResponse:
    content = {
        "program_id": PROGRAM, "member_id": name, "request_id": number("r"), "channel": "sms",
    }  # fmt: skip
    request = pb.RecordContactRequest(**(content | options))
    return await world.campaigns.RecordContact(request, timeout=PATIENCE)


async def candidates(world: World, **options: Any) -> dict[str, str]:
    """Everybody who may be contacted, with the segment, over all pages."""
    found, token = {}, ""
    while True:
        request = pb.ListWinBackCandidatesRequest(
            **({"program_id": PROGRAM, "page_token": token} | options)
        )
        page = await world.campaigns.ListWinBackCandidates(request, timeout=PATIENCE)
        found |= {each.member_id: each.segment_id for each in page.candidates}
        if not (token := page.next_page_token):
            return found


def codes(answer: pb.RecordContactResponse) -> list[str]:
    names = [decisions_pb2.DecisionReason.Name(each.code) for each in answer.decision.reasons]
    return [name.removeprefix("DECISION_REASON_") for name in names]


async def test_list_win_back_candidates_names_who_stays_away_by_segment(world: World) -> None:
    first, second, third = FREE[:3]
    await buy(world, first, HELD_OUT)
    world.clock.set(world.clock.now() + 40 * DAY)
    await buy(world, second)
    world.clock.set(world.clock.now() + 30 * DAY)
    await buy(world, third)
    assert await candidates(world) == {first: "dormant-mid", second: "dormant-short"}
    assert await candidates(world, page_size=1) == {first: "dormant-mid", second: "dormant-short"}
    assert await candidates(world, segment_id="dormant-mid") == {first: "dormant-mid"}
    await contact(world, first)
    assert await candidates(world) == {second: "dormant-short"}
    await buy(world, second)
    assert await candidates(world) == {}


async def test_record_contact_is_made_once_in_thirty_days_and_thrice_without_reaction(
    world: World,
) -> None:
    name = FREE[0]
    await buy(world, name)
    assert codes(await contact(world, name)) == ["NOT_DORMANT"]
    world.clock.set(world.clock.now() + 30 * DAY)
    first = await contact(world, name)
    assert (first.contact.position, list(first.contact.offers)) == (1, ["reminder"])
    assert codes(await contact(world, name)) == ["COOLDOWN"]
    for position in (2, 3):
        world.clock.set(world.clock.now() + 30 * DAY)
        assert (await contact(world, name)).contact.position == position
    world.clock.set(world.clock.now() + 30 * DAY)
    assert codes(await contact(world, name)) == ["NO_REACTION"]
    # An order is a reaction: who stays away again is contacted again.
    await buy(world, name)
    world.clock.set(world.clock.now() + 30 * DAY)
    assert (await contact(world, name)).contact.position == 4


async def test_record_contact_of_who_is_held_out_or_never_bought_is_refused(world: World) -> None:
    await buy(world, HELD_OUT)
    world.clock.set(world.clock.now() + 90 * DAY)
    answer = await contact(world, HELD_OUT)
    assert codes(answer) == ["HOLDOUT"]
    assert not answer.HasField("contact")
    assert codes(await contact(world, FREE[0])) == ["NOT_DORMANT"]


async def test_record_contact_again_answers_the_same(world: World) -> None:
    name = FREE[0]
    await buy(world, name)
    world.clock.set(world.clock.now() + 30 * DAY)
    first = await contact(world, name, request_id="contact")
    again = await contact(world, name, request_id="contact")
    assert again.replayed
    assert again.contact == first.contact
    call = contact(world, name, request_id="contact", channel="call")
    assert (await refusal(call))[1] == "REQUEST_ID_REUSED"


async def test_record_contact_at_once_is_one(world: World) -> None:
    name = FREE[0]
    await buy(world, name)
    world.clock.set(world.clock.now() + 30 * DAY)
    answers = await asyncio.gather(*(contact(world, name) for _ in range(CALLERS)))
    counted = Counter(tuple(codes(answer)) for answer in answers)
    assert counted == {(): 1, ("COOLDOWN",): CALLERS - 1}


async def test_record_contact_where_nobody_is_won_back_is_not_found(world: World) -> None:
    await world.apply(shipped_text("taobao"))
    expected = (grpc.StatusCode.NOT_FOUND, "WIN_BACK_NOT_FOUND", {"program_id": "taobao"})
    assert await refusal(contact(world, "m-1", program_id="taobao")) == expected
    assert await refusal(candidates(world, program_id="taobao")) == expected
    assert (await refusal(candidates(world, page_token="none")))[1] == "PAGE_TOKEN_INVALID"
    assert (await refusal(contact(world, "m-1", channel="")))[1] == "REQUEST_INVALID"


async def test_without_scoring_nobody_knows_who_is_dormant(world: World) -> None:
    name = FREE[0]
    await buy(world, name)
    world.clock.set(world.clock.now() + 30 * DAY)
    made = await contact(world, name, request_id="contact")
    world.scoring.insight.away = True
    assert (await contact(world, name, request_id="contact")).contact == made.contact
    for call in (contact(world, name), candidates(world)):
        assert (await refusal(call))[1] == "DEPENDENCY_DOWN"
