"""Statements between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import balances_pb2 as pb

from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.history import Mark
from laurel_ledger.handlers.statements import Closing, ExportStatement, Opening, StatementPart
from laurel_ledger.wire.balances import write_statement_entry
from laurel_ledger.wire.instants import read_instant, write_instant


def read_export_statement(request: pb.ExportStatementRequest) -> ExportStatement:
    """The statement asked for."""
    return ExportStatement(
        key=AccountKey(request.program_id, request.member_id, request.asset_id),
        start_time=read_instant(request.start_time) if request.HasField("start_time") else None,
        end_time=read_instant(request.end_time) if request.HasField("end_time") else None,
    )


def write_export_statement(part: StatementPart) -> pb.ExportStatementResponse:
    """The next message of a statement."""
    if isinstance(part, Opening):
        return pb.ExportStatementResponse(opening=write_mark(part.mark))
    if isinstance(part, Closing):
        return pb.ExportStatementResponse(closing=write_mark(part.mark))
    entries = [write_statement_entry(each) for each in part]
    return pb.ExportStatementResponse(entries=pb.StatementEntries(entries=entries))


def write_mark(mark: Mark) -> pb.StatementMark:
    """One end of a statement."""
    message = pb.StatementMark(version=mark.version, posted=mark.posted)
    if mark.time is not None:
        message.time.CopyFrom(write_instant(mark.time))
    return message
