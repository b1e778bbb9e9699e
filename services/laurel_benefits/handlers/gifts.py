"""Merchants give points to members, for goods or for nothing; all of them or none (H2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit.database import Connection

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.errors import OrderNotCompleted, OrderNotFound
from laurel_benefits.domain.ids import (
    ActivityId,
    LineId,
    MerchantId,
    OrderId,
    OrderKey,
    RevisionId,
)
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.merchants import (
    EntryKind,
    GiftCase,
    MerchantEntry,
    decide_gift,
    find_merchant_rules,
)
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.returns import earned_of_kept_line
from laurel_benefits.handlers.merchants import entry_of, merchant_of, return_points
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import checkouts, line_rewards, merchants, orders, postings, returns
from laurel_benefits.storage.risks import latest_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineKey:
    """A line of an order of the member."""

    order_id: OrderId
    line_id: LineId


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPoints:
    """Points that are to be given."""

    key: WriteKey
    merchant_id: MerchantId
    points: int
    reason: str
    line: OrderLineKey | None = None
    """The goods it is for: it goes back with them; None where it is for nothing that was bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedPoints:
    """The decision and, where it was a yes, the change of the account."""

    decision: Decision
    entry: MerchantEntry | None
    returned: bool = False
    replayed: bool = False


async def grant_points(command: GrantPoints, *, resources: Resources) -> GrantedPoints:
    """Give points of a merchant to a member, all of them or none.

    Raises MerchantsNotServed, MerchantNotFound, OrderNotFound, OrderNotCompleted,
    OrderLineNotFound, AlreadyReturned, DependencyDown.
    """

    async def decide(connection: Connection) -> GrantedPoints:
        return await decide_and_store(connection, command, resources)

    answer = await answer_once(command.key, GrantedPoints, decide, resources=resources)
    if answer.entry is None or answer.entry.ledger_request_id is None:
        return answer
    member, source_id = command.key.member, answer.entry.ledger_request_id
    conclusions = {PostingSource.GIFT: conclude_gift}
    await carry_out(member, source_id, conclusions, resources=resources)
    async with resources.database.read() as connection:
        made = await postings.postings_of(connection, member, source_id)
    return replace(answer, returned=any(each.state is GrantState.REFUSED for each in made))


async def decide_and_store(
    connection: Connection, command: GrantPoints, resources: Resources
) -> GrantedPoints:
    """Decide under the lock of the merchant, and lower its account with the posting stored."""
    member, now = command.key.member, resources.clock.now()
    revision = await resources.programs.at(connection, member.program_id, now)
    rules = find_merchant_rules(revision.model, member.program_id)
    risk = await latest_risk(connection, member)
    item_left = await item_room(connection, command, revision.model)
    merchant = await merchant_of(connection, member.program_id, command.merchant_id, lock=True)
    case = GiftCase(
        rules=rules,
        points=command.points,
        free_points=merchant.free_points,
        item_left_points=item_left,
        risk=risk,
        now=now,
        program_revision=RevisionId(revision.revision_id),
    )
    decision = decide_gift(case)
    if not decision.allowed:
        return GrantedPoints(decision=decision, entry=None)
    posting = Posting(
        member=member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.GIFT,
        source_id="",
        effect=PostingEffect.EARN,
        asset_id=rules.asset_id,
        amount=command.points,
        account_id=merchant.funding_account_id,
        effective_time=now,
        reason=f"gift of {command.merchant_id}",
        program_revision=case.program_revision,
    )
    posting = replace(posting, source_id=posting.ledger_request_id)
    draft = entry_of(EntryKind.GRANT, -command.points, command.reason, now)
    _, entry = await merchants.record_entry(
        connection,
        merchant,
        replace(draft, member_id=member.member_id, ledger_request_id=posting.ledger_request_id),
    )
    await store_posting(connection, posting, resources)
    if command.line:
        await line_rewards.insert_line_reward(connection, reward_of(command.line, posting))
    return GrantedPoints(decision=decision, entry=entry)


async def item_room(
    connection: Connection, command: GrantPoints, program: BenefitsProgram
) -> int | None:
    """What the cap of the goods leaves of all they were given (D4); None without a cap, or goods.

    Raises OrderNotFound, OrderNotCompleted, OrderLineNotFound, AlreadyReturned.
    """
    if command.line is None:
        return None
    line_id = command.line.line_id
    key = OrderKey(member=command.key.member, order_id=command.line.order_id)
    order = await orders.find_order(connection, key)
    if order is None:
        if await checkouts.find_checkout(connection, key) is None:
            raise OrderNotFound(order_id=key.order_id)
        raise OrderNotCompleted(order_id=key.order_id)
    went_back = await returns.returns_of(connection, key)
    earned = earned_of_kept_line(order, line_id, went_back)
    rewards = await line_rewards.rewards_of_order(connection, key)
    cap = program.earning.item_cap_points
    if cap is None:
        return None
    return max(cap - earned - sum(each.points for each in rewards if each.line_id == line_id), 0)


def reward_of(line: OrderLineKey, posting: Posting) -> LineReward:
    """What the gift is for, so that it can be taken with the goods."""
    name = ActivityId(posting.ledger_request_id)
    return LineReward(
        order=OrderKey(member=posting.member, order_id=line.order_id),
        line_id=line.line_id,
        review_id=name,
        activity_id=name,
        ledger_request_id=posting.ledger_request_id,
        points=posting.amount,
    )


async def conclude_gift(connection: Connection, posting: Posting, resources: Resources) -> None:
    """A gift the ledger refuses for good goes back to its merchant."""
    if posting.state is GrantState.REFUSED:
        giver = await merchants.giver_of(connection, posting)
        await return_points(
            connection,
            posting.member.program_id,
            giver,
            points=posting.amount,
            reference=posting.refusal,
            now=resources.clock.now(),
        )
