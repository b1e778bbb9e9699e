"""The journal between messages and values."""

from __future__ import annotations

from datetime import timedelta

from laurel.ledger.v1 import journal_pb2 as pb
from laurel_kit.pages import PageTokenInvalid, PageTokens

from laurel_ledger.domain.errors import ResumeTokenInvalid
from laurel_ledger.handlers.journal import WatchedTransactions, WatchTransactions
from laurel_ledger.wire.instants import write_instant
from laurel_ledger.wire.transactions import write_transaction

HEARTBEAT_INTERVAL = timedelta(seconds=15)
"""How long a stream is silent when the caller does not say."""
NOT_OF_THE_QUERY = ("resume_token", "only_new", "heartbeat_interval")


def read_watch_transactions(request: pb.WatchTransactionsRequest) -> WatchTransactions:
    """What to watch. Raises ResumeTokenInvalid."""
    interval = HEARTBEAT_INTERVAL
    if request.HasField("heartbeat_interval"):
        interval = request.heartbeat_interval.ToTimedelta()
    return WatchTransactions(
        program_id=request.program_id,
        positions=_read_positions(request),
        only_new=request.only_new,
        heartbeat_interval=interval,
    )


def write_watch_transactions(
    watched: WatchedTransactions, request: pb.WatchTransactionsRequest
) -> pb.WatchTransactionsResponse:
    """The next transactions and the token to go on with."""
    tokens = PageTokens.of(request, without=NOT_OF_THE_QUERY)
    return pb.WatchTransactionsResponse(
        transactions=[write_transaction(each) for each in watched.transactions],
        resume_token=tokens.encode(watched.positions),
        read_time=write_instant(watched.read_time),
    )


def _read_positions(request: pb.WatchTransactionsRequest) -> tuple[int, ...] | None:
    try:
        cursor = PageTokens.of(request, without=NOT_OF_THE_QUERY).decode(request.resume_token)
    except PageTokenInvalid as damage:
        raise ResumeTokenInvalid from damage
    return tuple(int(position or 0) for position in cursor) if cursor else None
