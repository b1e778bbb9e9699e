"""What follows from postings, by what they are for."""

from __future__ import annotations

from functools import partial

from laurel_benefits.domain.postings import PostingSource
from laurel_benefits.handlers import (
    activity_rewards,
    gifts,
    harvests,
    lotteries,
    redemptions,
    sign_in_cash,
    wallets,
)
from laurel_benefits.handlers.postings import Conclusions, relay_postings

CONCLUSIONS: Conclusions = {
    PostingSource.ACTIVITY: activity_rewards.conclude_activity,
    PostingSource.REDEMPTION: redemptions.conclude_redemption,
    PostingSource.DRAW: lotteries.conclude_draw,
    PostingSource.GIFT: gifts.conclude_gift,
    PostingSource.SIGN_IN: sign_in_cash.conclude_cash,
    PostingSource.PAY_OUT: wallets.conclude_pay_out,
    PostingSource.HARVEST: harvests.conclude_harvest,
}

relay = partial(relay_postings, conclusions=CONCLUSIONS)
"""Makes postings that were left unmade, whatever they are for."""
