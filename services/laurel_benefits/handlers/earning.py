"""Gathers what decides on what an order earns: membership, judgement, campaigns, caps, budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.earning import running_campaigns
from laurel_benefits.domain.ids import MemberKey
from laurel_benefits.domain.merchants import funds_of
from laurel_benefits.domain.orders import Earned, decide_completion
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.risk_rules import VelocityRule
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.rooms import Counted, CounterKey, Room, caps_of, rooms_of
from laurel_benefits.domain.trials import rebate_holder
from laurel_benefits.domain.velocities import judge_speed, window_key
from laurel_benefits.storage import earning, memberships, merchants


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningCase:
    """An order of a member, and the program that decides on it."""

    member: MemberKey
    draft: OrderDraft
    complete_time: datetime
    revision: Revision[BenefitsProgram]
    risk: MemberRisk | None
    freed: tuple[Counted, ...] = ()
    """What its reservation has counted: the order may take it, for that is given back with it."""

    @property
    def velocity(self) -> tuple[VelocityRule, ...]:
        """The limits of speed for completed orders."""
        risk = self.revision.model.risk
        return tuple(rule for rule in risk.velocity if rule.of_orders) if risk else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningScene:
    """What is left to earn, and what the member has earned and completed by each counter."""

    rooms: tuple[Room, ...]
    earned: Mapping[CounterKey, int]


async def decide_earning(
    connection: Connection, case: EarningCase, now: datetime, *, locking: bool
) -> Earned:
    """What the order earns. `locking` holds the budgets it may use until the transaction ends.

    The membership that counts ran when the order was placed (F15).
    """
    order_time = case.draft.order_time
    held = await memberships.all_memberships(connection, case.member)
    risk_state = risk_at(case.risk, now)
    campaigns = running_campaigns(
        case.revision.model,
        case.draft,
        plans=[each.plan_id for each in held if each.runs_at(order_time)],
        zone=case.revision.time_zone,
    )
    scene = await gather_scene(connection, case, campaigns, now, locking=locking)
    guarded = judge_speed(case.velocity, scene.earned, risk_state, now)
    return decide_completion(
        case.draft,
        case.revision.model.earning,
        rebate_holder(held, order_time=order_time, now=now),
        risk_state,
        campaigns=campaigns,
        rooms=scene.rooms,
        speeding=guarded[1] if guarded else None,
    )


async def gather_scene(
    connection: Connection,
    case: EarningCase,
    campaigns: tuple[Campaign, ...],
    now: datetime,
    *,
    locking: bool,
) -> EarningScene:
    """What caps, budgets and merchants leave the order to earn, and how fast the others came."""
    rules = case.revision.model.earning
    caps = caps_of(
        order_cap_points=rules.order_cap_points,
        period_caps=rules.period_caps,
        campaigns=campaigns,
        complete_time=case.complete_time,
        zone=case.revision.time_zone,
    )
    program_id = case.member.program_id
    if locking:
        await earning.lock_budgets(connection, program_id, caps.budgets)
    held = await merchants.merchants_of_accounts(
        connection, program_id, caps.merchant_accounts, lock=locking
    )
    windows = [window_key(rule, now) for rule in case.velocity]
    earned = await earning.earned_points(connection, case.member, [*caps.counters, *windows])
    rooms = rooms_of(
        caps,
        earned=earned,
        used=await earning.used_budgets(connection, program_id, caps.budgets),
        funds=funds_of(held),
        freed=case.freed,
    )
    return EarningScene(rooms=rooms, earned=earned)
