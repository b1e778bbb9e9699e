"""A membership from its trial to its renewal, lived by a member of the `jd` program day by day.

Everything that time does is done by the clocks: trial, terms and tiers end, frozen beans are lost
or released, reminders fall due, who stays away is written to, beans become void. Each step says
what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
from laurel.benefits.v1 import (
    campaigns_pb2,
    eligibility_pb2,
    memberships_pb2,
    orders_pb2,
)
from laurel.benefits.v1.campaigns_pb2_grpc import CampaignServiceStub
from laurel.benefits.v1.earnings_pb2 import Payment
from laurel.benefits.v1.eligibility_pb2_grpc import EligibilityServiceStub
from laurel.benefits.v1.memberships_pb2 import Membership
from laurel.benefits.v1.memberships_pb2_grpc import MembershipServiceStub
from laurel.benefits.v1.orders_pb2_grpc import OrderServiceStub
from laurel.benefits.v1.reminders_pb2 import StreamRemindersRequest
from laurel.benefits.v1.reminders_pb2_grpc import ReminderServiceStub
from laurel.scoring.v1.activities_pb2 import (
    Activity,
    CreditReport,
    ProfileChange,
    RecordActivitiesRequest,
)
from laurel.scoring.v1.activities_pb2_grpc import ActivityServiceStub
from laurel_kit.calendar import add_months
from laurel_kit.channels import reason_of

from laurel_cli.clocks import advance_clocks, timestamp
from laurel_cli.connections import Connections
from laurel_cli.membership_rights import (
    FREIGHT_COUPON,
    beans_of,
    claim_pack,
    claim_pack_late,
    coupon,
    days_to_next,
    keep_birthday,
    keep_birthday_late,
    local,
    rebate_of,
    refusal,
    reminder_text,
    see_publication,
    see_tier_end,
    use_next_month,
)
from laurel_cli.story import PLAN_ID, PROGRAM_ID, ZONE
from laurel_cli.storyteller import WRITE_DEADLINE, StoryInterrupted, money

if TYPE_CHECKING:
    from laurel.benefits.v1.memberships_pb2_grpc import MembershipServiceAsyncStub

NEVER = datetime.min.replace(tzinfo=UTC)
TRIAL_ID = "plus-trial"
PAYING_PATIENCE = 100
"""Looks at an order until its beans are paid."""
PAYING_PAUSE = 0.2
"""Seconds between two of them."""
TRIAL_DAYS = 30
TERM_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened on a day, and the member's beans after it."""

    time: datetime
    text: str
    beans: int

    def as_json(self) -> dict[str, object]:
        """The entry for programs."""
        return {"time": self.time.isoformat(), "text": self.text, "beans": self.beans}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The member, and the day on which the tale begins."""

    connections: Connections
    member_id: str
    first: datetime
    time: datetime
    """The moment of the tale that is being told; every clock has passed it."""

    @property
    def who(self) -> dict[str, Any]:
        """The beginning of every request."""
        return {"program_id": PROGRAM_ID, "member_id": self.member_id}

    def named(self, name: str) -> dict[str, Any]:
        """The beginning of every write: told twice, it happens once."""
        return {**self.who, "request_id": f"{self.member_id}-{name}"}

    @property
    def birthday(self) -> datetime:
        """A day on which the member was born, in the year of the tale."""
        return self.day(BIRTHDAY_DAY)

    def day(self, number: int, hour: int = 10) -> datetime:
        """An hour of a day of the tale, in the program's zone."""
        return (self.first + timedelta(days=number)).replace(hour=hour)


Step = tuple[int, Callable[[Life], Awaitable[str]]]
"""On which day, and what is done."""


async def live_year(life: Life) -> AsyncIterator[Entry]:
    """Move the clocks from step to step, and tell each."""
    steps = (*STEPS, *dated_steps(life))
    for number, step in sorted(steps, key=lambda each: each[0]):
        time = life.day(number)
        await advance_clocks(life.connections, time)
        text = await step(replace(life, time=time))
        yield Entry(time=time, text=text, beans=await beans_of(life))


async def has_begun(connections: Connections, member_id: str) -> bool:
    """Whether the member has had a trial before."""
    life = Life(connections=connections, member_id=member_id, first=NEVER, time=NEVER)
    return await find_membership(life, TRIAL_ID) is not None


async def join(life: Life) -> str:
    """The account is identified and rated."""
    moment = timestamp(life.day(0))
    facts = [
        Activity(
            activity_id=f"{life.member_id}-real-name",
            member_id=life.member_id,
            activity_time=moment,
            profile_change=ProfileChange(attribute="real_name", set=True),
        ),
        Activity(
            activity_id=f"{life.member_id}-credit",
            member_id=life.member_id,
            activity_time=moment,
            credit_report=CreditReport(credit_score=62, credit_stars=4),
        ),
    ]
    await ActivityServiceStub(life.connections.scoring).RecordActivities(
        RecordActivitiesRequest(program_id=PROGRAM_ID, activities=facts), timeout=WRITE_DEADLINE
    )
    return "joins: real name given, credit 62"


async def begin_trial(life: Life) -> str:
    """The one trial a member has."""
    request = memberships_pb2.StartTrialRequest(**life.named("trial"), plan_id=TRIAL_ID)
    started = await memberships(life).StartTrial(request, timeout=WRITE_DEADLINE)
    end = local(started.membership.term.expire_time)
    return f"begins a trial of PLUS until {end:%Y-%m-%d}; what it earns is frozen"


async def buy_in_trial(life: Life) -> str:
    """Books for 1,000 yuan: 5 % come back, and stay frozen."""
    await complete(life, "in-trial", 100_000)
    book = (await membership(life, TRIAL_ID)).frozen_rebate
    return f"buys books for 1,000 yuan: {book.frozen_points:,} beans are frozen"


async def buy_in_gap(life: Life) -> str:
    """After the trial and before the purchase nothing comes back."""
    order = await complete(life, "in-gap", 10_000)
    return f"buys books for 100 yuan without PLUS: {rebate_of(order)} beans back, only base beans"


async def friend_tries(life: Life) -> str:
    """Somebody else tries PLUS too."""
    await join(befriend(life))
    return f"has a friend, who {await begin_trial(befriend(life))}"


async def friend_buys(life: Life) -> str:
    """Books for 100 yuan."""
    friend = befriend(life)
    await complete(friend, "in-trial", 10_000)
    book = (await membership(friend, TRIAL_ID)).frozen_rebate
    return f"sees the friend buy books: {book.frozen_points} beans of the friend are frozen"


async def friend_loses(life: Life) -> str:
    """Who buys nothing within thirty days after the trial loses what was frozen."""
    book = (await membership(befriend(life), TRIAL_ID)).frozen_rebate
    return f"sees the friend buy nothing in time: {book.forfeited_points} frozen beans are lost"


def befriend(life: Life) -> Life:
    """The same days, lived by somebody else."""
    return replace(life, member_id=f"{life.member_id}-friend")


async def wait_too_long(life: Life) -> str:
    """A price holds for fifteen minutes."""
    quote = await quoted(life, "waiting")
    await advance_clocks(life.connections, quote.expire_time.ToDatetime(UTC))
    request = memberships_pb2.PurchaseMembershipRequest(
        **life.named("waiting"), quote_id=quote.quote_id
    )
    try:
        await memberships(life).PurchaseMembership(request, timeout=WRITE_DEADLINE)
    except grpc.aio.AioRpcError as error:
        return f"asks what PLUS costs, and pays 15 minutes later: refused ({reason_of(error)[0]})"
    raise StoryInterrupted("a price was taken after its time")


async def buy_plus(life: Life) -> str:
    """Within thirty days after the trial: the frozen beans are released."""
    quote = await quoted(life, "plus")
    request = memberships_pb2.PurchaseMembershipRequest(
        **life.named("plus"), quote_id=quote.quote_id, payment_reference=f"{life.member_id}-pay"
    )
    bought = await memberships(life).PurchaseMembership(request, timeout=WRITE_DEADLINE)
    await paid(life, "in-trial")
    released = (await membership(life, TRIAL_ID)).frozen_rebate.released_points
    price = bought.membership.price.units
    return f"buys PLUS for {price} yuan: {released:,} frozen beans are released"


async def use_coupons(life: Life) -> str:
    """Five freight coupons a month, and not a sixth."""
    used = 0
    for number in range(6):
        request = eligibility_pb2.UseBenefitRequest(
            **life.named(f"coupon-{number}"), benefit_id=FREIGHT_COUPON
        )
        answer = await EligibilityServiceStub(life.connections.benefits).UseBenefit(
            request, timeout=WRITE_DEADLINE
        )
        used += answer.decision.allowed
    return f"uses {used} freight coupons; the next is refused {refusal(answer.decision)}"


async def reach_cap(life: Life) -> str:
    """The order that crosses the cap of the term is cut to what is left."""
    order = await complete(life, "to-the-cap", 1_000_000)
    left = (await membership(life, PLAN_ID)).rebate.remaining_points
    return f"buys books for 10,000 yuan: {rebate_of(order):,} beans back, the cap has {left} left"


async def buy_beyond_cap(life: Life) -> str:
    """Beyond the cap base beans go on."""
    order = await complete(life, "beyond-the-cap", 10_000)
    base = sum(line.base_points for line in order.line_earnings)
    return f"buys books for 100 yuan: {rebate_of(order)} beans back, {base} base beans"


async def suspend(life: Life) -> str:
    """The platform stops a membership that it holds for abused."""
    held = await membership(life, PLAN_ID)
    request = memberships_pb2.SuspendMembershipRequest(
        **life.named("suspend"), membership_id=held.membership_id, reason="looks like a reseller"
    )
    await memberships(life).SuspendMembership(request, timeout=WRITE_DEADLINE)
    return f"PLUS is suspended; {await coupon(life)}"


async def resume(life: Life) -> str:
    """It was a mistake: the membership goes on, and is given the days back."""
    held = await membership(life, PLAN_ID)
    await memberships(life).ResumeMembership(
        memberships_pb2.ResumeMembershipRequest(
            **life.named("resume"), membership_id=held.membership_id
        ),
        timeout=WRITE_DEADLINE,
    )
    extended = await memberships(life).ExtendMembership(
        memberships_pb2.ExtendMembershipRequest(
            **life.named("extend"),
            membership_id=held.membership_id,
            days=LOST_DAYS,
            reason="suspended by mistake",
        ),
        timeout=WRITE_DEADLINE,
    )
    end = local(extended.membership.term.expire_time)
    return (
        f"PLUS goes on and is {LOST_DAYS} days longer, until {end:%Y-%m-%d}; {await coupon(life)}"
    )


async def renew(life: Life) -> str:
    """A further term under the terms of now, with a cap of its own."""
    quote = await quoted(life, "renewal")
    request = memberships_pb2.RenewMembershipRequest(
        **life.named("renewal"), quote_id=quote.quote_id
    )
    renewed = (await memberships(life).RenewMembership(request, timeout=WRITE_DEADLINE)).membership
    begin = local(renewed.term.start_time)
    return f"renews PLUS for {renewed.price.units} yuan; the new term begins on {begin:%Y-%m-%d}"


async def count_savings(life: Life) -> str:
    """What the year has brought, line by line."""
    held = await membership(life, PLAN_ID)
    request = memberships_pb2.GetSavingsRequest(**life.who, membership_id=held.membership_id)
    savings = await memberships(life).GetSavings(request, timeout=WRITE_DEADLINE)
    lines = [
        f"{line.benefit_id or 'rebates'} {line.amount.units} yuan of {line.times}"
        for line in savings.lines
    ]
    return f"has saved {savings.saved.units} yuan for {savings.price.units}: {', '.join(lines)}"


async def begin_second_term(life: Life) -> str:
    """The old term is over and the new one runs, with its whole cap."""
    held = await membership(life, PLAN_ID)
    order = await complete(life, "second-term", 10_000)
    cap = held.rebate.remaining_points
    return f"the second term runs, its cap has {cap:,}: {rebate_of(order)} beans for 100 yuan"


async def remind(life: Life) -> str:
    """Of what the member is to be reminded on this day."""
    request = StreamRemindersRequest(program_id=PROGRAM_ID)
    stream = ReminderServiceStub(life.connections.benefits).StreamReminders(
        request, timeout=WRITE_DEADLINE
    )
    found = [each async for message in stream for each in message.reminders]
    own = [each for each in found if each.member_id == life.member_id]
    return "; ".join(reminder_text(each) for each in own) or "is reminded of nothing"


async def be_won_back(life: Life) -> str:
    """Who has not bought for long is written to, unless held out, too soon, or without reaction."""
    request = campaigns_pb2.RecordContactRequest(
        **life.named(f"contact-{life.time:%Y-%m-%d}"), channel="app"
    )
    answer = await CampaignServiceStub(life.connections.benefits).RecordContact(
        request, timeout=WRITE_DEADLINE
    )
    if not answer.decision.allowed:
        return f"is left alone {refusal(answer.decision)}"
    contact = answer.contact
    return f"stays away and is written to ({contact.segment_id}): {', '.join(contact.offers)}"


async def come_back(life: Life) -> str:
    """An order is a reaction."""
    order = await complete(life, "back", 10_000)
    return f"comes back and buys books for 100 yuan: {rebate_of(order)} beans back"


async def see_void(life: Life) -> str:
    """What was earned in a year is void at the end of the next."""
    year = life.day(GAP_DAY).year
    return f"the beans of {year} that were not spent are void"


def dated_steps(life: Life) -> tuple[Step, ...]:
    """What hangs on the calendar: the quotas of months, the score of the second and the pack of the
    fifth, the beans that were earned first, and the tier that the large order has reached.
    """
    void = datetime(life.day(GAP_DAY).year + 2, 1, 1, tzinfo=ZONE)
    reached = life.day(CAP_DAY)
    tier_end = add_months(reached.date(), TIER_MONTHS)
    number, last = (void.date() - life.first.date()).days, (tier_end - life.first.date()).days - 1
    month = BUY_DAY + 1 + days_to_next(life.day(BUY_DAY + 1), 1)
    published = CAP_DAY + 1 + days_to_next(life.day(CAP_DAY + 1), 1) + 1
    return (
        (month, use_next_month),
        (published, see_publication),
        (published + 3, claim_pack),
        (published + 19, claim_pack_late),
        (last + 1, see_tier_end),
        (number - VOID_REMINDER_DAYS - 1, remind),
        (number, see_void),
        (last - TIER_REMINDER_DAYS, remind),
    )


LOST_DAYS = 5
GAP_DAY = TRIAL_DAYS + 5
LOST_DAY = 5 + 2 * TRIAL_DAYS
"""The first day on which a trial of the fifth day can be bought no more."""
BUY_DAY = 45
BIRTHDAY_DAY = BUY_DAY + 200
CAP_DAY = BUY_DAY + 30
REMIND_DAY = BUY_DAY + TERM_DAYS - 1 + LOST_DAYS - 30
"""Thirty days before the last day of the term, whose first day is that of the purchase."""
VOID_REMINDER_DAYS = 15
TIER_MONTHS, TIER_REMINDER_DAYS = 12, 30
SECOND_TERM_DAY = REMIND_DAY + 31
"""After the order of that day the member stays away."""
STEPS: tuple[Step, ...] = (
    (0, join),
    (1, begin_trial),
    (4, buy_in_trial),
    (5, friend_tries),
    (6, friend_buys),
    (TRIAL_DAYS - 3, remind),
    (GAP_DAY, buy_in_gap),
    (BUY_DAY - 1, wait_too_long),
    (BUY_DAY, buy_plus),
    (BUY_DAY + 1, use_coupons),
    (LOST_DAY, friend_loses),
    (CAP_DAY, reach_cap),
    (CAP_DAY + 1, buy_beyond_cap),
    (BUY_DAY + 90, suspend),
    (BUY_DAY + 90 + LOST_DAYS, resume),
    (BIRTHDAY_DAY, keep_birthday),
    (BIRTHDAY_DAY + 1, keep_birthday_late),
    (REMIND_DAY, remind),
    (REMIND_DAY + 1, renew),
    (REMIND_DAY + 30, count_savings),
    (SECOND_TERM_DAY, begin_second_term),
    (SECOND_TERM_DAY + 35, be_won_back),
    (SECOND_TERM_DAY + 36, be_won_back),
    (SECOND_TERM_DAY + 70, be_won_back),
    (SECOND_TERM_DAY + 105, be_won_back),
    (SECOND_TERM_DAY + 140, be_won_back),
    (SECOND_TERM_DAY + 141, come_back),
)


def memberships(life: Life) -> MembershipServiceAsyncStub:
    """Where memberships are kept."""
    return MembershipServiceStub(life.connections.benefits)


async def membership(life: Life, plan_id: str) -> Membership:
    """The member's membership of a plan, which there is by then."""
    found = await find_membership(life, plan_id)
    assert found is not None, "the tale has got this far"
    return found


async def find_membership(life: Life, plan_id: str) -> Membership | None:
    """The member's membership of a plan; None when there never was one."""
    request = memberships_pb2.GetMembershipRequest(**life.who, plan_id=plan_id)
    try:
        answer = await memberships(life).GetMembership(request, timeout=WRITE_DEADLINE)
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return None
        raise
    return answer.membership


async def quoted(life: Life, name: str) -> memberships_pb2.Quote:
    """A price of PLUS."""
    request = memberships_pb2.QuoteMembershipRequest(**life.named(f"{name}-quote"), plan_id=PLAN_ID)
    answer = await memberships(life).QuoteMembership(request, timeout=WRITE_DEADLINE)
    if not answer.decision.allowed:
        raise StoryInterrupted(f"{PLAN_ID} is not sold to {life.member_id}: {answer.decision}")
    return answer.quote


async def complete(life: Life, name: str, fen: int) -> orders_pb2.Order:
    """Books for so much, placed and delivered now."""
    moment = timestamp(life.time)
    draft = orders_pb2.OrderDraft(
        order_id=f"{life.member_id}-{name}",
        order_time=moment,
        complete_time=moment,
        lines=[
            orders_pb2.OrderLine(
                line_id="line-1",
                sku_id="sku-books",
                category_id="books",
                goods_class="physical",
                quantity=1,
                paid=money(fen),
            )
        ],
        payments=[Payment(payment_method="online", amount=money(fen))],
    )
    request = orders_pb2.CompleteOrderRequest(**life.named(name), order=draft)
    answer = await OrderServiceStub(life.connections.benefits).CompleteOrder(
        request, timeout=WRITE_DEADLINE
    )
    return answer.order


async def paid(life: Life, name: str) -> None:
    """Wait until the beans of an order are in the ledger: the relay pays what was released."""
    request = orders_pb2.GetOrderRequest(**life.who, order_id=f"{life.member_id}-{name}")
    orders = OrderServiceStub(life.connections.benefits)
    for _ in range(PAYING_PATIENCE):
        found = (await orders.GetOrder(request, timeout=WRITE_DEADLINE)).order
        if all(grant.state == orders_pb2.GRANT_STATE_POSTED for grant in found.grants):
            return
        await asyncio.sleep(PAYING_PAUSE)
    raise StoryInterrupted(f"the beans of {request.order_id} are not paid")
