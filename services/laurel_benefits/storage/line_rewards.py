"""What reviews of the lines of orders were paid, and what of it was taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laurel_kit.database import Connection
from sqlalchemy import ColumnElement, Row, and_, insert, select, update

from laurel_benefits.domain.ids import (
    ActivityId,
    LineId,
    MemberId,
    MemberKey,
    OrderId,
    OrderKey,
    ProgramId,
    RequestId,
)
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.storage.activity_tables import LINE_REWARD
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.posting_tables import POSTING


async def insert_line_reward(connection: Connection, reward: LineReward) -> None:
    """Store what a posting is for; it is stored in the same transaction."""
    await connection.execute(
        insert(LINE_REWARD).values(
            **key_values(reward.order.member),
            ledger_request_id=reward.ledger_request_id,
            order_id=reward.order.order_id,
            line_id=reward.line_id,
            review_id=reward.review_id,
            activity_id=reward.activity_id,
            points=reward.points,
        )
    )


async def rewards_of_order(connection: Connection, key: OrderKey) -> Sequence[LineReward]:
    """What reviews of an order's lines were paid: not what the ledger refused, nor what deletions
    of the reviews took back.
    """
    return await chosen_rewards(connection, key.member, LINE_REWARD.c.order_id == key.order_id)


async def rewards_of_review(
    connection: Connection, member: MemberKey, review_id: ActivityId
) -> Sequence[LineReward]:
    """What a review was paid, approvals included: neither refused nor taken back."""
    return await chosen_rewards(connection, member, LINE_REWARD.c.review_id == review_id)


async def activities_of_review(
    connection: Connection, member: MemberKey, review_id: ActivityId
) -> Sequence[ActivityId]:
    """The review and approvals that were granted something, also what was taken back."""
    chosen = select(LINE_REWARD.c.activity_id).where(
        of_member(LINE_REWARD, member), LINE_REWARD.c.review_id == review_id
    )
    return [ActivityId(each) for each in (await connection.execute(chosen)).scalars()]


async def mark_taken(connection: Connection, member: MemberKey, review_id: ActivityId) -> None:
    """Say that what a review was paid is taken back."""
    await connection.execute(
        update(LINE_REWARD)
        .where(of_member(LINE_REWARD, member), LINE_REWARD.c.review_id == review_id)
        .values(taken=True)
    )


async def mark_voided(
    connection: Connection, member: MemberKey, ledger_request_id: RequestId
) -> None:
    """Say that the points of one posting are void."""
    await connection.execute(
        update(LINE_REWARD)
        .where(
            of_member(LINE_REWARD, member),
            LINE_REWARD.c.ledger_request_id == ledger_request_id,
        )
        .values(taken=True)
    )


async def chosen_rewards(
    connection: Connection, member: MemberKey, condition: ColumnElement[bool]
) -> Sequence[LineReward]:
    """Rewards that stand, with how far each is paid."""
    posting = and_(
        of_member(POSTING, member),
        POSTING.c.ledger_request_id == LINE_REWARD.c.ledger_request_id,
    )
    chosen = (
        select(LINE_REWARD, POSTING.c.state)
        .join(POSTING, posting)
        .where(
            of_member(LINE_REWARD, member),
            condition,
            ~LINE_REWARD.c.taken,
            POSTING.c.state != GrantState.REFUSED,
        )
        .order_by(POSTING.c.effective_time, LINE_REWARD.c.ledger_request_id)
    )
    return [to_reward(row) for row in await connection.execute(chosen)]


def to_reward(row: Row[Any]) -> LineReward:
    """The reward in a row."""
    member = MemberKey(program_id=ProgramId(row.program_id), member_id=MemberId(row.member_id))
    return LineReward(
        order=OrderKey(member=member, order_id=OrderId(row.order_id)),
        line_id=LineId(row.line_id),
        review_id=ActivityId(row.review_id),
        activity_id=ActivityId(row.activity_id),
        ledger_request_id=RequestId(row.ledger_request_id),
        points=row.points,
        state=GrantState(row.state),
    )
