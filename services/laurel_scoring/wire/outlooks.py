"""SimulateScore and ForecastScore: messages to what is supposed, scores to messages."""

from __future__ import annotations

from laurel.scoring.v1 import scores_pb2 as pb

from laurel_scoring.domain.forecasts import ForecastStep
from laurel_scoring.domain.windows import Basis
from laurel_scoring.handlers.outlooks import Forecast, SimulateScore, Simulation
from laurel_scoring.handlers.scores import ScoreQuery
from laurel_scoring.wire.activities import read_report
from laurel_scoring.wire.scores import (
    write_adjustment,
    write_contribution,
    write_dimension,
    write_level,
    write_profile,
    write_score,
)
from laurel_scoring.wire.times import optional_time, write_date

DAYS_AHEAD = 90
"""How far a forecast looks when the caller does not say."""


def read_live_query(request: pb.SimulateScoreRequest | pb.ForecastScoreRequest) -> ScoreQuery:
    """Which live score is wanted."""
    return ScoreQuery(
        program_id=request.program_id,
        member_id=request.member_id,
        model_id=request.model_id,
        basis=Basis.LIVE,
        as_of=optional_time(request, "as_of_time"),
    )


def read_simulate_score(request: pb.SimulateScoreRequest) -> SimulateScore:
    """What to suppose."""
    return SimulateScore(
        query=read_live_query(request),
        added=tuple(read_report(activity) for activity in request.activities),
        retracted=frozenset(request.retracted_activity_ids),
        draft_source=request.draft_source,
    )


def write_simulate_score(simulation: Simulation) -> pb.SimulateScoreResponse:
    """A supposed score beside the one that is."""
    valuation = simulation.valuation
    return pb.SimulateScoreResponse(
        present=write_score(simulation.present) if simulation.present else None,
        simulated=write_score(simulation.simulated),
        profile=write_profile(simulation.simulated.profile),
        dimensions=[write_dimension(each) for each in valuation.dimensions],
        adjustments=[write_adjustment(each) for each in valuation.adjustments],
    )


def read_days(request: pb.ForecastScoreRequest) -> int:
    """How many days to look ahead."""
    return request.days or DAYS_AHEAD


def write_forecast_score(forecast: Forecast) -> pb.ForecastScoreResponse:
    """How a score goes on."""
    return pb.ForecastScoreResponse(
        score=write_score(forecast.answer), steps=[write_step(each) for each in forecast.steps]
    )


def write_step(step: ForecastStep) -> pb.ForecastStep:
    """A day on which a score changes."""
    return pb.ForecastStep(
        date=write_date(step.day),
        value=step.value,
        level=write_level(step.level),
        rolled_off=[write_contribution(each) for each in step.rolled_off],
    )
