"""Pays what reviews of lines and gifts for them were granted, so that it can be taken again."""

from __future__ import annotations

from laurel_benefits.domain.ids import ActivityId, MemberKey, OrderKey
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import PostingSource
from laurel_benefits.handlers.gifts import conclude_gift
from laurel_benefits.handlers.postings import Conclusions, carry_out
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import line_rewards

GIFTS: Conclusions = {PostingSource.GIFT: conclude_gift}
"""What follows where the ledger refuses one; of a review nothing does."""


async def pay_line_rewards(key: OrderKey, *, resources: Resources) -> None:
    """Make the postings of reviews of an order and of gifts for its goods that are not made yet.

    Raises DependencyDown.
    """
    async with resources.database.read() as connection:
        rewards = await line_rewards.rewards_of_order(connection, key)
    for reward in rewards:
        if reward.state is GrantState.PENDING:
            await carry_out(key.member, reward.activity_id, GIFTS, resources=resources)


async def pay_review(member: MemberKey, review_id: ActivityId, resources: Resources) -> None:
    """Make the postings of a review and of approvals of it. Raises DependencyDown."""
    async with resources.database.read() as connection:
        activity_ids = await line_rewards.activities_of_review(connection, member, review_id)
    for activity_id in activity_ids:
        await carry_out(member, activity_id, {}, resources=resources)
