"""Harvests trees: the fruit and the new tree are one commit, points are paid after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit.database import Connection, LostRace
from laurel_kit.ids import new_id

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.harvests import (
    Harvest,
    HarvestCase,
    HarvestState,
    decide_harvest,
    find_fruit,
    make_harvest,
    next_tree,
)
from laurel_benefits.domain.ids import FruitId, HarvestId, MemberKey, ProgramId
from laurel_benefits.domain.orchard_rules import Fruit
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.standings import Sight
from laurel_benefits.domain.trees import TreeView
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.handlers.trees import Grove, grove_of, view_tree
from laurel_benefits.storage import counters, trees
from laurel_benefits.storage.risks import latest_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestTree:
    """A fruit that is wanted."""

    key: WriteKey
    fruit_id: FruitId
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestedTree:
    """The decision and, where it was a yes, the harvest."""

    decision: Decision
    harvest: Harvest | None
    view: TreeView
    replayed: bool = False


async def harvest_tree(command: HarvestTree, *, resources: Resources) -> HarvestedTree:
    """Take the fruit of a tree. Raises OrchardNotFound, FruitNotFound, DependencyDown."""
    member = command.key.member
    grove = await grove_of(member, resources)
    fruit = find_fruit(grove.orchard, command.fruit_id)
    sight = await see_standing(
        member, grove.orchard.score_model_id, grove.orchard.score_source, resources=resources
    )

    async def decide(connection: Connection) -> HarvestedTree:
        case = await harvest_case(connection, command, fruit, sight, grove)
        decision = decide_harvest(case)
        harvest = await take(connection, case, resources) if decision.allowed else None
        view = await view_tree(connection, member, grove)
        return HarvestedTree(decision=decision, harvest=harvest, view=view)

    answer = await answer_once(command.key, HarvestedTree, decide, resources=resources)
    if answer.harvest is None:
        return answer
    return replace(answer, harvest=await finished(answer.harvest, resources))


async def harvest_case(
    connection: Connection, command: HarvestTree, fruit: Fruit, sight: Sight, grove: Grove
) -> HarvestCase:
    """What a harvest is decided on."""
    member = command.key.member
    return HarvestCase(
        orchard=grove.orchard,
        tree=await trees.find_tree(connection, member),
        fruit=fruit,
        address=command.address,
        stock_left=await stock_of(connection, member.program_id, fruit),
        sight=sight,
        risk=await latest_risk(connection, member),
        now=grove.now,
        program_revision=grove.program_revision,
    )


async def stock_of(connection: Connection, program_id: ProgramId, fruit: Fruit) -> int | None:
    """How many fruits are left; None for as many as wished."""
    if fruit.stock is None:
        return None
    counter = fruit_counter(fruit.fruit_id)
    return fruit.stock - await counters.used_of_program(connection, program_id, counter)


async def take(connection: Connection, case: HarvestCase, resources: Resources) -> Harvest:
    """Store the harvest, with the posting of its points, and let a new tree begin."""
    harvest = make_harvest(case, harvest_id=HarvestId(new_id()), ledger_request_id=new_posting_id())
    await trees.record_tree(connection, next_tree(case.tree))
    await trees.record_harvest(connection, harvest)
    if harvest.points:
        await store_posting(connection, posting_of(harvest), resources)
    counter = fruit_counter(case.fruit.fruit_id)
    program_id, stock = harvest.member.program_id, case.fruit.stock
    if not await counters.count_program(connection, program_id, counter, limit=stock):
        raise LostRace
    return harvest


async def conclude_harvest(connection: Connection, posting: Posting, _: Resources) -> None:
    """The points are the member's, or the ledger has refused them for good."""
    harvest = await harvest_of(connection, posting.member, HarvestId(posting.source_id))
    posted = posting.state is GrantState.POSTED
    state = HarvestState.TAKEN if posted else HarvestState.REFUSED
    await trees.record_harvest(connection, replace(harvest, state=state, refusal=posting.refusal))


async def finished(harvest: Harvest, resources: Resources) -> Harvest:
    """The harvest as it is once its points are paid. Raises DependencyDown."""
    conclusions = {PostingSource.HARVEST: conclude_harvest}
    await carry_out(harvest.member, harvest.harvest_id, conclusions, resources=resources)
    async with resources.database.read() as connection:
        return await harvest_of(connection, harvest.member, harvest.harvest_id)


async def harvest_of(connection: Connection, member: MemberKey, harvest_id: HarvestId) -> Harvest:
    """A harvest that is stored."""
    found = await trees.find_harvest(connection, member, harvest_id)
    assert found is not None, "harvests are never deleted"
    return found


def fruit_counter(fruit_id: FruitId) -> str:
    """The counter of a fruit's stock."""
    return f"fruit/{fruit_id}"


def posting_of(harvest: Harvest) -> Posting:
    """The posting that pays the points."""
    return Posting(
        member=harvest.member,
        ledger_request_id=harvest.ledger_request_id,
        source=PostingSource.HARVEST,
        source_id=harvest.harvest_id,
        effect=PostingEffect.EARN,
        asset_id=harvest.asset_id,
        amount=harvest.points,
        account_id=harvest.funding_account_id,
        effective_time=harvest.harvest_time,
        reason=f"harvest {harvest.fruit_id}",
        program_revision=harvest.program_revision,
    )
