"""Transactions between messages and values."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable

from google.rpc.status_pb2 import Status
from laurel.ledger.v1 import transactions_pb2 as pb
from laurel_kit.money import read_money, write_money
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.accounts import CLEARING, CONVERSION, Movement
from laurel_ledger.domain.changes import HoldEvent
from laurel_ledger.domain.conditions import AccountConditions
from laurel_ledger.domain.history import TransactionFilter
from laurel_ledger.domain.posting import Outcome, Posted
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    Draft,
    RequestKey,
    Transaction,
    TransactionType,
)
from laurel_ledger.handlers.transaction_streams import AnsweredMessage
from laurel_ledger.handlers.transactions import (
    BatchPostTransactions,
    ListTransactions,
    PostedBatch,
    PostedTransaction,
    PostTransaction,
    TransactionPage,
)
from laurel_ledger.wire.instants import fill_instant, read_instant
from laurel_ledger.wire.packed_transactions import (
    packed_result,
    packed_transaction,
    within_results,
)
from laurel_ledger.wire.reversals import write_reversal
from laurel_ledger.wire.spendings import fill_spending, read_spending

NO_LABELS: dict[str, str] = {}
"""Shared by the many drafts that have none."""
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
    response = pb.PostTransactionResponse(
        commit_token=answer.commit_token, replayed=answer.replayed
    )
    fill_transaction(response.transaction, answer.transaction)
    return response


def write_reverse_transaction(answer: PostedTransaction) -> pb.ReverseTransactionResponse:
    """What was posted."""
    response = pb.ReverseTransactionResponse(
        commit_token=answer.commit_token, replayed=answer.replayed
    )
    fill_transaction(response.transaction, answer.transaction)
    return response


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
    response = pb.BatchPostTransactionsResponse(commit_token=answer.commit_token)
    response.MergeFromString(results_of(answer, status_of))
    return response


async def read_stream(
    requests: AsyncIterable[pb.StreamTransactionsRequest],
) -> AsyncIterator[BatchPostTransactions]:
    """The messages of a stream, read when they are asked for."""
    async for request in requests:
        yield BatchPostTransactions(
            program_id=request.program_id,
            drafts=tuple(read_draft(request.program_id, each) for each in request.transactions),
            atomic=False,
        )


def write_answered_message(
    answered: AnsweredMessage, status_of: StatusOf
) -> pb.StreamTransactionsResponse:
    """What became of one message of a stream. Raises again what is no refusal."""
    response = pb.StreamTransactionsResponse(messages_done=answered.messages_done)
    if isinstance(answered.outcome, PostedBatch):
        response.commit_token = answered.outcome.commit_token
        response.MergeFromString(results_of(answered.outcome, status_of))
    else:
        response.error.CopyFrom(status_of(answered.outcome))
    return response


def results_of(answer: PostedBatch, status_of: StatusOf) -> bytes:
    """What became of each transaction of a batch, as the content of its answer."""
    return b"".join([_result_of(outcome, status_of) for outcome in answer.outcomes])


def _result_of(outcome: Outcome, status_of: StatusOf) -> bytes:
    if isinstance(outcome, Posted):
        packed = packed_transaction(outcome.transaction)
        if packed is not None:
            return packed_result(packed, replayed=outcome.replayed)
    message = pb.BatchPostTransactionsResult(replayed=outcome.replayed)
    if isinstance(outcome, Posted):
        fill_transaction(message.transaction, outcome.transaction)
    else:
        message.error.CopyFrom(status_of(outcome.error))
    return within_results(message.SerializeToString())


def read_get_transaction(request: pb.GetTransactionRequest) -> RequestKey:
    """The name asked for."""
    return RequestKey(request.program_id, request.member_id, request.request_id)


def write_get_transaction(transaction: Transaction) -> pb.GetTransactionResponse:
    """The transaction asked for."""
    return pb.GetTransactionResponse(transaction=write_transaction(transaction))


def read_list_transactions(request: pb.ListTransactionsRequest) -> ListTransactions:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    return ListTransactions(
        wanted=TransactionFilter(
            program_id=request.program_id,
            member_id=request.member_id,
            asset_id=request.asset_id,
            types=tuple(TransactionType(each) for each in request.types),
            start_time=(
                read_instant(request.start_time) if request.HasField("start_time") else None
            ),
            end_time=read_instant(request.end_time) if request.HasField("end_time") else None,
            labels=dict(request.labels),
        ),
        page_size=page_size(request.page_size),
        before=int(cursor[0] or 0) if cursor else None,
    )


def write_list_transactions(
    page: TransactionPage, request: pb.ListTransactionsRequest
) -> pb.ListTransactionsResponse:
    """A page of transactions."""
    cursor = None if page.next_position is None else (page.next_position,)
    return pb.ListTransactionsResponse(
        transactions=[write_transaction(each) for each in page.transactions],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def read_draft(program_id: str, message: pb.TransactionDraft) -> Draft:
    """A draft; which fields the caller left out stays visible."""
    kind = message.WhichOneof("effect")
    effect: pb.Earn | pb.Spend
    expire_time = active_time = activation_key = spending = cost = None
    if kind == "earn":
        effect = earn = message.earn
        type_, counter = TransactionType.EARN, earn.funding_account_id
        if earn.HasField("expire_time"):
            expire_time = read_instant(earn.expire_time)
        if earn.HasField("active_time"):
            active_time = read_instant(earn.active_time)
        activation_key = earn.activation_key or None
        if earn.HasField("cost"):
            cost = read_money(earn.cost, field="transaction.earn.cost")
    elif kind != "spend":
        carries = read_transfer if message.HasField("transfer") else read_exchange
        return carries(program_id, message)
    else:
        effect = spend = message.spend
        type_, counter = TransactionType.SPEND, spend.redemption_account_id
        spending = read_spending(spend)
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
        labels=dict(labels) if (labels := message.labels) else NO_LABELS,
        program_revision=message.program_revision,
        conditions=read_conditions(message),
        active_time=active_time,
        activation_key=activation_key,
        spending=spending,
        cost=cost,
    )


def read_conditions(message: pb.TransactionDraft) -> AccountConditions | None:
    """What must be true of the account; None when nothing in particular."""
    if not message.HasField("conditions"):
        return None
    return AccountConditions(
        **{field.name: value for field, value in message.conditions.ListFields()}
    )


def read_transfer(program_id: str, message: pb.TransactionDraft) -> Draft:
    """The draft of a transfer."""
    effect = message.transfer
    return Draft(
        program_id=program_id,
        request_id=message.request_id,
        type=TransactionType.TRANSFER_OUT,
        member_id=effect.member_id,
        asset_id=effect.asset_id,
        amount=effect.amount,
        counter_account_id=CLEARING,
        effective_time=(
            read_instant(message.effective_time) if message.HasField("effective_time") else None
        ),
        reason=message.reason,
        labels=dict(message.labels),
        program_revision=message.program_revision,
        conditions=read_conditions(message),
        to_member_id=effect.to_member_id,
    )


def read_exchange(program_id: str, message: pb.TransactionDraft) -> Draft:
    """The draft of an exchange."""
    effect = message.exchange
    return Draft(
        program_id=program_id,
        request_id=message.request_id,
        type=TransactionType.EXCHANGE_OUT,
        member_id=effect.member_id,
        asset_id=effect.asset_id,
        amount=effect.amount,
        counter_account_id=CONVERSION,
        effective_time=(
            read_instant(message.effective_time) if message.HasField("effective_time") else None
        ),
        reason=message.reason,
        labels=dict(message.labels),
        program_revision=message.program_revision,
        conditions=read_conditions(message),
        to_asset_id=effect.to_asset_id,
    )


def write_transaction(transaction: Transaction) -> pb.Transaction:
    """A transaction with its entries."""
    message = pb.Transaction()
    fill_transaction(message, transaction)
    return message


def fill_transaction(message: pb.Transaction, transaction: Transaction) -> None:
    """Write a transaction where it is to stand: as bytes, or field by field.

    A message made by itself is copied when it becomes part of another, which costs more than all
    of its fields.
    """
    packed = packed_transaction(transaction)
    if packed is None:
        fill_fields(message, transaction)
    else:
        message.MergeFromString(packed)


def fill_fields(message: pb.Transaction, transaction: Transaction) -> None:
    """Write a transaction field by field, whatever it is."""
    key, signed = transaction.key, transaction.signed_amount
    message.program_id = key.program_id
    message.request_id = transaction.request_id
    message.member_id = key.member_id
    message.asset_id = key.asset_id
    message.type = transaction.type.value  # type: ignore[assignment]  # Same numbers, by a test.
    message.amount = transaction.amount
    message.entries.add(
        account_kind=pb.ACCOUNT_KIND_MEMBER,
        account_id=key.member_id,
        amount=signed,
        version=transaction.version,
        posted_after=transaction.posted_after,
    )
    if kind := COUNTER_KIND.get(transaction.type):
        message.entries.add(
            account_kind=kind.value,
            account_id=transaction.counter_account_id,
            amount=-signed,
        )
    for movement in transaction.movements:
        fill_movement(message.lot_movements.add(), movement)
    fill_instant(message.commit_time, transaction.commit_time)
    if transaction.effective_time is transaction.commit_time:
        message.effective_time.CopyFrom(message.commit_time)
    else:
        fill_instant(message.effective_time, transaction.effective_time)
    message.reason = transaction.reason
    if transaction.labels:
        message.labels.update(transaction.labels)
    message.program_revision = transaction.program_revision
    message.debt_change = transaction.debt_change
    _fill_special(message, transaction)


def _fill_special(message: pb.Transaction, transaction: Transaction) -> None:
    """Write what only some transactions have."""
    if transaction.reversal is not None:
        message.reversal.CopyFrom(write_reversal(transaction, transaction.reversal))
    if transaction.activation is not None or transaction.cost is not None:
        _fill_earning(message, transaction)
    if transaction.lots is not None:
        message.lot_change.freeze_key = transaction.lots.freeze_key
        for lot_no, amount in transaction.lots.lots:
            message.lot_change.lots.add(lot_id=str(lot_no), amount=amount)
    if transaction.transfer is not None:
        message.transfer.member_id = transaction.transfer.member_id
        message.transfer.request_id = transaction.transfer.request_id
    if transaction.conversion is not None:
        message.exchange.asset_id = transaction.conversion.asset_id
        message.exchange.request_id = transaction.conversion.request_id
        message.exchange.amount = transaction.conversion.amount
    if transaction.spending is not None:
        fill_spending(message.spending, transaction.spending, transaction.amount)
    if transaction.hold is not None:
        message.hold.CopyFrom(write_hold_change(transaction.hold))


def _fill_earning(message: pb.Transaction, transaction: Transaction) -> None:
    """Write what only some earnings have."""
    if transaction.cost is not None:
        message.cost.CopyFrom(write_money(transaction.cost))
    if transaction.activation is None:
        return
    message.activation_key = transaction.activation.key or ""
    if transaction.activation.time is not None:
        fill_instant(message.active_time, transaction.activation.time)


def write_hold_change(event: HoldEvent) -> pb.HoldChange:
    """What was done to a hold."""
    return pb.HoldChange(
        hold_id=event.hold.hold_id,
        remaining=event.hold.remaining,
        held_after=event.held_after,
        expired=event.expiring,
    )


def fill_movement(message: pb.LotMovement, movement: Movement) -> None:
    """Write what happened to one lot where it is to stand."""
    message.lot_id = str(movement.lot_no)
    message.amount = movement.amount
    message.position = movement.position
    message.funding_account_id = movement.funding_account_id
    if movement.expire_time is not None:
        fill_instant(message.expire_time, movement.expire_time)
