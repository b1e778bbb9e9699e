"""Draws lots for points, and shows what a draw rests on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.calendar import business_day, day_end
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.coupons import CouponSource, find_coupon_type
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import DrawId, LotteryId, MemberKey, RevisionId
from laurel_benefits.domain.lotteries import (
    Draw,
    DrawCase,
    DrawState,
    Seed,
    consistent,
    decide_draw,
    find_lottery,
    lot_of,
    prize_of,
)
from laurel_benefits.domain.lottery_rules import Lottery, Prize
from laurel_benefits.domain.mall import without_points
from laurel_benefits.domain.mall_errors import DrawNotFound
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.handlers.coupons import Gift, give_coupon
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.rewards import prize_counter
from laurel_benefits.storage import counters, draws
from laurel_benefits.storage.risks import latest_risk

SEED_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawLottery:
    """A lot that is wanted."""

    key: WriteKey
    lottery_id: LotteryId
    client_seed: str
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLottery:
    """The decision, the day's commitment and, where it was a yes, the draw."""

    decision: Decision
    draw: Draw | None
    commitment: str
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDraw:
    """A draw and what it rests on; the seed only once its day is over."""

    draw: Draw
    seed: Seed | None
    reveal_time: datetime
    lot: int | None
    consistent: bool


async def draw_lottery(command: DrawLottery, *, resources: Resources) -> DrawnLottery:
    """Draw a lot. Raises LotteryNotFound, DependencyDown.

    The draw is stored with the posting of its price before that is paid, and the lot follows from
    what is stored: whoever repeats it finds the same.
    """
    member = command.key.member
    revision = await revision_now(member.program_id, resources)
    lottery = find_lottery(revision.model, command.lottery_id)

    async def decide(connection: Connection) -> DrawnLottery:
        return await decide_and_store(connection, command, lottery, revision, resources)

    if command.validate_only:
        return await resources.database.transact(decide)
    answer = await answer_once(command.key, DrawnLottery, decide, resources=resources)
    if answer.draw is None:
        return answer
    draw = await finished(answer.draw, resources)
    decision = answer.decision
    if draw.state is DrawState.REFUSED:
        decision = without_points(
            decision, asset_id=lottery.asset_id, points=draw.lottery.price_points
        )
    return replace(answer, draw=draw, decision=decision)


async def decide_and_store(
    connection: Connection,
    command: DrawLottery,
    lottery: Lottery,
    revision: Revision[BenefitsProgram],
    resources: Resources,
) -> DrawnLottery:
    """Decide, and store the draw with the posting of its price and the day's seed."""
    member, now = command.key.member, resources.clock.now()
    today = business_day(now, revision.time_zone)
    counter = f"lottery/{lottery.lottery_id}"
    case = DrawCase(
        lottery=lottery,
        risk=await latest_risk(connection, member),
        drawn_today=await counters.used_by_member(connection, member, counter, today.isoformat()),
        day_end=day_end(today, revision.time_zone),
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    decision = decide_draw(case)
    fresh = Seed(lottery_id=lottery.lottery_id, day=today, value=secrets.token_hex(SEED_BYTES))
    seed = await draws.keep_seed(connection, member.program_id, fresh, now=now)
    if command.validate_only or not decision.allowed:
        return DrawnLottery(decision=decision, draw=None, commitment=seed.commitment)
    draw = Draw(
        draw_id=DrawId(new_id()),
        member=member,
        lottery=lottery,
        seed_day=today,
        client_seed=command.client_seed,
        commitment=seed.commitment,
        ledger_request_id=new_posting_id(),
        draw_time=now,
        program_revision=case.program_revision,
    )
    await counters.count_member(connection, member, counter, today.isoformat())
    await draws.record_draw(connection, draw)
    await store_posting(connection, price_of(draw), resources)
    return DrawnLottery(decision=decision, draw=draw, commitment=seed.commitment)


async def conclude_draw(connection: Connection, posting: Posting, resources: Resources) -> None:
    """Once the price is paid, the lot says what is won; what is out of stock is not."""
    draw = await draw_of(connection, posting.member, DrawId(posting.source_id))
    if posting.state is not GrantState.POSTED:
        day = draw.seed_day.isoformat()
        counter = f"lottery/{draw.lottery.lottery_id}"
        await counters.count_member(connection, draw.member, counter, day, amount=-1)
        refused = replace(draw, state=DrawState.REFUSED, refusal=posting.refusal)
        await draws.record_draw(connection, refused)
        return
    seed = await draws.seed_of(connection, draw)
    prize = prize_of(draw.lottery.prizes, lot_of(seed.value, draw.message))
    drawn = replace(draw, state=DrawState.DRAWN)
    if prize:
        drawn = await win(connection, drawn, prize, resources)
    await draws.record_draw(connection, drawn)


async def win(connection: Connection, draw: Draw, prize: Prize, resources: Resources) -> Draw:
    """The draw with its prize, as far as one is left."""
    member, now = draw.member, resources.clock.now()
    counter = prize_counter(draw.lottery, prize)
    nothing = replace(draw, out_of_stock=True)
    won = replace(draw, prize_id=prize.prize_id)
    if not await counters.count_program(connection, member.program_id, counter, limit=prize.stock):
        return nothing
    if prize.points:
        await store_posting(connection, winning_of(draw, prize, now), resources)
    if prize.coupon_type_id is None:
        return won
    revision = await resources.programs.at(connection, member.program_id, now)
    gift = Gift(
        coupon_type=find_coupon_type(revision.model, prize.coupon_type_id),
        member=member,
        source=CouponSource.LOTTERY,
        reference=draw.draw_id,
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    coupon = await give_coupon(connection, gift)
    if coupon is None:
        await counters.count_program(connection, member.program_id, counter, amount=-1)
        return nothing
    return replace(won, coupon_id=coupon.coupon_id)


async def verify_draw(member: MemberKey, draw_id: DrawId, *, resources: Resources) -> VerifiedDraw:
    """What a draw rests on. Raises DrawNotFound."""
    now = resources.clock.now()
    async with resources.database.snapshot() as connection:
        draw = await draw_of(connection, member, draw_id)
        seed = await draws.seed_of(connection, draw)
        revision = await resources.programs.at(connection, member.program_id, draw.draw_time)
    reveal_time = day_end(draw.seed_day, revision.time_zone)
    drawn = draw.state is DrawState.DRAWN
    revealed = now >= reveal_time
    return VerifiedDraw(
        draw=draw,
        seed=seed if revealed else None,
        reveal_time=reveal_time,
        lot=lot_of(seed.value, draw.message) if revealed and drawn else None,
        consistent=revealed and drawn and consistent(draw, seed),
    )


async def finished(draw: Draw, resources: Resources) -> Draw:
    """The draw as it is once its postings are made. Raises DependencyDown."""
    conclusions = {PostingSource.DRAW: conclude_draw}
    await carry_out(draw.member, draw.draw_id, conclusions, resources=resources)
    async with resources.database.read() as connection:
        return await draw_of(connection, draw.member, draw.draw_id)


async def draw_of(connection: Connection, member: MemberKey, draw_id: DrawId) -> Draw:
    """The member's draw of that name. Raises DrawNotFound."""
    found = await draws.find_draw(connection, member, draw_id)
    if found is None:
        raise DrawNotFound(draw_id=draw_id)
    return found


def price_of(draw: Draw) -> Posting:
    """The posting that pays for a draw."""
    return Posting(
        member=draw.member,
        ledger_request_id=draw.ledger_request_id,
        source=PostingSource.DRAW,
        source_id=draw.draw_id,
        effect=PostingEffect.SPEND,
        asset_id=draw.lottery.asset_id,
        amount=draw.lottery.price_points,
        account_id=draw.lottery.redemption_account_id,
        effective_time=draw.draw_time,
        reason=f"lottery {draw.lottery.lottery_id}",
        program_revision=draw.program_revision,
    )


def winning_of(draw: Draw, prize: Prize, now: datetime) -> Posting:
    """The posting that pays points that were won."""
    return Posting(
        member=draw.member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.PRIZE,
        source_id=draw.draw_id,
        effect=PostingEffect.EARN,
        asset_id=draw.lottery.asset_id,
        amount=prize.points,
        account_id=draw.lottery.funding_account_id,
        effective_time=now,
        reason=f"prize {prize.prize_id} of lottery {draw.lottery.lottery_id}",
        program_revision=draw.program_revision,
    )
