"""Calls to the ledger and to scoring, and what their answers mean here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta

import grpc
import structlog
from google.rpc import error_details_pb2, status_pb2
from laurel.ledger.v1 import (
    balances_pb2_grpc,
    holds_pb2_grpc,
    lots_pb2_grpc,
    transactions_pb2,
    transactions_pb2_grpc,
)
from laurel.scoring.v1 import (
    activities_pb2,
    activities_pb2_grpc,
    insight_pb2,
    insight_pb2_grpc,
    scores_pb2_grpc,
    tiers_pb2,
    tiers_pb2_grpc,
)
from laurel_kit.channels import dependency, reason_of
from laurel_kit.clock import Clock
from laurel_kit.refusals import DependencyDown

from laurel_benefits.domain.activities import Activity
from laurel_benefits.domain.check_ins import DailyCheckIn
from laurel_benefits.domain.dormancy import Dormancy
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, ScoreModelId
from laurel_benefits.domain.orders import (
    Grant,
    GrantOutcome,
    GrantState,
    Order,
    TellingOutcome,
    TellingState,
)
from laurel_benefits.domain.postings import Posting, PostingEffect
from laurel_benefits.domain.reminders import Ending, Span
from laurel_benefits.domain.reservations import Checkout, Step, StepOutcome
from laurel_benefits.domain.returns import OrderReturn, ReturnStep, ReturnStepOutcome
from laurel_benefits.domain.spending import Balance
from laurel_benefits.domain.standings import Standing
from laurel_benefits.wire import (
    dormancies,
    facts,
    neighbours,
    points,
    posting_requests,
    returns,
)

LEDGER, SCORING = "ledger", "scoring"

REFUSED_FOR_GOOD = frozenset(
    {
        "ACCOUNT_NOT_FOUND",
        "AMOUNT_TOO_LARGE",
        "EXPIRY_NOT_AFTER_ACTIVE",
        "LOTS_NOT_FOUND",
        "REQUEST_ID_REUSED",
    }
)
"""Reasons of the ledger that no repeat can change, beside every FAILED_PRECONDITION."""

OPEN_REASONS = frozenset({"TIME_IN_FUTURE"})
"""Reasons of scoring that fall away by themselves: its clock is behind ours."""

UNDELETABLE = frozenset({"ACTIVITY_NOT_FOUND", "ACTIVITY_RETRACTED", "ACTIVITY_IN_USE"})
"""Reasons of scoring for which a fact cannot be taken back, now or later."""

_LOG = structlog.stdlib.get_logger(__name__)


class LedgerClient:
    """The ledger, as far as rewards need it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._transactions = transactions_pb2_grpc.TransactionServiceStub(channel)
        self._lots = lots_pb2_grpc.LotServiceStub(channel)
        self._balances = balances_pb2_grpc.BalanceServiceStub(channel)
        self._holds = holds_pb2_grpc.HoldServiceStub(channel)

    async def get_balance(self, member: MemberKey, asset_id: str) -> Balance:
        """What the member has to spend now. Raises DependencyDown."""
        request = neighbours.write_get_balance(member, asset_id)
        try:
            with dependency(LEDGER):
                response = await self._balances.GetBalance(request)
        except grpc.aio.AioRpcError as error:
            raise down(LEDGER, error) from error
        return neighbours.read_balance(response)

    async def expiring_points(
        self, program_id: ProgramId, asset_id: str, span: Span
    ) -> AsyncIterator[Sequence[Ending]]:
        """Points of all members that become void in a span. Raises DependencyDown."""
        request = neighbours.write_list_expiring_lots(program_id, asset_id, span)
        try:
            with dependency(LEDGER):
                async for response in self._lots.ListExpiringLots(request):
                    yield neighbours.read_expiring_lots(response, asset_id)
        except grpc.aio.AioRpcError as error:
            raise down(LEDGER, error) from error

    async def take_step(self, checkout: Checkout, step: Step) -> StepOutcome:
        """Do a step of an order's points. Raises DependencyDown while the outcome is open."""
        try:
            with dependency(LEDGER):
                return await self._step(checkout, step)
        except grpc.aio.AioRpcError as error:
            return StepOutcome(refusal=refusal_of(error))

    async def _step(self, checkout: Checkout, step: Step) -> StepOutcome:
        match step:
            case Step.HOLD:
                await self._holds.PlaceHold(points.write_place_hold(checkout))
            case Step.CAPTURE:
                await self._holds.CaptureHold(points.write_capture_hold(checkout))
            case Step.RELEASE:
                # A hold whose placing was interrupted may still come: it is placed first.
                await self._holds.PlaceHold(points.write_place_hold(checkout))
                await self._holds.ReleaseHold(points.write_release_hold(checkout))
            case Step.REFUND:
                request = points.write_refund(checkout)
                return points.read_restored(await self._transactions.ReverseTransaction(request))
        return StepOutcome()

    async def take_return_step(
        self, order_return: OrderReturn, step: ReturnStep
    ) -> ReturnStepOutcome:
        """Reverse what a step says. Raises DependencyDown while the outcome is open."""
        request = returns.write_return_step(order_return, step)
        try:
            with dependency(LEDGER):
                response = await self._transactions.ReverseTransaction(request)
        except grpc.aio.AioRpcError as error:
            if reason_of(error)[0] == "TRANSACTION_NOT_FOUND":
                return returns.refused_return_step(step, "TRANSACTION_NOT_FOUND")
            return returns.refused_return_step(step, refusal_of(error))
        return returns.read_return_step(step, response)

    async def post_grant(self, order: Order, grant: Grant) -> GrantOutcome:
        """Pay a grant under its request id. Raises DependencyDown while the outcome is open."""
        return await self._post(neighbours.write_posting(order, grant))

    async def post_check_in(self, check_in: DailyCheckIn) -> GrantOutcome:
        """Pay a check-in under its request id. Raises DependencyDown while the outcome is open."""
        return await self._post(neighbours.write_check_in_posting(check_in))

    async def make_posting(self, posting: Posting) -> GrantOutcome:
        """Make a posting under its request id. Raises DependencyDown while the outcome is open."""
        try:
            with dependency(LEDGER):
                commit_token = await self._make(posting)
        except grpc.aio.AioRpcError as error:
            return GrantOutcome(state=GrantState.REFUSED, refusal=refusal_of(error))
        return GrantOutcome(state=GrantState.POSTED, commit_token=commit_token)

    async def _make(self, posting: Posting) -> str:
        match posting.effect:
            case PostingEffect.REVERSAL:
                reversal = posting_requests.write_reversal(posting)
                return str((await self._transactions.ReverseTransaction(reversal)).commit_token)
            case PostingEffect.ACTIVATION:
                activation = posting_requests.write_activate(posting)
                return str((await self._lots.ActivateLots(activation)).commit_token)
            case PostingEffect.VOIDING:
                voiding = posting_requests.write_void(posting)
                return str((await self._lots.VoidLots(voiding)).commit_token)
        post = posting_requests.write_post(posting)
        return str((await self._transactions.PostTransaction(post)).commit_token)

    async def _post(self, request: transactions_pb2.PostTransactionRequest) -> GrantOutcome:
        try:
            with dependency(LEDGER):
                posted = await self._transactions.PostTransaction(request)
        except grpc.aio.AioRpcError as error:
            return GrantOutcome(state=GrantState.REFUSED, refusal=refusal_of(error))
        return GrantOutcome(state=GrantState.POSTED, commit_token=posted.commit_token)


class ScoringClient:
    """Scoring, as far as decisions and orders need it."""

    def __init__(self, channel: grpc.aio.Channel, *, clock: Clock, deadline: timedelta) -> None:
        self._scores = scores_pb2_grpc.ScoreServiceStub(channel)
        self._activities = activities_pb2_grpc.ActivityServiceStub(channel)
        self._insight = insight_pb2_grpc.InsightServiceStub(channel)
        self._tiers = tiers_pb2_grpc.TierServiceStub(channel)
        self._clock = clock
        self._seconds = deadline.total_seconds()

    async def get_standing(
        self, member: MemberKey, model_id: ScoreModelId, source: ScoreSource
    ) -> Standing:
        """The member's score and profile as of now. Raises DependencyDown.

        Who has no published score yet has none; the profile is then that of the live one.
        """
        if source is ScoreSource.TIER:
            return await self._tier_standing(member, model_id)
        try:
            return await self._standing(member, model_id, source, scored=True)
        except grpc.aio.AioRpcError as error:
            if reason_of(error)[0] != "SCORE_NOT_PUBLISHED":
                raise down(SCORING, error) from error
        try:
            return await self._standing(member, model_id, ScoreSource.LIVE, scored=False)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error

    async def _tier_standing(self, member: MemberKey, model_id: ScoreModelId) -> Standing:
        """The score published last, or the live one where none was, with the level of the tier."""
        request = neighbours.write_get_tier(member, model_id)
        try:
            with dependency(SCORING):
                tier = (await self._tiers.GetTier(request, timeout=self._seconds)).tier
            published = tier.HasField("published_value")
            source = ScoreSource.PUBLISHED if published else ScoreSource.LIVE
            standing = await self._standing(member, model_id, source, scored=True)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return neighbours.read_tier_standing(standing, tier)

    async def _standing(
        self, member: MemberKey, model_id: ScoreModelId, source: ScoreSource, *, scored: bool
    ) -> Standing:
        request = neighbours.write_get_score(member, model_id, source)
        with dependency(SCORING):
            response = await self._scores.GetScore(request, timeout=self._seconds)
        return neighbours.read_standing(response, scored=scored, seen_time=self._clock.now())

    async def simulate_score(
        self, member: MemberKey, model_id: ScoreModelId, as_of_time: datetime
    ) -> int:
        """The member's score as of an instant, also one to come. Raises DependencyDown."""
        request = neighbours.write_simulate_score(member, model_id, as_of_time)
        try:
            with dependency(SCORING):
                response = await self._scores.SimulateScore(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return response.simulated.value

    async def get_dormancy(self, member: MemberKey) -> Dormancy:
        """How long a member has been away. Raises DependencyDown."""
        request = insight_pb2.GetSegmentRequest(
            program_id=member.program_id, member_id=member.member_id
        )
        try:
            with dependency(SCORING):
                response = await self._insight.GetSegment(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return dormancies.read_dormancy(member.member_id, response)

    async def segment_members(
        self, program_id: ProgramId, segment_id: str, after: MemberId
    ) -> AsyncGenerator[Dormancy]:
        """Everybody in a segment, by name, behind a member. Raises DependencyDown."""
        request = insight_pb2.ListSegmentMembersRequest(
            program_id=program_id, segment_id=segment_id, after_member_id=after
        )
        try:
            with dependency(SCORING):
                async for response in self._insight.ListSegmentMembers(request):
                    for dormancy in dormancies.read_members(segment_id, response):
                        yield dormancy
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error

    async def tier_ends(
        self, program_id: ProgramId, model_id: ScoreModelId, member_ids: Sequence[MemberId]
    ) -> Sequence[Ending]:
        """The ends of the tiers of up to 500 members that have one. Raises DependencyDown."""
        request = tiers_pb2.BatchGetTiersRequest(
            program_id=program_id, model_id=model_id, member_ids=member_ids
        )
        try:
            with dependency(SCORING):
                response = await self._tiers.BatchGetTiers(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return neighbours.read_tier_ends(response)

    async def record_return(self, order_return: OrderReturn) -> TellingOutcome:
        """Tell scoring what went back. Raises DependencyDown while the outcome is open."""
        request = returns.write_return_activity(order_return)
        try:
            with dependency(SCORING):
                response = await self._activities.RecordActivities(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return telling_of(response.results[0])

    async def record_activities(self, activities: Sequence[Activity]) -> Sequence[TellingOutcome]:
        """Tell scoring what one member did. Raises DependencyDown while any is open."""
        request = facts.write_record_activities(activities)
        try:
            with dependency(SCORING):
                response = await self._activities.RecordActivities(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return [telling_of(result) for result in response.results]

    async def retract_activity(self, activity: Activity) -> TellingOutcome:
        """Tell scoring that a review was deleted. Raises DependencyDown while that is open."""
        request = facts.write_retract_activity(activity)
        try:
            with dependency(SCORING):
                await self._activities.RetractActivity(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error)[0]
            if reason in UNDELETABLE:
                return TellingOutcome(state=TellingState.REFUSED, refusal=reason)
            raise down(SCORING, error) from error
        return TellingOutcome(state=TellingState.TOLD)

    async def record_purchases(self, orders: Sequence[Order]) -> Sequence[TellingOutcome]:
        """Tell scoring of one member's purchases. Raises DependencyDown while any is open."""
        request = neighbours.write_activities(orders)
        try:
            with dependency(SCORING):
                response = await self._activities.RecordActivities(request, timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            raise down(SCORING, error) from error
        return [telling_of(result) for result in response.results]


def refusal_of(error: grpc.aio.AioRpcError) -> str:
    """Why the ledger refuses a posting for good. Raises DependencyDown where a repeat may help.

    A program or an asset the ledger does not know yet may still be applied to it; a caller without
    the scope may still be given it. So all that is left open.
    """
    reason, _ = reason_of(error)
    final = error.code() is grpc.StatusCode.FAILED_PRECONDITION or reason in REFUSED_FOR_GOOD
    if final and reason:
        return reason
    raise down(LEDGER, error) from error


def telling_of(result: activities_pb2.RecordActivityResult) -> TellingOutcome:
    """What became of one fact. Raises DependencyDown where a repeat may help."""
    if result.WhichOneof("outcome") == "recorded":
        return TellingOutcome(state=TellingState.TOLD)
    reason = reason_in(result.error)
    if reason in OPEN_REASONS:
        raise DependencyDown(dependency=SCORING)
    return TellingOutcome(state=TellingState.REFUSED, refusal=reason)


def reason_in(status: status_pb2.Status) -> str:
    """The reason a status names; its text where it names none."""
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    return str(status.message)


def down(name: str, error: grpc.aio.AioRpcError) -> DependencyDown:
    """An answer that is none: logged with its cause, for the caller only hears that it is late."""
    _LOG.error("neighbour refuses", neighbour=name, code=error.code().name, text=error.details())
    return DependencyDown(dependency=name)
