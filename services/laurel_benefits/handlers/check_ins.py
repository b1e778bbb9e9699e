"""Checks members in: the decision is stored before anything is paid, then carried out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.check_ins import (
    CheckInCase,
    CheckInKey,
    DailyCheckIn,
    Streak,
    decide_check_in,
    find_check_in,
    make_check_in,
    streak_of,
)
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberKey, RequestId, RevisionId
from laurel_benefits.domain.names import derived
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.sign_in_cash import grant_cash, pay_cash
from laurel_benefits.storage import check_ins
from laurel_benefits.storage.members import lock_member
from laurel_benefits.storage.risks import latest_risk

METHOD = "CheckIn"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """A member who comes back."""

    member: MemberKey
    request_id: RequestId
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn:
    """The decision and, where it is a yes, the check-in."""

    decision: Decision
    check_in: DailyCheckIn | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What checking in would pay: points by the decision, cash as far as the budget goes."""

    decision: Decision
    cash_fen: int


async def check_in(command: CheckIn, *, resources: Resources) -> CheckedIn:
    """Check a member in for today and pay for it. Raises CheckInNotFound.

    Once stored, the check-in is paid whatever happens: by this call, by a repeat of it, or by the
    relay. Raises DependencyDown while the ledger does not answer.
    """
    now = resources.clock.now()

    async def work(connection: Connection) -> CheckedIn:
        return await decide_and_store(connection, command, now, resources)

    answer = await resources.database.transact(work)
    if answer.check_in is None:
        return answer
    return replace(answer, check_in=await pay(answer.check_in, resources))


async def get_streak(member: MemberKey, *, resources: Resources) -> Streak:
    """How many days in a row the member has checked in. Raises CheckInNotFound."""
    async with resources.database.snapshot() as connection:
        return streak_of(await gather(connection, member, resources.clock.now(), resources))


async def preview_check_in(member: MemberKey, *, resources: Resources) -> Preview:
    """What checking in would pay now; nothing is stored. Raises CheckInNotFound."""
    async with resources.database.snapshot() as connection:
        case = await gather(connection, member, resources.clock.now(), resources)
    decision = decide_check_in(case)
    return Preview(decision=decision, cash_fen=case.next_cash_fen if decision.allowed else 0)


async def decide_and_store(
    connection: Connection, command: CheckIn, now: datetime, resources: Resources
) -> CheckedIn:
    """One transaction: the decision, and the check-in with the id of its posting."""
    member = command.member
    await lock_member(connection, member, now=now)
    if earlier := await earlier_check_in(connection, command):
        return earlier
    case = await gather(connection, member, now, resources)
    decision = decide_check_in(case)
    stored = None
    if decision.allowed:
        stored = make_check_in(
            case, member=member, ledger_request_id=posting_of(member, case.today.isoformat())
        )
        stored = await grant_cash(connection, stored, case.rules.cash, resources)
        attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
        await check_ins.insert_check_in(connection, stored, attempt_time=attempt_time)
    answer = CheckedIn(decision=decision, check_in=stored)
    await requests.remember(
        connection,
        program_id=member.program_id,
        member_id=member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=answer,
    )
    return answer


async def gather(
    connection: Connection, member: MemberKey, now: datetime, resources: Resources
) -> CheckInCase:
    """What a check-in is decided on."""
    revision = await resources.programs.at(connection, member.program_id, now)
    return CheckInCase(
        rules=find_check_in(revision.model, member.program_id),
        latest=await check_ins.latest_check_in(connection, member),
        risk=await latest_risk(connection, member),
        now=now,
        zone=revision.time_zone,
        program_revision=RevisionId(revision.revision_id),
    )


async def pay(stored: DailyCheckIn, resources: Resources) -> DailyCheckIn:
    """Pay a check-in if it is not paid, and return it as it then is. Raises DependencyDown."""
    if stored.state is GrantState.PENDING:
        outcome = await resources.ledger.post_check_in(stored)

        async def work(connection: Connection) -> None:
            await check_ins.settle_check_in(connection, stored.key, outcome)

        await resources.database.transact(work)
    await pay_cash(stored, resources)
    return await read(stored.key, resources)


async def read(key: CheckInKey, resources: Resources) -> DailyCheckIn:
    """A check-in that is stored."""
    async with resources.database.read() as connection:
        found = await check_ins.find_check_in(connection, key)
    assert found is not None, "check-ins are never deleted"
    return found


async def earlier_check_in(connection: Connection, command: CheckIn) -> CheckedIn | None:
    """The answer to an earlier, equal request, with the check-in as it is now."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=METHOD,
        fingerprint=command.fingerprint,
        answer=CheckedIn,
    )
    if earlier is None:
        return None
    stored = earlier.check_in
    current = await check_ins.find_check_in(connection, stored.key) if stored else None
    return replace(earlier, check_in=current, replayed=True)


async def relay_check_ins(*, resources: Resources) -> int:
    """Pay check-ins that were left unpaid; returns how many were looked at."""
    now, limits = resources.machine_clock.now(), resources.limits

    async def claim(connection: Connection) -> list[CheckInKey]:
        return list(
            await check_ins.claim_unpaid(
                connection, now=now, pause=limits.relay_pause, limit=limits.relay_batch_max
            )
        )

    claimed = await resources.database.transact(claim)
    for key in claimed:
        try:
            await pay(await read(key, resources), resources)
        except DependencyDown as down:
            name = f"{key.member.program_id}/{key.member.member_id}/{key.day}"
            _LOG.warning("%s does not answer; check-in %s waits", down.dependency, name)
    return len(claimed)


def posting_of(member: MemberKey, day: str) -> RequestId:
    """The id of the posting of a day: always the same for the same member and day."""
    return RequestId(derived(f"{member.program_id}/{member.member_id}/{day}/check-in"))
