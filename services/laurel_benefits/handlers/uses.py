"""Uses benefits and gives them back; the quota is counted in the commit of the use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit import requests
from laurel_kit.database import Connection, LostRace
from laurel_kit.ids import new_id

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.eligibility import (
    BenefitCase,
    Occasion,
    decide_benefit,
    find_benefit,
)
from laurel_benefits.domain.errors import BenefitUseNotFound
from laurel_benefits.domain.ids import (
    BenefitId,
    BenefitUseId,
    MemberKey,
    OrderId,
    ProgramId,
    RequestId,
)
from laurel_benefits.domain.uses import (
    BenefitUse,
    decide_reversal,
    make_use,
    with_use_counted,
)
from laurel_benefits.handlers.eligibility import Scene, revision_now, scene_of
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import uses
from laurel_benefits.storage.holdings import read_holdings
from laurel_benefits.storage.members import lock_member

USE_METHOD = "UseBenefit"
REVERSE_METHOD = "ReverseUse"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseBenefit:
    """A benefit that is to be used once."""

    member: MemberKey
    request_id: RequestId
    benefit_id: BenefitId
    occasion: Occasion
    reference: str
    order_id: OrderId | None
    fingerprint: bytes
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBenefit:
    """The decision and, where it is a yes, the use."""

    decision: Decision
    use: BenefitUse | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseUse:
    """A use that is to be given back."""

    member: MemberKey
    request_id: RequestId
    use_id: BenefitUseId
    reason: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversedUse:
    """The use that was given back."""

    use: BenefitUse
    replayed: bool = False


async def use_benefit(command: UseBenefit, *, resources: Resources) -> UsedBenefit:
    """Use a benefit once, where the member may. Raises BenefitNotFound.

    Scoring is asked before the transaction; the quota is decided and counted inside.
    """
    async with resources.database.read() as connection:
        if earlier := await earlier_use(connection, command):
            return earlier
    revision = await revision_now(command.member.program_id, resources)
    benefit = find_benefit(revision.model, command.benefit_id)
    scene = await scene_of(revision, [(command.member, benefit)], resources)
    case = scene.case(benefit, command.member, command.occasion)
    if command.validate_only:
        return UsedBenefit(decision=with_use_counted(decide_benefit(case)), use=None)

    async def work(connection: Connection) -> UsedBenefit:
        await lock_member(connection, command.member, now=scene.now)
        if earlier := await earlier_use(connection, command):
            return earlier
        current = replace(
            case,
            holdings=await read_holdings(connection, command.member, scene.now),
            given=await given_now(connection, command.member.program_id, case),
        )
        answer = await decide_and_count(connection, command, current, scene)
        await remember(connection, command, USE_METHOD, answer)
        return answer

    return await resources.database.transact(work)


async def decide_and_count(
    connection: Connection, command: UseBenefit, case: BenefitCase, scene: Scene
) -> UsedBenefit:
    """Decide on what is known under the lock, and record the use."""
    decision = decide_benefit(case)
    use = make_use(
        decision,
        case.period,
        use_id=BenefitUseId(new_id()),
        member=command.member,
        benefit_id=command.benefit_id,
        reference=command.reference,
        order_id=command.order_id,
        stock_period=case.stock_period,
        lifetime=case.benefit.use_lifetime,
        now=scene.now,
    )
    if use:
        await record(connection, use, case)
    return UsedBenefit(decision=with_use_counted(decision), use=use)


async def record(connection: Connection, use: BenefitUse, case: BenefitCase) -> None:
    """Store a use with its counts. Who finds a limit reached after all decides again.

    The stock is counted last, for everybody counts there.
    """
    period, quota = case.period, case.quota
    if period and quota:
        counted = await uses.count_use(
            connection, use.member, use.benefit_id, period, limit=quota.limit
        )
        if not counted:
            raise LostRace
    await uses.insert_use(connection, use)
    if case.benefit.stock and not await uses.take_from_stock(
        connection, use, limit=case.benefit.stock.limit
    ):
        raise LostRace


async def given_now(connection: Connection, program_id: ProgramId, case: BenefitCase) -> int:
    """How often all members together have used it in the present period of its stock."""
    period = case.stock_period
    if period is None:
        return 0
    return await uses.count_given(connection, program_id, case.benefit.benefit_id, period)


async def reverse_use(command: ReverseUse, *, resources: Resources) -> ReversedUse:
    """Give a use back to its period. Raises BenefitUseNotFound, BenefitUseReversed."""
    now = resources.clock.now()

    async def work(connection: Connection) -> ReversedUse:
        await lock_member(connection, command.member, now=now)
        if earlier := await earlier_reversal(connection, command):
            return earlier
        answer = ReversedUse(use=await give_back(connection, command, now))
        await remember(connection, command, REVERSE_METHOD, answer)
        return answer

    return await resources.database.transact(work)


async def give_back(connection: Connection, command: ReverseUse, now: datetime) -> BenefitUse:
    """Gather the use, decide, and record that it no longer counts."""
    use = await uses.find_use(connection, command.member, command.use_id)
    if use is None:
        raise BenefitUseNotFound(use_id=command.use_id)
    given_back = decide_reversal(use, reason=command.reason, now=now)
    await uses.record_reversal(connection, given_back)
    return given_back


async def earlier_use(connection: Connection, command: UseBenefit) -> UsedBenefit | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=USE_METHOD,
        fingerprint=command.fingerprint,
        answer=UsedBenefit,
    )
    return replace(earlier, replayed=True) if earlier else None


async def earlier_reversal(connection: Connection, command: ReverseUse) -> ReversedUse | None:
    """The answer to an earlier, equal request."""
    earlier = await requests.earlier(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=REVERSE_METHOD,
        fingerprint=command.fingerprint,
        answer=ReversedUse,
    )
    return replace(earlier, replayed=True) if earlier else None


async def remember(
    connection: Connection,
    command: UseBenefit | ReverseUse,
    method: str,
    answer: UsedBenefit | ReversedUse,
) -> None:
    """Keep the answer for repeats."""
    await requests.remember(
        connection,
        program_id=command.member.program_id,
        member_id=command.member.member_id,
        request_id=command.request_id,
        method=method,
        fingerprint=command.fingerprint,
        answer=answer,
    )
