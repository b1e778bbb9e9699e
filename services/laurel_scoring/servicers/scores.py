"""The door for scores."""

from __future__ import annotations

from typing import Any

from grpc.aio import ServicerContext
from laurel.scoring.v1 import scores_pb2 as pb
from laurel.scoring.v1 import scores_pb2_grpc as rpc

from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.scores import explain_score, get_score
from laurel_scoring.wire import scores as wire

Context = ServicerContext[Any, Any]


class ScoreServicer(rpc.ScoreServiceServicer):
    """Answers scores with their explanation."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

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
