"""Balances and statements between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import balances_pb2 as pb
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.balances import Balance
from laurel_ledger.domain.history import Moment
from laurel_ledger.domain.transactions import Transaction
from laurel_ledger.handlers.balances import (
    NO_VERSION_YET,
    BatchGetBalances,
    EntryPage,
    GetBalance,
    ListEntries,
    MemberBalances,
)
from laurel_ledger.wire.instants import fill_instant, read_instant, write_instant
from laurel_ledger.wire.transactions import fill_movement


def read_get_balance(request: pb.GetBalanceRequest) -> GetBalance:
    """The account and the moment asked for."""
    return GetBalance(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        as_of=_read_moment(request),
    )


def _read_moment(request: pb.GetBalanceRequest) -> Moment | None:
    kind = request.WhichOneof("as_of")
    if kind is None:
        return None
    if kind == "version":
        return Moment(version=request.version)
    if kind == "commit_time":
        return Moment(commit_time=read_instant(request.commit_time))
    return Moment(effective_time=read_instant(request.effective_time))


def write_get_balance(balance: Balance) -> pb.GetBalanceResponse:
    """The balance. Filled where it stands, as a message that becomes part of another is copied."""
    response = pb.GetBalanceResponse()
    message = response.balance
    message.program_id, message.member_id, message.asset_id = balance.key
    message.posted = balance.posted
    message.available = balance.available
    message.debt = balance.debt
    message.held = balance.held
    message.pending = balance.pending
    message.frozen = balance.frozen
    message.version = balance.version
    for each in balance.next_expiries:
        expiring = message.next_expiries.add(amount=each.amount)
        fill_instant(expiring.expire_time, each.expire_time)
    fill_instant(message.as_of_time, balance.as_of_time)
    return response


def read_batch_get_balances(request: pb.BatchGetBalancesRequest) -> BatchGetBalances:
    """The members asked for."""
    return BatchGetBalances(
        program_id=request.program_id,
        asset_id=request.asset_id,
        member_ids=tuple(request.member_ids),
    )


def write_batch_get_balances(found: MemberBalances) -> pb.BatchGetBalancesResponse:
    """The balances, in the order of the request."""
    message = pb.BatchGetBalancesResponse(as_of_time=write_instant(found.as_of_time))
    add = message.balances.add  # Half the time of making each and copying it.
    for posted, available, version in found.balances:
        add(posted=posted, available=available, version=version)
    return message


def read_list_entries(request: pb.ListEntriesRequest) -> ListEntries:
    """The page asked for. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    return ListEntries(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        page_size=page_size(request.page_size),
        before_version=int(cursor[0] or 0) if cursor else NO_VERSION_YET,
    )


def write_list_entries(page: EntryPage, request: pb.ListEntriesRequest) -> pb.ListEntriesResponse:
    """A page of a statement."""
    cursor = None if page.next_version is None else (page.next_version,)
    return pb.ListEntriesResponse(
        entries=[write_statement_entry(each) for each in page.transactions],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_statement_entry(transaction: Transaction) -> pb.StatementEntry:
    """A line of a statement."""
    entry = pb.StatementEntry(
        version=transaction.version,
        request_id=transaction.request_id,
        type=transaction.type.value,  # type: ignore[arg-type]  # Same numbers, by a test.
        amount=transaction.signed_amount,
        posted_after=transaction.posted_after,
        counter_account_id=transaction.counter_account_id,
        commit_time=write_instant(transaction.commit_time),
        effective_time=write_instant(transaction.effective_time),
        reason=transaction.reason,
        labels=transaction.labels,
        program_revision=transaction.program_revision,
        reversed_request_id=(
            transaction.reversal.reversed_request_id if transaction.reversal else ""
        ),
        debt_change=transaction.debt_change,
    )
    for movement in transaction.movements:
        fill_movement(entry.lot_movements.add(), movement)
    return entry
