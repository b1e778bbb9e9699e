"""Transactions between messages and values."""

from __future__ import annotations

from collections.abc import Callable

from google.rpc.status_pb2 import Status
from laurel.ledger.v1 import transactions_pb2 as pb

from laurel_ledger.domain.accounts import AccountKind, Movement
from laurel_ledger.domain.posting import Outcome, Posted
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    Draft,
    HoldEvent,
    RequestKey,
    Transaction,
    TransactionType,
)
from laurel_ledger.handlers.transactions import (
    BatchPostTransactions,
    PostedBatch,
    PostedTransaction,
    PostTransaction,
)
from laurel_ledger.wire.instants import read_instant, write_instant
from laurel_ledger.wire.reversals import write_reversal

StatusOf = Callable[[Exception], Status]
"""A refusal as one result of a batch shows it."""


def read_post_transaction(request: pb.PostTransactionRequest) -> PostTransaction:
    """What is to be posted."""
    return PostTransaction(
        draft=read_draft(request.program_id, request.transaction),
        validate_only=request.validate_only,
    )


def write_post_transaction(answer: PostedTransaction) -> pb.PostTransactionResponse:
    """What was posted."""
    return pb.PostTransactionResponse(
        transaction=write_transaction(answer.transaction),
        commit_token=answer.commit_token,
        replayed=answer.replayed,
    )


def write_reverse_transaction(answer: PostedTransaction) -> pb.ReverseTransactionResponse:
    """What was posted."""
    return pb.ReverseTransactionResponse(
        transaction=write_transaction(answer.transaction),
        commit_token=answer.commit_token,
        replayed=answer.replayed,
    )


def read_batch(request: pb.BatchPostTransactionsRequest) -> BatchPostTransactions:
    """What is to be posted."""
    program_id = request.program_id
    return BatchPostTransactions(
        program_id=program_id,
        drafts=tuple(read_draft(program_id, each) for each in request.transactions),
        atomic=request.atomic,
    )


def write_batch(answer: PostedBatch, status_of: StatusOf) -> pb.BatchPostTransactionsResponse:
    """What became of each."""
    return pb.BatchPostTransactionsResponse(
        results=[write_result(outcome, status_of) for outcome in answer.outcomes],
        commit_token=answer.commit_token,
    )


def write_result(outcome: Outcome, status_of: StatusOf) -> pb.BatchPostTransactionsResult:
    """What became of one transaction of a batch."""
    if isinstance(outcome, Posted):
        return pb.BatchPostTransactionsResult(
            transaction=write_transaction(outcome.transaction), replayed=outcome.replayed
        )
    return pb.BatchPostTransactionsResult(error=status_of(outcome.error), replayed=outcome.replayed)


def read_get_transaction(request: pb.GetTransactionRequest) -> RequestKey:
    """The name asked for."""
    return RequestKey(request.program_id, request.member_id, request.request_id)


def write_get_transaction(transaction: Transaction) -> pb.GetTransactionResponse:
    """The transaction asked for."""
    return pb.GetTransactionResponse(transaction=write_transaction(transaction))


def read_draft(program_id: str, message: pb.TransactionDraft) -> Draft:
    """A draft; which fields the caller left out stays visible."""
    effect = message.earn if message.HasField("earn") else message.spend
    expire_time = None
    if isinstance(effect, pb.Earn):
        type_, counter = TransactionType.EARN, effect.funding_account_id
        if effect.HasField("expire_time"):
            expire_time = read_instant(effect.expire_time)
    else:
        type_, counter = TransactionType.SPEND, effect.redemption_account_id
    return Draft(
        program_id=program_id,
        request_id=message.request_id,
        type=type_,
        member_id=effect.member_id,
        asset_id=effect.asset_id,
        amount=effect.amount,
        counter_account_id=counter,
        expire_time=expire_time,
        effective_time=(
            read_instant(message.effective_time) if message.HasField("effective_time") else None
        ),
        reason=message.reason,
        labels=dict(message.labels),
        program_revision=message.program_revision,
    )


def write_transaction(transaction: Transaction) -> pb.Transaction:
    """A transaction with its entries."""
    return pb.Transaction(
        program_id=transaction.key.program_id,
        request_id=transaction.request_id,
        member_id=transaction.key.member_id,
        asset_id=transaction.key.asset_id,
        type=transaction.type.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        amount=transaction.amount,
        entries=write_entries(transaction),
        lot_movements=[write_movement(each) for each in transaction.movements],
        commit_time=write_instant(transaction.commit_time),
        effective_time=write_instant(transaction.effective_time),
        reason=transaction.reason,
        labels=transaction.labels,
        program_revision=transaction.program_revision,
        reversal=write_reversal(transaction),
        debt_change=transaction.debt_change,
        hold=write_hold_change(transaction.hold),
    )


def write_hold_change(event: HoldEvent | None) -> pb.HoldChange | None:
    """What was done to a hold; None where nothing was."""
    if event is None:
        return None
    return pb.HoldChange(
        hold_id=event.hold.hold_id,
        remaining=event.hold.remaining,
        held_after=event.held_after,
        expired=event.expiring,
    )


def write_entries(transaction: Transaction) -> list[pb.Entry]:
    """The member's entry, and the one on the other side where there is another side."""
    signed = transaction.signed_amount
    own = pb.Entry(
        account_kind=AccountKind.MEMBER.value,  # type: ignore[arg-type]  # As above.
        account_id=transaction.key.member_id,
        amount=signed,
        version=transaction.version,
        posted_after=transaction.posted_after,
    )
    kind = COUNTER_KIND.get(transaction.type)
    if kind is None:
        return [own]
    other = pb.Entry(
        account_kind=kind.value,  # type: ignore[arg-type]  # As above.
        account_id=transaction.counter_account_id,
        amount=-signed,
    )
    return [own, other]


def write_movement(movement: Movement) -> pb.LotMovement:
    """What happened to one lot."""
    message = pb.LotMovement(
        lot_id=str(movement.lot_no),
        amount=movement.amount,
        position=movement.position,
        funding_account_id=movement.funding_account_id,
    )
    if movement.expire_time is not None:
        message.expire_time.CopyFrom(write_instant(movement.expire_time))
    return message
