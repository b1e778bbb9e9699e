"""Checks members in: the decision is stored before anything is paid, then carried out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection
from laurel_kit.ids import new_id
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.activities import Action, Activity, ActivityDraft, ActivityTelling
from laurel_benefits.domain.check_ins import (
    CheckInCase,
    CheckInKey,
    DailyCheckIn,
    decide_check_in,
    find_check_in,
    make_check_in,
)
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import (
    ActivityId,
    MemberKey,
    RequestId,
    ReviewCaseId,
    RevisionId,
)
from laurel_benefits.domain.make_ups import earns_card
from laurel_benefits.domain.names import derived
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.velocities import rules_of, window_key
from laurel_benefits.handlers.activity_tellings import tell_soon
from laurel_benefits.handlers.raising import case_of_check_in
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.sign_in_cash import grant_cash, pay_cash
from laurel_benefits.storage import activities, check_ins, counters, make_ups, review_cases
from laurel_benefits.storage.activities import Traits
from laurel_benefits.storage.members import lock_member, next_fact_position
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
    paid = await pay(answer.check_in, resources)
    await tell_scoring(paid, resources)
    return replace(answer, check_in=paid)


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
            case,
            member=member,
            ledger_request_id=posting_of(member, case.today.isoformat()),
            review_case_id=ReviewCaseId(new_id()) if case.review_rule else None,
            card_earned=await earn_card(connection, member, case),
        )
        stored = await grant_cash(connection, stored, case.rules.cash, resources)
        await store(connection, stored, case, decision, resources)
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


async def earn_card(connection: Connection, member: MemberKey, case: CheckInCase) -> bool:
    """Whether the check-in earns a card that makes up for a missed day; it is stored."""
    rules = case.rules.make_up
    if rules is None:
        return False
    card = earns_card(
        rules,
        streak_days=case.streak_days + 1,
        cards=await make_ups.cards_of(connection, member, case.today),
        today=case.today,
    )
    if card:
        await make_ups.insert_card(connection, member, card)
    return card is not None


async def store(
    connection: Connection,
    stored: DailyCheckIn,
    case: CheckInCase,
    decision: Decision,
    resources: Resources,
) -> None:
    """The check-in, what it counts against limits of speed, its case, and the fact for scoring."""
    member = stored.key.member
    attempt_time = resources.machine_clock.now() + resources.limits.relay_delay
    await check_ins.insert_check_in(connection, stored, attempt_time=attempt_time)
    for rule in case.velocity:
        await counters.count_member(connection, member, *window_key(rule, case.now))
    if case.review_rule:
        raised = case_of_check_in(stored, kind=case.rules.kind, rule_id=case.review_rule)
        await review_cases.insert_case(connection, raised)
    if case.rules.kind:
        position = await next_fact_position(connection, member)
        await activities.insert_activity(
            connection,
            fact_of(stored, case.rules.kind, decision, position=position),
            Traits(),
            record_time=case.now,
            attempt_time=attempt_time,
        )


def fact_of(stored: DailyCheckIn, kind: str, decision: Decision, *, position: int) -> Activity:
    """A check-in as a fact, under the name of its posting; that pays it, so the fact does not."""
    draft = ActivityDraft(
        activity_id=ActivityId(stored.ledger_request_id),
        activity_time=stored.check_in_time,
        fact=Action(action_kind=kind, subject_id="", birth_date=None),
        digest="",
    )
    return Activity(
        member=stored.key.member,
        draft=draft,
        kind=kind,
        decision=decision,
        subject_id="",
        points=0,
        position=position,
        telling=ActivityTelling.PENDING,
        telling_refusal="",
        program_revision=stored.program_revision,
    )


async def tell_scoring(stored: DailyCheckIn, resources: Resources) -> None:
    """Tell scoring of a check-in and of what came before, if that has not been done."""
    activity_id = ActivityId(stored.ledger_request_id)
    async with resources.database.read() as connection:
        fact = await activities.find_activity(connection, stored.key.member, activity_id)
    await tell_soon(stored.key.member, [fact] if fact else [], resources)


async def gather(
    connection: Connection, member: MemberKey, now: datetime, resources: Resources
) -> CheckInCase:
    """What a check-in is decided on."""
    revision = await resources.programs.at(connection, member.program_id, now)
    rules = find_check_in(revision.model, member.program_id)
    guards = revision.model.risk.velocity if revision.model.risk else ()
    velocity = rules_of(guards, rules.kind)
    windows = [window_key(rule, now) for rule in velocity]
    return CheckInCase(
        rules=rules,
        velocity=velocity,
        used=await activities.used_of(connection, member, windows),
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
