"""Changes of lots between messages and values."""

from __future__ import annotations

from dataclasses import replace

from laurel.ledger.v1 import lots_pb2 as pb

from laurel_ledger.domain.transactions import LotDraft, TransactionType
from laurel_ledger.handlers.transactions import PostedTransaction
from laurel_ledger.wire.instants import read_instant
from laurel_ledger.wire.transactions import fill_transaction

Request = (
    pb.ActivateLotsRequest
    | pb.VoidLotsRequest
    | pb.FreezeLotsRequest
    | pb.ThawLotsRequest
    | pb.ExtendLotsRequest
)
Response = (
    pb.ActivateLotsResponse
    | pb.VoidLotsResponse
    | pb.FreezeLotsResponse
    | pb.ThawLotsResponse
    | pb.ExtendLotsResponse
)


def read_activate_lots(request: pb.ActivateLotsRequest) -> LotDraft:
    """What is to become active."""
    return _read(request, TransactionType.ACTIVATION, activation_key=request.activation_key)


def read_void_lots(request: pb.VoidLotsRequest) -> LotDraft:
    """What is to become void."""
    return _read(
        request,
        TransactionType.VOIDING,
        activation_key=request.activation_key,
        freeze_key=request.freeze_key,
    )


def read_freeze_lots(request: pb.FreezeLotsRequest) -> LotDraft:
    """What is to be frozen."""
    return _read(
        request,
        TransactionType.FREEZE,
        activation_key=request.activation_key,
        freeze_key=request.freeze_key,
    )


def read_thaw_lots(request: pb.ThawLotsRequest) -> LotDraft:
    """What is to be thawed."""
    return _read(request, TransactionType.THAW, freeze_key=request.freeze_key)


def read_extend_lots(request: pb.ExtendLotsRequest) -> LotDraft:
    """What is to last longer."""
    draft = _read(
        request,
        TransactionType.LOT_EXTENSION,
        activation_key=request.activation_key,
        freeze_key=request.freeze_key,
    )
    return replace(draft, expire_time=read_instant(request.expire_time))


def _read(
    request: Request, type_: TransactionType, *, activation_key: str = "", freeze_key: str = ""
) -> LotDraft:
    return LotDraft(
        program_id=request.program_id,
        request_id=request.request_id,
        type=type_,
        member_id=request.member_id,
        asset_id=request.asset_id,
        lot_nos=tuple(sorted(map(int, request.lot_ids))),
        reason=request.reason,
        labels=dict(request.labels),
        program_revision=request.program_revision,
        activation_key=activation_key,
        freeze_key=freeze_key,
    )


def write_activate_lots(posted: PostedTransaction) -> pb.ActivateLotsResponse:
    """What became active."""
    response = pb.ActivateLotsResponse()
    _fill(response, posted)
    return response


def write_void_lots(posted: PostedTransaction) -> pb.VoidLotsResponse:
    """What became void."""
    response = pb.VoidLotsResponse()
    _fill(response, posted)
    return response


def write_freeze_lots(posted: PostedTransaction) -> pb.FreezeLotsResponse:
    """What was frozen."""
    response = pb.FreezeLotsResponse()
    _fill(response, posted)
    return response


def write_thaw_lots(posted: PostedTransaction) -> pb.ThawLotsResponse:
    """What was thawed."""
    response = pb.ThawLotsResponse()
    _fill(response, posted)
    return response


def write_extend_lots(posted: PostedTransaction) -> pb.ExtendLotsResponse:
    """What lasts longer."""
    response = pb.ExtendLotsResponse()
    _fill(response, posted)
    return response


def _fill(response: Response, posted: PostedTransaction) -> None:
    fill_transaction(response.transaction, posted.transaction)
    response.commit_token = posted.commit_token
    response.replayed = posted.replayed
