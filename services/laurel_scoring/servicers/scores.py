"""The door for scores."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import scores_pb2 as pb
from laurel.scoring.v1 import scores_pb2_grpc as rpc

from laurel_scoring.handlers.outlooks import forecast_score, simulate_score
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.score_lists import batch_get_scores, list_score_history
from laurel_scoring.handlers.scores import explain_score, get_score
from laurel_scoring.wire import outlooks, score_lists
from laurel_scoring.wire import scores as wire
from laurel_scoring.wire.activities import WriteStatus

Context = ServicerContext[Any, Any]


class ScoreServicer(rpc.ScoreServiceServicer):
    """Answers scores with their explanation."""

    def __init__(self, resources: Resources, write_status: WriteStatus) -> None:
        self._resources = resources
        self._write_status = write_status

    async def GetScore(self, request: pb.GetScoreRequest, context: Context) -> pb.GetScoreResponse:
        answer = await get_score(wire.read_get_score(request), resources=self._resources)
        return wire.write_get_score(answer)

    async def ExplainScore(
        self, request: pb.ExplainScoreRequest, context: Context
    ) -> pb.ExplainScoreResponse:
        after, size = wire.read_explain_page(request)
        explanation = await explain_score(
            wire.read_get_score(request), after=after, page_size=size, resources=self._resources
        )
        return wire.write_explain_score(request, explanation)

    async def BatchGetScores(
        self, request: pb.BatchGetScoresRequest, context: Context
    ) -> pb.BatchGetScoresResponse:
        query = score_lists.read_batch_get_scores(request)
        answers = await batch_get_scores(query, resources=self._resources)
        return score_lists.write_batch_get_scores(query, answers, self._write_status)

    async def ListScoreHistory(
        self, request: pb.ListScoreHistoryRequest, context: Context
    ) -> pb.ListScoreHistoryResponse:
        before, size = score_lists.read_history_page(request)
        entries = await list_score_history(
            score_lists.read_list_score_history(request),
            before=before,
            limit=size + 1,
            resources=self._resources,
        )
        return score_lists.write_list_score_history(request, entries, size)

    async def SimulateScore(
        self, request: pb.SimulateScoreRequest, context: Context
    ) -> pb.SimulateScoreResponse:
        command = outlooks.read_simulate_score(request)
        simulation = await simulate_score(command, resources=self._resources)
        return outlooks.write_simulate_score(simulation)

    async def ForecastScore(
        self, request: pb.ForecastScoreRequest, context: Context
    ) -> pb.ForecastScoreResponse:
        query, days = outlooks.read_live_query(request), outlooks.read_days(request)
        forecast = await forecast_score(query, days=days, resources=self._resources)
        return outlooks.write_forecast_score(forecast)
