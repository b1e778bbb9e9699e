"""Checkpoints and proofs between messages and values."""

from __future__ import annotations

from collections.abc import Sequence

from laurel.ledger.v1 import journal_pb2 as pb
from laurel_kit.pages import PageTokens, page_size

from laurel_ledger.domain.checkpoints import (
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    LogBatch,
    ShardHead,
    SignedCheckpoint,
)
from laurel_ledger.domain.transactions import RequestKey
from laurel_ledger.handlers.proofs import GetConsistencyProof, GetInclusionProof
from laurel_ledger.wire.instants import write_instant

NUMBER_MAX = 2**63 - 1
"""Above the number of every checkpoint."""


def read_list_checkpoints(request: pb.ListCheckpointsRequest) -> tuple[int, int]:
    """Before which number a page ends, and how many checkpoints it has. Raises PageTokenInvalid."""
    cursor = PageTokens.of(request).decode(request.page_token, int)
    before = NUMBER_MAX if cursor is None else int(cursor[0] or 0)
    return before, page_size(request.page_size)


def write_list_checkpoints(
    found: Sequence[SignedCheckpoint], request: pb.ListCheckpointsRequest, size: int
) -> pb.ListCheckpointsResponse:
    """A page of checkpoints; one more than its size says that another page follows."""
    page = found[:size]
    cursor = [page[-1].checkpoint.checkpoint_no] if len(found) > size else None
    return pb.ListCheckpointsResponse(
        checkpoints=[write_checkpoint(each) for each in page],
        next_page_token=PageTokens.of(request).encode(cursor),
    )


def read_get_inclusion_proof(request: pb.GetInclusionProofRequest) -> GetInclusionProof:
    """What is to be proved."""
    given = request.HasField("checkpoint_number")
    return GetInclusionProof(
        key=RequestKey(request.program_id, request.member_id, request.request_id),
        checkpoint_no=request.checkpoint_number if given else None,
    )


def write_get_inclusion_proof(proof: InclusionProof) -> pb.GetInclusionProofResponse:
    """A receipt."""
    return pb.GetInclusionProofResponse(
        inclusion_proof=pb.InclusionProof(
            record=proof.record,
            position=proof.position,
            batch=_write_batch(proof.batch, proof.previous_hash),
            record_path=proof.record_path,
            batch_path=proof.batch_path,
            checkpoint=write_checkpoint(proof.signed),
        )
    )


def read_get_consistency_proof(request: pb.GetConsistencyProofRequest) -> GetConsistencyProof:
    """Between which checkpoints."""
    given = request.HasField("later_checkpoint_number")
    return GetConsistencyProof(
        earlier_no=request.earlier_checkpoint_number,
        later_no=request.later_checkpoint_number if given else None,
    )


def write_get_consistency_proof(proof: ConsistencyProof) -> pb.GetConsistencyProofResponse:
    """The proof."""
    return pb.GetConsistencyProofResponse(
        consistency_proof=pb.ConsistencyProof(
            earlier=write_checkpoint(proof.earlier),
            later=write_checkpoint(proof.later),
            shard_paths=[
                pb.ShardPath(shard_id=head.shard_id, path=path)
                for head, path in zip(proof.later.checkpoint.heads, proof.paths, strict=True)
            ],
        )
    )


def write_checkpoint(signed: SignedCheckpoint) -> pb.Checkpoint:
    """A checkpoint."""
    checkpoint: Checkpoint = signed.checkpoint
    return pb.Checkpoint(
        checkpoint_number=checkpoint.checkpoint_no,
        create_time=write_instant(checkpoint.create_time),
        record_count=checkpoint.record_count,
        shard_heads=[_write_head(head) for head in checkpoint.heads],
        root_hash=checkpoint.root,
        public_key=signed.public_key,
        signature=signed.signature,
    )


def _write_head(head: ShardHead) -> pb.ShardHead:
    return pb.ShardHead(
        shard_id=head.shard_id,
        batch_count=head.batch_count,
        record_count=head.record_count,
        chain_hash=head.chain_hash,
        root_hash=head.root,
    )


def _write_batch(batch: LogBatch, previous_hash: bytes) -> pb.LogBatch:
    return pb.LogBatch(
        shard_id=batch.shard_id,
        batch_number=batch.batch_no,
        first_position=batch.first_position,
        record_count=batch.item_count,
        commit_time=write_instant(batch.commit_time),
        previous_hash=previous_hash,
    )
