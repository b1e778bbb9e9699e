"""Activities of members as callers report them, and what became of them."""

from __future__ import annotations

from typing import Any

from google.rpc import error_details_pb2
from laurel.benefits.v1 import activities_pb2 as facts
from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import engagement_pb2 as pb

from tests.support.benefits import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    World,
    instant,
    line,
    number,
    order_request,
)


def act(world: World, **fact: Any) -> facts.Activity:
    """An activity of now; the fact by its name in the contract."""
    named = {"activity_id": number("a"), "activity_time": instant(world.clock.now())}
    return facts.Activity(**(named | fact))


def login(world: World, **options: Any) -> facts.Activity:
    return act(world, action=facts.Action(kind="login"), **options)


def review(world: World, order: Any, **options: Any) -> facts.Activity:
    content = {"order_id": order.draft.order_id, "line_id": order.draft.lines[0].line_id}
    return act(world, review=facts.Review(**(content | {"characters": 20} | options)))


def approval(world: World, reviewed: facts.Activity, approver: str) -> facts.Activity:
    return act(
        world,
        approval=facts.ReviewApproval(review_id=reviewed.activity_id, approver_member_id=approver),
    )


async def send(
    world: World, *activities: facts.Activity, **options: Any
) -> pb.RecordActivitiesResponse:
    content = {"program_id": PROGRAM, "member_id": MEMBER, "request_id": number("r")}
    request = pb.RecordActivitiesRequest(activities=activities, **(content | options))
    return await world.engagement.RecordActivities(request, timeout=PATIENCE)


async def recorded(world: World, *activities: facts.Activity) -> list[pb.RecordedActivity]:
    return [each.recorded for each in (await send(world, *activities)).results]


async def preview(world: World, activity: facts.Activity) -> decisions_pb2.Decision:
    request = pb.PreviewRewardRequest(program_id=PROGRAM, member_id=MEMBER, activity=activity)
    return (await world.engagement.PreviewReward(request, timeout=PATIENCE)).decision


async def ordered(world: World, paid: str = "100.00", **options: Any) -> Any:
    """A completed order of one line."""
    member_id = options.pop("member_id", MEMBER)
    bought = line(paid, **({"sku_id": number("s")} | options))
    request = order_request(bought, order_time=world.clock.now(), member_id=member_id)
    return (await world.complete(request)).order


def codes(decision: decisions_pb2.Decision) -> list[str]:
    names = [decisions_pb2.DecisionReason.Name(each.code) for each in decision.reasons]
    return [name.removeprefix("DECISION_REASON_") for name in names]


def reason_in(result: pb.ActivityResult) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(each.Unpack(info) for each in result.error.details)
    return info.reason
