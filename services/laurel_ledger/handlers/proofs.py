"""Proofs about what was posted, for whoever does not want to take the ledger's word."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.chain import leaf_of, record_bytes
from laurel_ledger.domain.checkpoints import (
    ConsistencyProof,
    InclusionProof,
    LogBatch,
    SignedCheckpoint,
)
from laurel_ledger.domain.errors import (
    ChainBroken,
    CheckpointNotFound,
    CheckpointPending,
    TransactionNotFound,
)
from laurel_ledger.domain.transactions import Record, RequestKey
from laurel_ledger.domain.trees import (
    consistency_stretches,
    inclusion_stretches,
    path_of,
    root_of,
)
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.checkpoints import find_checkpoint, latest_checkpoint, read_stretches
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.proofs import Place, find_batch, find_place, read_records


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInclusionProof:
    """What is to be proved, and under which checkpoint; without one, under the latest."""

    key: RequestKey
    checkpoint_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConsistencyProof:
    """Between which checkpoints; without a later one, up to the latest."""

    earlier_no: int
    later_no: int | None


async def get_inclusion_proof(query: GetInclusionProof, *, ledger: Ledger) -> InclusionProof:
    """That what became of a request is under a checkpoint.

    Raises TransactionNotFound, CheckpointNotFound, CheckpointPending, ChainBroken.
    """
    key = query.key
    await ledger.terms_at(key.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        place = await find_place(connection, key, shards=shards)
        if place is None:
            raise TransactionNotFound(
                program_id=key.program_id, member_id=key.member_id, request_id=key.request_id
            )
        signed = await _checkpoint(connection, query.checkpoint_no)
        if signed is None:
            raise CheckpointPending(request_id=key.request_id, checkpoint_number=0)
        if place.position > signed.checkpoint.heads[place.shard_id].record_count:
            number = signed.checkpoint.checkpoint_no
            raise CheckpointPending(request_id=key.request_id, checkpoint_number=number)
        return await _prove_inclusion(connection, place, signed)


async def _prove_inclusion(
    connection: Connection, place: Place, signed: SignedCheckpoint
) -> InclusionProof:
    size = signed.checkpoint.heads[place.shard_id].batch_count
    batch, previous_hash = await find_batch(connection, place, batch_count=size)
    records = await read_records(connection, batch)
    leaves = _leaves_of(batch, records)
    index = place.position - batch.first_position
    beside = inclusion_stretches(batch.batch_no - 1, size)
    return InclusionProof(
        record=record_bytes(records[index], shard_id=place.shard_id, position=place.position),
        position=place.position,
        batch=batch,
        previous_hash=previous_hash,
        record_path=path_of(index, leaves),
        batch_path=await read_stretches(connection, place.shard_id, beside),
        signed=signed,
    )


def _leaves_of(batch: LogBatch, records: list[Record]) -> list[bytes]:
    """The digests of a batch's records. Raises ChainBroken when they are not what was recorded."""
    leaves = [
        leaf_of(record, shard_id=batch.shard_id, position=position)
        for position, record in enumerate(records, start=batch.first_position)
    ]
    if root_of(leaves) != batch.root:
        raise ChainBroken(shard=batch.shard_id, batch=batch.batch_no)
    return leaves


async def get_consistency_proof(query: GetConsistencyProof, *, ledger: Ledger) -> ConsistencyProof:
    """That everything under a checkpoint is under a later one, unchanged.

    Raises CheckpointNotFound.
    """
    async with ledger.connections.use() as connection:
        later = await _checkpoint(connection, query.later_no)
        earlier = await _checkpoint(connection, query.earlier_no)
        if earlier is None or later is None:
            raise CheckpointNotFound(checkpoint_number=query.earlier_no)
        paths = []
        for before, after in zip(earlier.checkpoint.heads, later.checkpoint.heads, strict=True):
            stretches = consistency_stretches(before.batch_count, after.batch_count)
            paths.append(await read_stretches(connection, before.shard_id, stretches))
    return ConsistencyProof(earlier=earlier, later=later, paths=paths)


async def _checkpoint(connection: Connection, checkpoint_no: int | None) -> SignedCheckpoint | None:
    """The one of a number, which must be there, or the latest. Raises CheckpointNotFound."""
    if checkpoint_no is None:
        return await latest_checkpoint(connection)
    found = await find_checkpoint(connection, checkpoint_no)
    if found is None:
        raise CheckpointNotFound(checkpoint_number=checkpoint_no)
    return found
