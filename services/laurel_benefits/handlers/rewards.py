"""Shows what points buy, with a decision on each, and the lotteries with their odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.calendar import business_day, day_end
from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.coupons import find_coupon_type
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberKey, ProgramId, RevisionId, RewardId
from laurel_benefits.domain.lottery_rules import Lottery, Prize
from laurel_benefits.domain.mall import RewardCase, decide_reward, find_reward
from laurel_benefits.domain.mall_rules import MallReward, MallRules
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.standings import NOT_ASKED, Sight
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import counters, coupons
from laurel_benefits.storage.holdings import read_holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRewards:
    """A page of the mall for whom; `after` is the last reward of the page before."""

    member: MemberKey
    page_size: int
    after: RewardId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardView:
    """A reward, the decision on it, and how many are left."""

    reward: MallReward
    decision: Decision
    stock_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrizeView:
    """A prize, and how many are left; None for as many as wished."""

    prize: Prize
    stock_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotteryView:
    """A lottery as it is published."""

    lottery: Lottery
    prizes: tuple[PrizeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardPage:
    """Rewards by their names, whether more follow, and on the first page the lotteries."""

    rewards: tuple[RewardView, ...]
    lotteries: tuple[LotteryView, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MallScene:
    """Who looks at the mall, what is known of the member, and the program of that moment."""

    member: MemberKey
    sight: Sight
    revision: Revision[BenefitsProgram]
    now: datetime

    @property
    def mall(self) -> MallRules:
        """What points buy, of a program that has a mall."""
        assert self.revision.model.mall is not None, "a reward was found in it"
        return self.revision.model.mall


async def list_rewards(query: ListRewards, *, resources: Resources) -> RewardPage:
    """A page of what points buy."""
    revision = await revision_now(query.member.program_id, resources)
    mall, after = revision.model.mall, query.after
    every = sorted(mall.rewards.values(), key=lambda each: each.reward_id) if mall else []
    rest = [each for each in every if after is None or each.reward_id > after]
    page = rest[: query.page_size]
    scene = await scene_of(query.member, page, revision, resources)
    async with resources.database.snapshot() as connection:
        views = [await view_reward(connection, reward, scene) for reward in page]
        shown = () if after else tuple(revision.model.lotteries.values())
        lotteries = [
            await view_lottery(connection, query.member.program_id, each) for each in shown
        ]
    return RewardPage(rewards=tuple(views), lotteries=tuple(lotteries), more=len(rest) > len(page))


async def quote_redemption(
    member: MemberKey, reward_id: RewardId, *, resources: Resources
) -> RewardView:
    """What a reward costs a member now. Raises RewardNotFound."""
    revision = await revision_now(member.program_id, resources)
    reward = find_reward(revision.model, reward_id)
    scene = await scene_of(member, [reward], revision, resources)
    async with resources.database.snapshot() as connection:
        return await view_reward(connection, reward, scene)


async def scene_of(
    member: MemberKey,
    rewards: Sequence[MallReward],
    revision: Revision[BenefitsProgram],
    resources: Resources,
) -> MallScene:
    """What decisions on these rewards look at. Never fails because scoring does."""
    mall, sight = revision.model.mall, NOT_ASKED
    if mall and any(each.gate.asks_scoring for each in rewards):
        sight = await see_standing(
            member, mall.score_model_id, mall.score_source, resources=resources
        )
    return MallScene(member=member, sight=sight, revision=revision, now=resources.clock.now())


async def view_reward(connection: Connection, reward: MallReward, scene: MallScene) -> RewardView:
    """A reward with the decision on it."""
    case = await reward_case(connection, reward, scene)
    return RewardView(reward=reward, decision=decide_reward(case), stock_left=case.stock_left)


async def reward_case(connection: Connection, reward: MallReward, scene: MallScene) -> RewardCase:
    """What a redemption is decided on."""
    member, zone, counter = scene.member, scene.revision.time_zone, counter_of(reward.reward_id)
    today = business_day(scene.now, zone)
    return RewardCase(
        reward=reward,
        sight=scene.sight,
        holdings=await read_holdings(connection, member, scene.now),
        had=await counters.used_by_member(connection, member, counter),
        had_today=await counters.used_by_member(connection, member, counter, today.isoformat()),
        stock_left=await stock_of(connection, reward, member.program_id, scene.revision),
        day_end=day_end(today, zone),
        now=scene.now,
        program_revision=RevisionId(scene.revision.revision_id),
    )


async def stock_of(
    connection: Connection,
    reward: MallReward,
    program_id: ProgramId,
    revision: Revision[BenefitsProgram],
) -> int | None:
    """How many there still are, of the reward and of its coupon."""
    left = []
    if reward.stock is not None:
        used = await counters.used_of_program(connection, program_id, counter_of(reward.reward_id))
        left.append(reward.stock - used)
    if reward.coupon_type_id:
        coupon_type = find_coupon_type(revision.model, reward.coupon_type_id)
        coupons_left = await coupons.stock_left(connection, program_id, coupon_type)
        left += [] if coupons_left is None else [coupons_left]
    return max(min(left), 0) if left else None


async def view_lottery(
    connection: Connection, program_id: ProgramId, lottery: Lottery
) -> LotteryView:
    """A lottery with what is left of its prizes."""
    prizes = []
    for prize in lottery.prizes:
        used = await counters.used_of_program(connection, program_id, prize_counter(lottery, prize))
        left = None if prize.stock is None else max(prize.stock - used, 0)
        prizes.append(PrizeView(prize=prize, stock_left=left))
    return LotteryView(lottery=lottery, prizes=tuple(prizes))


def counter_of(reward_id: RewardId) -> str:
    """The counter of a reward."""
    return f"reward/{reward_id}"


def prize_counter(lottery: Lottery, prize: Prize) -> str:
    """The counter of a prize."""
    return f"prize/{lottery.lottery_id}/{prize.prize_id}"
