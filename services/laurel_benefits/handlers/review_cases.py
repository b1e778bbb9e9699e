"""Lists rewards that wait for somebody to look at them, and carries out what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.access import Anyone, current_caller
from laurel_kit.database import Connection

from laurel_benefits.domain.activity_errors import ResolverRequired, ReviewCaseNotFound
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, ReviewCaseId
from laurel_benefits.domain.orders import GrantState
from laurel_benefits.domain.postings import Posting, PostingEffect, PostingSource
from laurel_benefits.domain.review_cases import ReviewCase, ReviewCaseState, decide_case
from laurel_benefits.handlers.activity_rewards import ACTIVITY_CONCLUSIONS
from laurel_benefits.handlers.check_ins import pay
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.postings import carry_out, new_posting_id, store_posting
from laurel_benefits.handlers.raising import caller_name
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import check_ins, line_rewards, postings, review_cases


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReviewCases:
    """A page of which cases; `after` is the last case of the page before."""

    program_id: ProgramId
    member_id: MemberId | None
    state: ReviewCaseState | None
    after: ReviewCaseId | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveReviewCase:
    """What somebody decided on a case."""

    key: WriteKey
    case_id: ReviewCaseId
    approved: bool
    reason: str
    resolver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedReviewCase:
    """The case as it was decided."""

    case: ReviewCase
    replayed: bool = False


async def list_review_cases(
    query: ListReviewCases, *, resources: Resources
) -> Sequence[ReviewCase]:
    """Cases, the earliest first. Raises ProgramNotFound."""
    await revision_now(query.program_id, resources)
    async with resources.database.read() as connection:
        return await review_cases.chosen_cases(
            connection,
            query.program_id,
            member_id=query.member_id,
            state=query.state,
            after=query.after,
            limit=query.limit,
        )


async def resolve_review_case(
    command: ResolveReviewCase, *, resources: Resources
) -> ResolvedReviewCase:
    """Let the member have the points, or nobody. Raises ReviewCaseNotFound, ReviewCaseResolved,
    ResolverInvolved, ResolverRequired, DependencyDown.

    The reward itself is posted before anything is decided: only then is there something to free.
    """
    member = command.key.member
    await revision_now(member.program_id, resources)
    async with resources.database.read() as connection:
        waiting = await find_case(connection, member, command.case_id)
        check_in = await check_ins.find_reviewed(connection, member, command.case_id)
    if check_in:
        await pay(check_in, resources)
    else:
        await carry_out(member, waiting.activity_id, ACTIVITY_CONCLUSIONS, resources=resources)
    resolver = resolver_of(command)

    async def decide(connection: Connection) -> ResolvedReviewCase:
        case = decide_case(
            await find_case(connection, member, command.case_id),
            approved=command.approved,
            resolver=resolver,
            reason=command.reason,
            now=resources.clock.now(),
        )
        await record(connection, case, resources)
        return ResolvedReviewCase(case=case)

    answer = await answer_once(command.key, ResolvedReviewCase, decide, resources=resources)
    await carry_out(member, command.case_id, {}, resources=resources)
    return answer


async def record(connection: Connection, case: ReviewCase, resources: Resources) -> None:
    """Store the decision and the posting that carries it out, if the reward was posted at all."""
    await review_cases.update_case(connection, case)
    rejected = case.state is ReviewCaseState.REJECTED
    if rejected:
        await line_rewards.mark_voided(connection, case.member, case.ledger_request_id)
    if await posted(connection, case):
        await store_posting(connection, posting_of(case, resources.clock.now()), resources)


async def posted(connection: Connection, case: ReviewCase) -> bool:
    """Whether the reward of a case is in the ledger, so that there is something to free."""
    check_in = await check_ins.find_reviewed(connection, case.member, case.case_id)
    if check_in:
        return check_in.state is GrantState.POSTED
    rewards = await postings.postings_of(connection, case.member, case.activity_id)
    return any(each.state is GrantState.POSTED for each in rewards)


def posting_of(case: ReviewCase, now: datetime) -> Posting:
    """The posting that frees the points of a case, or voids them."""
    approved = case.state is ReviewCaseState.APPROVED
    return Posting(
        member=case.member,
        ledger_request_id=new_posting_id(),
        source=PostingSource.REVIEW_CASE,
        source_id=case.case_id,
        effect=PostingEffect.ACTIVATION if approved else PostingEffect.VOIDING,
        asset_id=case.asset_id,
        amount=case.points,
        account_id="",
        effective_time=now,
        reason=f"review case {case.case_id}",
        program_revision=case.program_revision,
        activation_key=case.case_id,
    )


async def find_case(connection: Connection, member: MemberKey, case_id: ReviewCaseId) -> ReviewCase:
    """The member's case of that name. Raises ReviewCaseNotFound."""
    found = await review_cases.find_case(connection, member, case_id)
    if found is None:
        raise ReviewCaseNotFound(case_id=case_id)
    return found


def resolver_of(command: ResolveReviewCase) -> str:
    """Who decides: the caller, or whom a caller without a name names. Raises ResolverRequired."""
    if not isinstance(current_caller(), Anyone):
        return caller_name()
    if not command.resolver:
        raise ResolverRequired
    return command.resolver
