"""What time gives a member of the tale beside the membership: packs, birthdays, tiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from laurel.benefits.v1 import decisions_pb2, eligibility_pb2, orders_pb2
from laurel.benefits.v1.eligibility_pb2_grpc import EligibilityServiceStub
from laurel.benefits.v1.reminders_pb2 import Reminder, ReminderKind
from laurel.ledger.v1.balances_pb2 import GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.scoring.v1.scores_pb2 import (
    SCORE_BASIS_LIVE,
    SCORE_BASIS_PUBLISHED,
    GetScoreRequest,
    Score,
)
from laurel.scoring.v1.scores_pb2_grpc import ScoreServiceStub

from laurel_cli.story import ASSET_ID, ZONE
from laurel_cli.storyteller import WRITE_DEADLINE

if TYPE_CHECKING:
    from laurel_cli.membership_year import Life

FREIGHT_COUPON, GIFT_PACK, BIRTHDAY = "plus-freight-coupon", "gift-pack", "birthday-coupon"


async def use_next_month(life: Life) -> str:
    """With the month the five freight coupons begin again."""
    decision = await use(life, FREIGHT_COUPON)
    left = decision.quota.remaining
    return f"a new month has begun: uses a freight coupon, {left} are left"


async def see_publication(life: Life) -> str:
    """On the second the score of the whole months before is settled."""
    score = await score_of(life, "jingxiang", published=True)
    return f"the score is published: {score.value:,}, {score.level.level_id}"


async def claim_pack(life: Life) -> str:
    """Gift packs are there from the fifth on."""
    return f"claims a gift pack: {told(await use(life, GIFT_PACK))}"


async def claim_pack_late(life: Life) -> str:
    """After the twentieth there is none, claimed or not."""
    return f"looks for a gift pack on the 21st: {told(await use(life, GIFT_PACK))}"


async def keep_birthday(life: Life) -> str:
    """The coupon of the day on which the member was born."""
    return f"has a birthday and claims its coupon: {told(await use(life, BIRTHDAY))}"


async def keep_birthday_late(life: Life) -> str:
    """A day later it is too late."""
    return f"wants it again: {told(await use(life, BIRTHDAY))}"


async def see_tier_end(life: Life) -> str:
    """The end of a tier's term takes growth, and what is left says the next tier."""
    score = await score_of(life, "chengzhang", published=False)
    return f"the term of the tier is over: {score.level.level_id} with {score.value:,} of growth"


async def use(life: Life, benefit_id: str) -> decisions_pb2.Decision:
    """Use a benefit on a day of the tale, once."""
    request = eligibility_pb2.UseBenefitRequest(
        **life.named(f"{benefit_id}-{life.time:%Y-%m-%d}"),
        benefit_id=benefit_id,
        birth_date=Date(month=life.birthday.month, day=life.birthday.day),
    )
    stub = EligibilityServiceStub(life.connections.benefits)
    return (await stub.UseBenefit(request, timeout=WRITE_DEADLINE)).decision


async def score_of(life: Life, model_id: str, *, published: bool) -> Score:
    """A score of the member as scoring has it now."""
    request = GetScoreRequest(
        **life.who,
        model_id=model_id,
        basis=SCORE_BASIS_PUBLISHED if published else SCORE_BASIS_LIVE,
    )
    stub = ScoreServiceStub(life.connections.scoring)
    return (await stub.GetScore(request, timeout=WRITE_DEADLINE)).score


async def coupon(life: Life) -> str:
    """Whether a freight coupon can be had now."""
    request = eligibility_pb2.CheckBenefitRequest(**life.who, benefit_id=FREIGHT_COUPON)
    answer = await EligibilityServiceStub(life.connections.benefits).CheckBenefit(
        request, timeout=WRITE_DEADLINE
    )
    return f"a freight coupon is {'given' if answer.decision.allowed else 'refused'}"


async def beans_of(life: Life) -> int:
    """What the member can spend now."""
    request = GetBalanceRequest(**life.who, asset_id=ASSET_ID)
    answer = await BalanceServiceStub(life.connections.ledger).GetBalance(
        request, timeout=WRITE_DEADLINE
    )
    return int(answer.balance.available)


def rebate_of(order: orders_pb2.Order) -> int:
    """The beans that came back for an order."""
    return sum(line.rebate_points for line in order.line_earnings)


def reminder_text(reminder: Reminder) -> str:
    """A reminder in a line."""
    kind = ReminderKind.Name(reminder.kind).removeprefix("REMINDER_KIND_").lower()
    day = reminder.last_day
    points = f", {reminder.points:,} beans" if reminder.points else ""
    if reminder.level_id:
        points = f", {reminder.level_id}"
    last = f"{day.year}-{day.month:02}-{day.day:02}"
    return f"is reminded: {kind.replace('_', ' ')}, last day {last}{points}"


def told(decision: decisions_pb2.Decision) -> str:
    """A decision in a word."""
    return "given" if decision.allowed else f"refused {refusal(decision)}"


def refusal(decision: decisions_pb2.Decision) -> str:
    """The first reason of a refusal, and until when it holds."""
    reason = decision.reasons[0]
    code = decisions_pb2.DecisionReason.Name(reason.code).removeprefix("DECISION_REASON_")
    if not reason.HasField("available_from"):
        return f"({code})"
    return f"({code}) until {local(reason.available_from):%Y-%m-%d}"


def local(moment: Timestamp) -> datetime:
    """An instant in the program's zone."""
    return moment.ToDatetime(UTC).astimezone(ZONE)


def days_to_next(day: datetime, day_of_month: int) -> int:
    """How many days after a day the next such day of a month is."""
    later = day + timedelta(days=1)
    while later.day != day_of_month:
        later += timedelta(days=1)
    return (later - day).days
