"""What follows from the ledger's answer to a reward: one that is refused takes nothing."""

from __future__ import annotations

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import ActivityId
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingSource
from laurel_benefits.handlers.postings import Conclusions
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import activities, counters, referrals


async def conclude_activity(connection: Connection, posting: Posting, _: Resources) -> None:
    """A reward the ledger refuses for good gives back what it took of limits and caps.

    What it was for may be paid another time: the line, the subject, the one who was brought.
    """
    if posting.state is not GrantState.REFUSED:
        return
    member, activity_id = posting.member, ActivityId(posting.source_id)
    for each in await activities.give_up_reward(connection, member, activity_id):
        await counters.count_member(
            connection, member, each.counter_id, each.period_key, amount=-each.amount
        )
    await referrals.forget_referral(connection, member, activity_id)


ACTIVITY_CONCLUSIONS: Conclusions = {PostingSource.ACTIVITY: conclude_activity}
"""What follows from postings of activities."""
