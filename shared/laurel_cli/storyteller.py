"""Plays the story: moves the clocks of the suite to each moment and reports what happens there.

An order, a purchase of a membership and a fact each have one name for ever, so that a story that
was interrupted is finished by playing it again, and a finished one is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby

import grpc
from google.rpc import error_details_pb2
from google.type.money_pb2 import Money
from laurel.benefits.v1.earnings_pb2 import Payment
from laurel.benefits.v1.memberships_pb2 import PurchaseMembershipRequest, QuoteMembershipRequest
from laurel.benefits.v1.memberships_pb2_grpc import MembershipServiceStub
from laurel.benefits.v1.orders_pb2 import (
    CompleteOrderRequest,
    GetOrderRequest,
    OrderDraft,
    OrderLine,
)
from laurel.benefits.v1.orders_pb2_grpc import OrderServiceStub
from laurel.scoring.v1.activities_pb2 import (
    Activity,
    CreditReport,
    Engagement,
    ProfileChange,
    PurchaseReturn,
    PurchaseReturnLine,
    RecordActivitiesRequest,
)
from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceStub

from laurel_cli.clocks import advance_clocks, read_clocks, set_clocks, timestamp
from laurel_cli.connections import Connections
from laurel_cli.story import (
    MONTHS,
    ORDERS,
    PLAN_ID,
    PROGRAM_ID,
    ZONE,
    Completed,
    CreditReported,
    Engaged,
    MembershipBought,
    Moment,
    ProfileSet,
    Returned,
    at,
    first_month,
    line_id,
    order_id,
    write_story,
)

WRITE_DEADLINE = 20.0
"""Seconds a write may take: generous, since a demo may share a busy machine."""

Report = Callable[[str], None]


class StoryInterrupted(Exception):
    """A service took in a part of the story and refused another."""


async def open_story(connections: Connections, member_id: str, present: datetime) -> datetime:
    """The first month of the member's story; the clocks are put there if it has not begun.

    Comes before the program is applied: what the program settles once a month, it settles from the
    time it was applied at.
    """
    begun = await story_begin(connections, member_id)
    if begun is None:
        await set_clocks(connections, first_month(present))
    return begun or first_month(present)


async def play_story(
    connections: Connections, member_id: str, first: datetime, present: datetime, report: Report
) -> bool:
    """Make the story have happened by `present`; says whether there was anything left to tell."""
    if await told(connections, member_id, first):
        return False
    chapters = groupby(write_story(member_id, first), key=lambda moment: f"{moment.time:%Y-%m}")
    for month, moments in chapters:
        chapter = list(moments)
        await play_chapter(connections, member_id, chapter)
        report(f"{month}  {chapter_text(chapter)}")
    await advance_clocks(connections, present)
    return True


async def play_chapter(connections: Connections, member_id: str, chapter: list[Moment]) -> None:
    """Play a month: facts go to scoring together, at the latest before what may depend on them."""
    facts: list[Activity] = []
    for moment in chapter:
        match moment.event:
            case Completed() as order:
                await record_activities(connections, facts, moment.time)
                await complete_order(connections, member_id, order, moment.time)
            case MembershipBought() as purchase:
                await record_activities(connections, facts, moment.time)
                await buy_membership(connections, member_id, purchase)
            case _:
                facts.append(activity(member_id, moment))
    await record_activities(connections, facts, chapter[-1].time)


async def complete_order(
    connections: Connections, member_id: str, order: Completed, complete_time: datetime
) -> None:
    """Tell benefits that an order is delivered; it pays the points and tells scoring."""
    draft = OrderDraft(
        order_id=order.order_id,
        order_time=timestamp(order.order_time),
        complete_time=timestamp(complete_time),
        lines=[
            OrderLine(
                line_id=line_id(place),
                sku_id=f"sku-{line.category}",
                category_id=line.category,
                goods_class="physical",
                quantity=1,
                paid=money(line.fen),
            )
            for place, line in enumerate(order.lines)
        ],
        payments=[
            Payment(payment_method="online", amount=money(sum(line.fen for line in order.lines)))
        ],
    )
    request = CompleteOrderRequest(
        program_id=PROGRAM_ID, member_id=member_id, request_id=order.order_id, order=draft
    )
    await OrderServiceStub(connections.benefits).CompleteOrder(request, timeout=WRITE_DEADLINE)


async def buy_membership(
    connections: Connections, member_id: str, purchase: MembershipBought
) -> None:
    """Ask for the price of the membership and buy at it."""
    memberships = MembershipServiceStub(connections.benefits)
    quoted = await memberships.QuoteMembership(
        QuoteMembershipRequest(
            program_id=PROGRAM_ID,
            member_id=member_id,
            request_id=f"{member_id}-{purchase.name}-quote",
            plan_id=PLAN_ID,
        ),
        timeout=WRITE_DEADLINE,
    )
    if not quoted.decision.allowed:
        raise StoryInterrupted(f"{PLAN_ID} is not sold to {member_id}: {quoted.decision}")
    await memberships.PurchaseMembership(
        PurchaseMembershipRequest(
            program_id=PROGRAM_ID,
            member_id=member_id,
            request_id=f"{member_id}-{purchase.name}-purchase",
            quote_id=quoted.quote.quote_id,
            payment_reference=f"{member_id}-{purchase.name}-payment",
        ),
        timeout=WRITE_DEADLINE,
    )


async def record_activities(
    connections: Connections, facts: list[Activity], present: datetime
) -> None:
    """Move the clocks to `present` and tell scoring what happened. Raises StoryInterrupted."""
    await advance_clocks(connections, present)
    if not facts:
        return
    answer = await ActivityServiceStub(connections.scoring).RecordActivities(
        RecordActivitiesRequest(program_id=PROGRAM_ID, activities=facts), timeout=WRITE_DEADLINE
    )
    facts.clear()
    for result in answer.results:
        if result.HasField("error"):
            info = error_details_pb2.ErrorInfo()
            for detail in result.error.details:
                detail.Unpack(info)
            raise StoryInterrupted(f"{result.activity_id}: {info.reason}: {result.error.message}")


def activity(member_id: str, moment: Moment) -> Activity:
    """An event as a fact for scoring, under a name of its own."""
    fact = Activity(member_id=member_id, activity_time=timestamp(moment.time))
    match moment.event:
        case Engaged(kind=kind, name=name, order_id=order):
            fact.activity_id = f"{member_id}-{name}"
            fact.engagement.CopyFrom(Engagement(kind=kind, order_id=order))
        case ProfileSet(attribute=attribute):
            fact.activity_id = f"{member_id}-{attribute}"
            fact.profile_change.CopyFrom(ProfileChange(attribute=attribute, set=True))
        case CreditReported(credit_score=score, credit_stars=stars):
            fact.activity_id = f"{member_id}-credit"
            fact.credit_report.CopyFrom(CreditReport(credit_score=score, credit_stars=stars))
        case Returned(order_id=order, line_id=line):
            fact.activity_id = f"{order}-{line}-return"
            lines = [PurchaseReturnLine(line_id=line, quantity=1)]
            fact.purchase_return.CopyFrom(PurchaseReturn(order_id=order, lines=lines))
        case other:
            raise AssertionError(f"{other} is no fact for scoring")
    return fact


async def story_begin(connections: Connections, member_id: str) -> datetime | None:
    """The first month of the story as it was told to this suite; None when it was not begun."""
    draft = await find_order(connections, member_id, order_id(member_id, 0))
    if draft is None:
        return None
    placed = draft.order_time.ToDatetime(UTC).astimezone(ZONE)
    return datetime(placed.year, placed.month, 1, tzinfo=ZONE)


async def told(connections: Connections, member_id: str, first: datetime) -> bool:
    """Whether the story was told to its end: its last order is known and the year is over."""
    clocks = await read_clocks(connections)
    if min(clocks.values()) < at(first, MONTHS, 1):
        return False
    last = order_id(member_id, len(ORDERS) - 1)
    return await find_order(connections, member_id, last) is not None


async def find_order(connections: Connections, member_id: str, wanted: str) -> OrderDraft | None:
    """An order of the member, if benefits knows it."""
    request = GetOrderRequest(program_id=PROGRAM_ID, member_id=member_id, order_id=wanted)
    try:
        answer = await OrderServiceStub(connections.benefits).GetOrder(request, timeout=5.0)
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return None
        raise
    return answer.order.draft


def chapter_text(moments: list[Moment]) -> str:
    """What a month was about, in a line."""
    events = [moment.event for moment in moments]
    orders = [event for event in events if isinstance(event, Completed)]
    spent = sum(line.fen for order in orders for line in order.lines)
    parts = [f"{counted(len(orders), 'order')}, {spent // 100:,}.{spent % 100:02} yuan"]
    reviews = sum(isinstance(e, Engaged) and e.kind.endswith("review") for e in events)
    parts += [counted(reviews, "review")] if reviews else []
    parts += ["joined, identified, rated"] if any(isinstance(e, ProfileSet) for e in events) else []
    parts += ["bought PLUS"] if any(isinstance(e, MembershipBought) for e in events) else []
    parts += ["a return"] if any(isinstance(e, Returned) for e in events) else []
    return "; ".join(parts)


def counted(number: int, noun: str) -> str:
    """A number of things, in words that agree with it."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def money(fen: int) -> Money:
    """An amount in yuan as contracts carry it."""
    return Money(currency_code="CNY", units=fen // 100, nanos=fen % 100 * 10_000_000)
