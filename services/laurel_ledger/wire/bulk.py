"""Bulk work between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import bulk_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_ledger.handlers.bulk import Issue, IssuedPoints, IssuePoints, RefusedMember
from laurel_ledger.handlers.expiry_runs import ExpiredPoints, ExpiryRun, RunExpiry
from laurel_ledger.handlers.imports import ImportedLot, ImportedLots, ImportLots, LotImport
from laurel_ledger.wire.instants import read_instant, write_instant


def read_issue_points(request: pb.IssuePointsRequest) -> IssuePoints:
    """Whom to give points, by which rule."""
    issue = Issue(
        program_id=request.program_id,
        request_id=request.request_id,
        asset_id=request.asset_id,
        funding_account_id=request.funding_account_id,
        member_ids=tuple(request.member_ids),
        amounts=tuple(request.amounts),
        expire_time=read_instant(request.expire_time) if request.HasField("expire_time") else None,
        effective_time=(
            read_instant(request.effective_time) if request.HasField("effective_time") else None
        ),
        reason=request.reason,
        labels=dict(request.labels),
    )
    return IssuePoints(issue=issue, fingerprint=fingerprint(request).encoded)


def write_issue_points(issued: IssuedPoints) -> pb.IssuePointsResponse:
    """What became of the members."""
    return pb.IssuePointsResponse(
        issued_count=issued.issued_count,
        issued_points=issued.issued_points,
        refused_count=issued.refused_count,
        refused_members=map(write_refused, issued.refused_members),
    )


def write_refused(each: RefusedMember) -> pb.RefusedMember:
    """A member who got nothing, and why."""
    return pb.RefusedMember(position=each.position, member_id=each.member_id, reason=each.reason)


def read_import_lots(request: pb.ImportLotsRequest) -> ImportLots:
    """Which lots to import, or which import to undo."""
    job = LotImport(
        program_id=request.program_id,
        request_id=request.request_id,
        asset_id=request.asset_id,
        lots=tuple(map(read_imported_lot, request.lots)),
        reason=request.reason,
        labels=dict(request.labels),
        validate_only=request.validate_only,
    )
    return ImportLots(
        job=job,
        undo_operation=request.undo_operation,
        fingerprint=fingerprint(request).encoded,
    )


def read_imported_lot(lot: pb.ImportedLot) -> ImportedLot:
    """Points that a member has from elsewhere."""
    return ImportedLot(
        member_id=lot.member_id,
        amount=lot.amount,
        funding_account_id=lot.funding_account_id,
        issue_time=read_instant(lot.issue_time),
        expire_time=read_instant(lot.expire_time) if lot.HasField("expire_time") else None,
        active_time=read_instant(lot.active_time) if lot.HasField("active_time") else None,
    )


def write_import_lots(imported: ImportedLots) -> pb.ImportLotsResponse:
    """What became of the lots."""
    return pb.ImportLotsResponse(
        lot_count=imported.lot_count,
        points=imported.points,
        refused_count=imported.refused_count,
        refused_lots=map(write_refused, imported.refused_lots),
        absent_count=imported.absent_count,
    )


def read_run_expiry(request: pb.RunExpiryRequest) -> RunExpiry:
    """Whose points to look at."""
    return RunExpiry(
        run=ExpiryRun(program_id=request.program_id, asset_id=request.asset_id),
        request_id=request.request_id,
        fingerprint=fingerprint(request).encoded,
    )


def write_run_expiry(expired: ExpiredPoints) -> pb.RunExpiryResponse:
    """What a run came to."""
    return pb.RunExpiryResponse(
        until_time=write_instant(expired.until_time),
        account_count=expired.account_count,
        transaction_count=expired.transaction_count,
        expired_points=expired.expired_points,
    )
