"""Bulk work between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import bulk_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_ledger.handlers.bulk import Issue, IssuedPoints, IssuePoints
from laurel_ledger.handlers.expiry_runs import ExpiredPoints, ExpiryRun, RunExpiry
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
        refused_members=[
            pb.RefusedMember(position=each.position, member_id=each.member_id, reason=each.reason)
            for each in issued.refused_members
        ],
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
