"""How the scoring service is put together."""

from __future__ import annotations

from functools import partial

import grpc.aio
from laurel.scoring.v1 import (
    activities_pb2_grpc,
    insight_pb2_grpc,
    models_pb2_grpc,
    scores_pb2_grpc,
    settlements_pb2_grpc,
    tiers_pb2_grpc,
)
from laurel_kit.faults import status_of
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.service import Foundation, Service

from laurel_scoring.config import ScoringSettings
from laurel_scoring.faults import FAULTS
from laurel_scoring.handlers.comparisons import (
    COMPARISON,
    Comparison,
    ComparisonJob,
    compare,
)
from laurel_scoring.handlers.courses import CourseSource
from laurel_scoring.handlers.daily_run import InsightSource
from laurel_scoring.handlers.overrides import OVERRIDE_END, end_override
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.schedule import SettlementSource
from laurel_scoring.handlers.score_cache import ScoreCache
from laurel_scoring.handlers.seats import INVITATION_DUE, invitation_due
from laurel_scoring.handlers.settlements import JOB, SettlementJob, SettlementView, settle
from laurel_scoring.servicers.activities import ActivityServicer
from laurel_scoring.servicers.insight import InsightServicer
from laurel_scoring.servicers.models import ModelServicer
from laurel_scoring.servicers.scores import ScoreServicer
from laurel_scoring.servicers.settlements import SettlementServicer
from laurel_scoring.servicers.tiers import TierServicer
from laurel_scoring.wire.comparisons import write_compare_models
from laurel_scoring.wire.program import SECTION
from laurel_scoring.wire.settlements import write_run_settlement

NAME = "scoring"
SERVICE_NAMES = (
    "laurel.scoring.v1.ActivityService",
    "laurel.scoring.v1.ScoreService",
    "laurel.scoring.v1.ModelService",
    "laurel.scoring.v1.SettlementService",
    "laurel.scoring.v1.TierService",
    "laurel.scoring.v1.InsightService",
)


async def build(foundation: Foundation) -> Service:
    """The scoring service upon a foundation."""
    resources = resources_of(foundation)
    foundation.operations.register(
        JOB,
        partial(settle, resources=resources),
        request=SettlementJob,
        response=SettlementView,
        write=write_run_settlement,
    )
    foundation.operations.register(
        COMPARISON,
        partial(compare, resources=resources),
        request=ComparisonJob,
        response=Comparison,
        write=write_compare_models,
    )
    foundation.timers.register(INVITATION_DUE, partial(invitation_due, resources=resources))
    foundation.timers.register(OVERRIDE_END, partial(end_override, resources=resources))
    return Service(
        name=NAME,
        faults=FAULTS,
        register=partial(register, resources),
        service_names=SERVICE_NAMES,
        programs=SECTION,
        due_sources=(
            CourseSource(resources),
            SettlementSource(resources),
            InsightSource(resources),
        ),
        operations=foundation.operations,
    )


def resources_of(foundation: Foundation) -> Resources:
    """What the handlers work with."""
    settings = foundation.settings
    assert isinstance(settings, ScoringSettings), "the service runs with its own settings"
    return Resources(
        database=foundation.database,
        programs=foundation.programs(SECTION),
        clock=foundation.clock,
        operations=foundation.operations,
        timers=foundation.timers,
        activity_skew_max=settings.activity_skew_max,
        scores=ScoreCache(foundation.database, limit=settings.live_scores_kept),
        settlement_chunk=settings.settlement_chunk,
        insight_chunk=settings.insight_chunk,
        leaderboard_size=settings.leaderboard_size,
        tier_invitation_lifetime=settings.tier_invitation_lifetime,
        tier_override_lifetime_max=settings.tier_override_lifetime_max,
        course_lanes=settings.course_lanes,
        published_chunk=settings.published_chunk,
    )


def register(resources: Resources, server: grpc.aio.Server) -> None:
    """Add the servicers to a server."""
    write_status = partial(status_of, table={**KIT_FAULTS, **FAULTS}, domain=f"{NAME}.laurel")
    activities_pb2_grpc.add_ActivityServiceServicer_to_server(
        ActivityServicer(resources, write_status), server
    )
    scores_pb2_grpc.add_ScoreServiceServicer_to_server(
        ScoreServicer(resources, write_status), server
    )
    models_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(resources), server)
    settlements_pb2_grpc.add_SettlementServiceServicer_to_server(
        SettlementServicer(resources), server
    )
    insight_pb2_grpc.add_InsightServiceServicer_to_server(InsightServicer(resources), server)
    tiers_pb2_grpc.add_TierServiceServicer_to_server(TierServicer(resources), server)
