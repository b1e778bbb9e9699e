"""Confirms what members have exchanged, and gives back what nobody confirmed in its time (J5)."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_kit.database import Connection
from laurel_kit.timers import Timer

from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RedemptionId
from laurel_benefits.domain.mall import Redemption, decide_confirmation
from laurel_benefits.domain.mall_errors import CouponNotAvailable
from laurel_benefits.handlers.postings import store_posting
from laurel_benefits.handlers.redemptions import cancel_end, redemption_of, take_back
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import redemptions
from laurel_benefits.storage.members import lock_member

UNCONFIRMED = "not confirmed"
"""Why it is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRedemption:
    """A reward that the member keeps."""

    key: WriteKey
    redemption_id: RedemptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedRedemption:
    """The redemption that is confirmed."""

    redemption: Redemption
    replayed: bool = False


async def confirm_redemption(
    command: ConfirmRedemption, *, resources: Resources
) -> ConfirmedRedemption:
    """Let the member keep a reward. Raises RedemptionNotFound, RedemptionNotConfirmable."""

    async def decide(connection: Connection) -> ConfirmedRedemption:
        redemption = await redemption_of(connection, command.key.member, command.redemption_id)
        confirmed = decide_confirmation(redemption, resources.clock.now())
        await redemptions.record_redemption(connection, confirmed)
        await cancel_end(connection, confirmed, resources)
        return ConfirmedRedemption(redemption=confirmed)

    return await answer_once(command.key, ConfirmedRedemption, decide, resources=resources)


async def end_unconfirmed(connection: Connection, timer: Timer, *, resources: Resources) -> None:
    """Give a redemption back that nobody confirmed, in the transaction that removes the timer.

    Who has used its coupon has kept it.
    """
    now = resources.clock.now()
    member = MemberKey(program_id=ProgramId(timer.program_id), member_id=MemberId(timer.member_id))
    await lock_member(connection, member, now=now)
    redemption = await redemption_of(connection, member, RedemptionId(timer.key))
    if not redemption.unconfirmed:
        return
    try:
        _, reversal = await take_back(connection, redemption, UNCONFIRMED, now)
    except CouponNotAvailable:
        return
    await store_posting(connection, reversal, resources, at_once=True)
