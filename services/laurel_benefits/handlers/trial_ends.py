"""Closes the book of a trial for which nothing was bought in time."""

from __future__ import annotations

from dataclasses import replace

from laurel_kit.database import Connection
from laurel_kit.timers import Timer

from laurel_benefits.domain.frozen_rebates import FrozenState
from laurel_benefits.domain.ids import MemberId, MemberKey, MembershipId, ProgramId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import frozen_rebates, memberships
from laurel_benefits.storage.members import lock_member

TRIAL_END = "trial-release-end"
"""The timer that falls due when a purchase releases nothing any more."""


async def schedule_forfeit(connection: Connection, trial: Membership, resources: Resources) -> None:
    """Have the book closed when its time is over."""
    assert trial.frozen is not None, "only a trial has a book"
    await resources.timers.schedule(
        connection,
        kind=TRIAL_END,
        key=trial.membership_id,
        due_time=trial.frozen.release_expire_time,
        program_id=trial.member.program_id,
        member_id=trial.member.member_id,
    )


async def cancel_forfeit(connection: Connection, trial: Membership, resources: Resources) -> None:
    """Have it left alone: a purchase has closed it."""
    await resources.timers.cancel(
        connection,
        kind=TRIAL_END,
        key=trial.membership_id,
        program_id=trial.member.program_id,
        member_id=trial.member.member_id,
    )


async def forfeit_trial(connection: Connection, timer: Timer, *, resources: Resources) -> None:
    """Clear what is frozen to zero (F14), in the transaction that removes the timer."""
    member = MemberKey(program_id=ProgramId(timer.program_id), member_id=MemberId(timer.member_id))
    await lock_member(connection, member, now=resources.clock.now())
    trial = await memberships.find_membership(connection, member, MembershipId(timer.key))
    assert trial is not None, "memberships are never deleted"
    assert trial.frozen is not None, "only a trial has such a timer"
    if trial.frozen.state is not FrozenState.FROZEN:
        return
    await frozen_rebates.keep_trial(connection, replace(trial, frozen=trial.frozen.forfeited()))
    await frozen_rebates.forfeit_grants(connection, member, trial.membership_id)
