"""Makes up for missed days with cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from laurel_kit.calendar import business_day
from laurel_kit.database import Connection

from laurel_benefits.domain.check_ins import (
    CheckInCase,
    CheckInKey,
    DailyCheckIn,
    Streak,
    find_check_in,
    streak_of,
)
from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.game_errors import CheckInNotFound
from laurel_benefits.domain.ids import MemberKey, RequestId, RevisionId
from laurel_benefits.domain.make_up_rules import MakeUpRules
from laurel_benefits.domain.make_ups import (
    MakeUpCard,
    MakeUpCase,
    card_for,
    decide_make_up,
    missed_days,
    streaks_with,
)
from laurel_benefits.domain.names import derived
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.programs import CheckInRules
from laurel_benefits.handlers.check_ins import gather
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import check_ins, make_ups
from laurel_benefits.storage.risks import latest_risk

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpCheckIn:
    """A missed day that a member wants to make up for."""

    key: WriteKey
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """The decision and, where it is a yes, the day, with the streak afterwards."""

    decision: Decision
    check_in: DailyCheckIn | None
    streak_days: int
    replayed: bool = False


async def make_up_check_in(command: MakeUpCheckIn, *, resources: Resources) -> MadeUp:
    """Make up for a missed day with the card that ends first. Raises CheckInNotFound."""
    member, day, now = command.key.member, command.day, resources.clock.now()
    revision = await revision_now(member.program_id, resources)
    rules = find_check_in(revision.model, member.program_id)
    make_up = find_make_up(rules, member)

    async def decide(connection: Connection) -> MadeUp:
        case = MakeUpCase(
            day=day,
            rules=make_up,
            streaks=await make_ups.streaks_from(connection, member, day - ONE_DAY),
            cards=await make_ups.cards_of(
                connection, member, business_day(now, revision.time_zone)
            ),
            risk=await latest_risk(connection, member),
            now=now,
            zone=revision.time_zone,
            program_revision=RevisionId(revision.revision_id),
        )
        decision = decide_make_up(case)
        made = await store(connection, member, case, rules) if decision.allowed else None
        after = await gather(connection, member, now, resources)
        return MadeUp(decision=decision, check_in=made, streak_days=after.streak_days)

    return await answer_once(command.key, MadeUp, decide, resources=resources)


def find_make_up(rules: CheckInRules, member: MemberKey) -> MakeUpRules:
    """How missed days are made up for. Raises CheckInNotFound where they are not."""
    if rules.make_up is None:
        raise CheckInNotFound(program_id=member.program_id)
    return rules.make_up


async def store(
    connection: Connection, member: MemberKey, case: MakeUpCase, rules: CheckInRules
) -> DailyCheckIn:
    """Use the card, and put the day in a row with those around it."""
    card = card_for(case.cards, case.today)
    assert card is not None, "the decision asks for one"
    await make_ups.use_card(connection, member, card, day=case.day)
    changed = streaks_with(case.streaks, case.day)
    made = made_up_day(member, case, rules, streak_days=changed.pop(case.day))
    await check_ins.insert_check_in(connection, made, attempt_time=None)
    await make_ups.change_streaks(connection, member, changed)
    return made


def made_up_day(
    member: MemberKey, case: MakeUpCase, rules: CheckInRules, *, streak_days: int
) -> DailyCheckIn:
    """A day that pays nothing, so that there is nothing to do for it."""
    name = f"{member.program_id}/{member.member_id}/{case.day.isoformat()}/check-in"
    return DailyCheckIn(
        key=CheckInKey(member=member, day=case.day),
        streak_days=streak_days,
        points=0,
        asset_id=rules.asset_id,
        funding_account_id=rules.funding_account_id,
        ledger_request_id=RequestId(derived(name)),
        check_in_time=case.now,
        program_revision=case.program_revision,
        state=GrantState.POSTED,
        made_up=True,
    )


async def get_streak(member: MemberKey, *, resources: Resources) -> Streak:
    """How many days in a row the member has checked in. Raises CheckInNotFound."""
    async with resources.database.snapshot() as connection:
        case = await gather(connection, member, resources.clock.now(), resources)
        streak, make_up = streak_of(case), case.rules.make_up
        if make_up is None:
            return streak
        cards = await make_ups.cards_of(connection, member, case.today)
        return await with_cards(connection, member, case, streak, cards)


async def with_cards(
    connection: Connection,
    member: MemberKey,
    case: CheckInCase,
    streak: Streak,
    cards: Sequence[MakeUpCard],
) -> Streak:
    """The streak with what can be made up for."""
    assert case.rules.make_up is not None, "there are cards"
    first = case.today - case.rules.make_up.days_back_max * ONE_DAY
    missed = missed_days(
        case.rules.make_up,
        await make_ups.streaks_from(connection, member, first),
        first_day=await make_ups.first_check_in(connection, member),
        today=case.today,
    )
    return replace(streak, make_up_cards=len(cards), missed_days=missed)
