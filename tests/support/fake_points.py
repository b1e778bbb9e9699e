"""Points a pretended ledger keeps for members: holds, captures, and what comes back of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from laurel.ledger.v1 import balances_pb2, holds_pb2, lots_pb2, transactions_pb2


async def refuse(context: Any, code: grpc.StatusCode, reason: str, service: str) -> None:
    """End a call as the services do."""
    status = status_pb2.Status(code=code.value[0], message=reason)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=reason, domain=f"{service}.laurel")
    )
    await context.abort_with_status(rpc_status.to_status(status))


@dataclass
class Purse:
    """What a member has, what is held of it, what was spent, and what will be void when it comes
    back.
    """

    posted: int = 0
    holds: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    earned: dict[str, int] = field(default_factory=dict)
    """What is left of each earning to take back."""
    void: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    """Earned points that wait, by the key they wait for."""

    @property
    def available(self) -> int:
        """What can be spent."""
        return max(self.posted - sum(self.holds.values()), 0)


@dataclass
class Points:
    """The purses of members; one outcome for each request id, refusals too."""

    purses: dict[str, Purse] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], tuple[Message, str]] = field(default_factory=dict)
    """Request and refusal, by member and request id."""
    reversals: dict[tuple[str, str], transactions_pb2.Reversal] = field(default_factory=dict)
    debts: dict[tuple[str, str], int] = field(default_factory=dict)

    def of(self, member_id: str) -> Purse:
        """The purse of a member."""
        return self.purses.setdefault(member_id, Purse())

    def once(self, request: Any, refusal: str) -> tuple[bool, str]:
        """Whether the request is new, and the refusal it has for ever."""
        key = (request.member_id, request.request_id)
        if key in self.outcomes:
            earlier, kept = self.outcomes[key]
            assert earlier == request, "the same request id with another content"
            return False, kept
        self.outcomes[key] = (type(request).FromString(request.SerializeToString()), refusal)
        return True, refusal

    def place(self, request: holds_pb2.PlaceHoldRequest) -> str:
        """Hold points; the refusal, empty when it is done."""
        purse = self.of(request.member_id)
        short = "" if request.amount <= purse.available else "INSUFFICIENT_POINTS"
        new, refusal = self.once(request, short)
        if new and not refusal:
            purse.holds[request.request_id] = request.amount
        return refusal

    def capture(self, request: holds_pb2.CaptureHoldRequest) -> str:
        """Spend what is held."""
        purse = self.of(request.member_id)
        new, refusal = self.once(request, "" if request.hold_id in purse.holds else "HOLD_EXPIRED")
        if new and not refusal:
            amount = purse.holds.pop(request.hold_id)
            purse.posted -= amount
            purse.spent[request.request_id] = amount
        return refusal

    def release(self, request: holds_pb2.ReleaseHoldRequest) -> str:
        """Free what is held."""
        purse = self.of(request.member_id)
        gone = "" if request.hold_id in purse.holds else "HOLD_EXPIRED"
        new, refusal = self.once(request, gone)
        if new and not refusal:
            del purse.holds[request.hold_id]
        return refusal

    def earn(self, member_id: str, request_id: str, amount: int) -> None:
        """Give points, once for each request id."""
        purse = self.of(member_id)
        purse.earned[request_id] = amount
        purse.posted += amount

    def post(self, draft: transactions_pb2.TransactionDraft) -> None:
        """Give or take points, once for each request id."""
        if draft.earn.activation_key:
            self.of(draft.earn.member_id).waiting[draft.earn.activation_key] = draft.earn.amount
            return
        if draft.HasField("earn"):
            self.earn(draft.earn.member_id, draft.request_id, draft.earn.amount)
            return
        purse = self.of(draft.spend.member_id)
        purse.spent[draft.request_id] = draft.spend.amount
        purse.posted -= draft.spend.amount

    def free(self, request: Any, *, void: bool) -> str:
        """Let points be spent that waited for a key, or make them void."""
        purse = self.of(request.member_id)
        there = "" if request.activation_key in purse.waiting else "LOTS_NOT_FOUND"
        new, refusal = self.once(request, there)
        if new and not refusal:
            amount = purse.waiting.pop(request.activation_key)
            purse.posted += 0 if void else amount
        return refusal

    def reverse(self, request: transactions_pb2.ReverseTransactionRequest) -> str:
        """Give spent points back, or take earned ones."""
        if request.reversed_request_id in self.of(request.member_id).earned:
            return self.take(request)
        return self.restore(request)

    def take(self, request: transactions_pb2.ReverseTransactionRequest) -> str:
        """Take earned points back; what is not there is missing, or owed, as is asked."""
        purse = self.of(request.member_id)
        there = min(request.amount, purse.available)
        owing = request.shortfall == transactions_pb2.SHORTFALL_DEBT
        wrong = "" if there or owing else "INSUFFICIENT_POINTS"
        if request.amount > purse.earned[request.reversed_request_id]:
            wrong = "REVERSAL_EXCEEDS_REMAINING"
        new, refusal = self.once(request, wrong)
        if new and not refusal:
            missing = request.amount - there
            purse.earned[request.reversed_request_id] -= request.amount
            purse.posted -= request.amount if owing else there
            self.reversals[request.member_id, request.request_id] = transactions_pb2.Reversal(
                requested=request.amount, shortfall=0 if owing else missing
            )
            self.debts[request.member_id, request.request_id] = missing if owing else 0
        return refusal

    def restore(self, request: transactions_pb2.ReverseTransactionRequest) -> str:
        """Give spent points back; the last ones are void where the purse says so."""
        purse = self.of(request.member_id)
        left = purse.spent.get(request.reversed_request_id, 0)
        amount = request.amount if request.HasField("amount") else left
        wrong = "" if 0 < amount <= left else "REVERSAL_EXCEEDS_REMAINING"
        new, refusal = self.once(request, wrong)
        if new and not refusal:
            void = min(purse.void, amount)
            purse.void -= void
            purse.spent[request.reversed_request_id] -= amount
            purse.posted += amount - void
            self.reversals[request.member_id, request.request_id] = transactions_pb2.Reversal(
                requested=amount, restored=amount - void, expired=void
            )
        return refusal


class FakePoints:
    """The services of a ledger for points that members have."""

    points: Points

    async def GetBalance(  # noqa: N802  # The name is the contract's.
        self, request: balances_pb2.GetBalanceRequest, context: Any
    ) -> balances_pb2.GetBalanceResponse:
        await self._may_fail(context)
        purse = self.points.of(request.member_id)
        balance = balances_pb2.Balance(posted=purse.posted, available=purse.available)
        return balances_pb2.GetBalanceResponse(balance=balance)

    async def PlaceHold(  # noqa: N802  # The name is the contract's.
        self, request: holds_pb2.PlaceHoldRequest, context: Any
    ) -> holds_pb2.PlaceHoldResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.place(request))
        return holds_pb2.PlaceHoldResponse()

    async def CaptureHold(  # noqa: N802  # The name is the contract's.
        self, request: holds_pb2.CaptureHoldRequest, context: Any
    ) -> holds_pb2.CaptureHoldResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.capture(request))
        return holds_pb2.CaptureHoldResponse()

    async def ReleaseHold(  # noqa: N802  # The name is the contract's.
        self, request: holds_pb2.ReleaseHoldRequest, context: Any
    ) -> holds_pb2.ReleaseHoldResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.release(request))
        return holds_pb2.ReleaseHoldResponse()

    async def ReverseTransaction(  # noqa: N802  # The name is the contract's.
        self, request: transactions_pb2.ReverseTransactionRequest, context: Any
    ) -> transactions_pb2.ReverseTransactionResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.reverse(request))
        key = (request.member_id, request.request_id)
        transaction = transactions_pb2.Transaction(
            reversal=self.points.reversals[key], debt_change=self.points.debts.get(key, 0)
        )
        return transactions_pb2.ReverseTransactionResponse(transaction=transaction)

    async def ActivateLots(  # noqa: N802  # The name is the contract's.
        self, request: lots_pb2.ActivateLotsRequest, context: Any
    ) -> lots_pb2.ActivateLotsResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.free(request, void=False))
        return lots_pb2.ActivateLotsResponse()

    async def VoidLots(  # noqa: N802  # The name is the contract's.
        self, request: lots_pb2.VoidLotsRequest, context: Any
    ) -> lots_pb2.VoidLotsResponse:
        await self._may_fail(context)
        await self._answer(context, self.points.free(request, void=True))
        return lots_pb2.VoidLotsResponse()

    async def _may_fail(self, context: Any) -> None:
        raise AssertionError("who pretends says when")

    async def _answer(self, context: Any, refusal: str) -> None:
        if refusal:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, refusal, "ledger")
