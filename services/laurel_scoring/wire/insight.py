"""GetDistribution and ListLeaderboard: messages to queries, counts to messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from laurel.scoring.v1 import insight_pb2 as pb
from laurel_kit.pages import Cursor, PageTokenInvalid, PageTokens, page_size

from laurel_scoring.domain.distributions import (
    LevelShare,
    Place,
    members_of,
    pyramid,
    value_total_of,
)
from laurel_scoring.domain.models import ScoreModel
from laurel_scoring.handlers.insight import DistributionView, InsightQuery, LeaderboardPage
from laurel_scoring.wire.invitations import PLACE_MAX
from laurel_scoring.wire.scores import write_level
from laurel_scoring.wire.times import read_month, write_month, write_time


def read_get_distribution(request: pb.GetDistributionRequest) -> InsightQuery:
    """Which distribution is wanted."""
    return InsightQuery(
        program_id=request.program_id, model_id=request.model_id, month=optional_month(request)
    )


def write_get_distribution(view: DistributionView) -> pb.GetDistributionResponse:
    """How members are spread."""
    settlement, distribution = view.settlement, view.distribution
    return pb.GetDistributionResponse(
        distribution=pb.Distribution(
            program_id=settlement.key.program_id,
            model_id=settlement.key.model_id,
            settlement_month=write_month(settlement.key.month),
            run=settlement.key.run,
            publish_time=write_time(settlement.start_time),
            program_revision=settlement.revision_id,
            members=members_of(distribution),
            value_total=value_total_of(distribution),
            levels=[write_share(share) for share in pyramid(distribution, view.model.levels)],
            percentiles=[
                pb.Percentile(percent=percent, value=value)
                for percent, value in enumerate(distribution.percentiles)
            ],
        )
    )


def write_share(share: LevelShare) -> pb.LevelShare:
    """One step of the pyramid."""
    return pb.LevelShare(
        level=write_level(share.level),
        members=share.count.members,
        share_bps=share.share_bps,
        value_total=share.count.value_total,
        members_holding=share.count.members_holding,
    )


def read_list_leaderboard(request: pb.ListLeaderboardRequest) -> tuple[InsightQuery, int, int]:
    """Which settlement, the place to go on after, and how many places. Raises PageTokenInvalid.

    A later page stays with the settlement of the first one.
    """
    query = InsightQuery(
        program_id=request.program_id, model_id=request.model_id, month=optional_month(request)
    )
    cursor = PageTokens.of(request).decode(request.page_token, str, int, int)
    size = page_size(request.page_size)
    if cursor is None:
        return query, 0, size
    month, run, place = cursor
    try:
        query = replace(query, month=date.fromisoformat(str(month)), run=int(run or 0))
    except ValueError as forged:
        raise PageTokenInvalid from forged
    if not 0 <= int(place or 0) <= PLACE_MAX or not 0 <= (query.run or 0) <= PLACE_MAX:
        raise PageTokenInvalid
    return query, int(place or 0), size


def write_list_leaderboard(
    request: pb.ListLeaderboardRequest, page: LeaderboardPage, size: int
) -> pb.ListLeaderboardResponse:
    """A page of places; one more than its size says that another page follows."""
    key, places = page.settlement.key, page.places[:size]
    cursor: Cursor | None = None
    if len(page.places) > size:
        cursor = [key.month.isoformat(), key.run, places[-1].place]
    return pb.ListLeaderboardResponse(
        entries=[write_place(place, page.model) for place in places],
        settlement_month=write_month(key.month),
        run=key.run,
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def write_place(place: Place, model: ScoreModel) -> pb.LeaderboardEntry:
    """One place."""
    return pb.LeaderboardEntry(
        place=place.place,
        member_id=place.member_id,
        value=place.value,
        level=write_level(model.level(place.level_id)),
        reach_month=write_month(place.reach_month),
    )


def optional_month(request: pb.GetDistributionRequest | pb.ListLeaderboardRequest) -> date | None:
    """The month that is asked for, None when the latest is."""
    if not request.HasField("settlement_month"):
        return None
    return read_month(request.settlement_month)
