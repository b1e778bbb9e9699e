"""The door of the program service, the same in all three services."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.program.v1 import program_service_pb2 as pb
from laurel.program.v1 import program_service_pb2_grpc as grpc_pb

from laurel_kit.pages import PageTokens, page_size
from laurel_kit.programs import wire
from laurel_kit.programs.revisions import Revisions

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["ProgramService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class ProgramServicer(grpc_pb.ProgramServiceServicer):
    """Reads, handles, writes."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    async def ValidateRevision(
        self, request: pb.ValidateRevisionRequest, context: Context
    ) -> pb.ValidateRevisionResponse:
        return wire.write_validated(await self._revisions.validate_revision(request.source))

    async def ApplyRevision(
        self, request: pb.ApplyRevisionRequest, context: Context
    ) -> pb.ApplyRevisionResponse:
        application = await self._revisions.apply_revision(
            request_id=request.request_id,
            source=request.source,
            effective_time=wire.read_instant(request, "effective_time"),
        )
        return wire.write_applied(application)

    async def GetRevision(
        self, request: pb.GetRevisionRequest, context: Context
    ) -> pb.GetRevisionResponse:
        revision = await self._revisions.get_revision(
            program_id=request.program_id,
            revision_id=request.revision_id,
            at=wire.read_instant(request, "effective_at"),
        )
        return pb.GetRevisionResponse(
            revision=wire.write_revision(revision, source=revision.source)
        )

    async def ListRevisions(
        self, request: pb.ListRevisionsRequest, context: Context
    ) -> pb.ListRevisionsResponse:
        tokens = PageTokens.of(request)
        page, go_on = await self._revisions.list_revisions(
            program_id=request.program_id,
            before=wire.read_cursor(tokens, request.page_token),
            limit=page_size(request.page_size),
        )
        return wire.write_listed(page, go_on, tokens)
