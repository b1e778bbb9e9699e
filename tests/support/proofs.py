"""A ledger's log in memory: batches of records in some shards, its checkpoints and proofs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from laurel.ledger.v1 import journal_pb2 as pb
from laurel_ledger.domain.accounts import AccountKey, Movement
from laurel_ledger.domain.chain import leaf_of, link_of, record_bytes
from laurel_ledger.domain.changes import Given
from laurel_ledger.domain.checkpoints import (
    NO_HASH,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    LogBatch,
    ShardHead,
    SignedCheckpoint,
)
from laurel_ledger.domain.errors import InsufficientPoints
from laurel_ledger.domain.transactions import (
    Record,
    Rejection,
    Transaction,
    TransactionType,
)
from laurel_ledger.domain.trees import (
    Frontier,
    Stretch,
    consistency_stretches,
    hash_of_leaf,
    inclusion_stretches,
    path_of,
    root_of,
)
from laurel_ledger.handlers.checkpoint_key import CheckpointKey
from laurel_ledger.wire.checkpoints import write_get_consistency_proof, write_get_inclusion_proof

from tests.support.ledger import NOON, earn, spend

SHARDS = 3
KEY = CheckpointKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def random_record(random: Random, number: int) -> Record:
    """A transaction or a refusal."""
    labels = {f"k{index}": "值" * index for index in range(random.randrange(3))}
    if random.random() < 0.2:
        draft = spend(random.randrange(1, 99), request_id=f"r-{number}", labels=labels)
        error = InsufficientPoints(asset_id="bean", available=0, requested=draft.amount)
        return Rejection(draft=draft, error=error, commit_time=NOON)
    draft = earn(random.randrange(1, 99), request_id=f"r-{number}", labels=labels)
    return transaction_of(draft, number)


def transaction_of(draft, number: int) -> Transaction:
    movement = Movement(
        lot_no=1,
        amount=draft.amount,
        position=number,
        funding_account_id="platform",
        expire_time=NOON + timedelta(days=1) if number % 2 else None,
    )
    return Transaction(
        key=AccountKey(*draft.account_key),
        request_id=draft.request_id,
        type=TransactionType.EARN,
        amount=draft.amount,
        counter_account_id="platform",
        version=number + 1,
        posted_after=draft.amount,
        movements=(movement,),
        commit_time=NOON + timedelta(microseconds=number),
        effective_time=NOON,
        reason=draft.reason,
        labels=draft.labels,
        program_revision="sha256:first",
        given=Given.NOTHING,
    )


@dataclass
class Shard:
    """The log of one shard."""

    shard_id: int
    batches: list[LogBatch] = field(default_factory=list)
    records: list[list[Record]] = field(default_factory=list)

    def close(self, records: list[Record]) -> None:
        """Commit a batch."""
        first = self.batches[-1].record_count + 1 if self.batches else 1
        place = {
            "shard_id": self.shard_id,
            "batch_no": len(self.batches) + 1,
            "first_position": first,
            "item_count": len(records),
            "commit_time": NOON,
        }
        leaves = [
            leaf_of(each, shard_id=self.shard_id, position=position)
            for position, each in enumerate(records, start=first)
        ]
        root = root_of(leaves)
        hashed = link_of(self.hash, root, **place)
        self.batches.append(LogBatch(**place, root=root, hash=hashed))
        self.records.append(records)

    @property
    def hash(self) -> bytes:
        return self.batches[-1].hash if self.batches else NO_HASH

    @property
    def leaves(self) -> list[bytes]:
        return [hash_of_leaf(batch.hash) for batch in self.batches]

    def head(self) -> ShardHead:
        frontier = Frontier()
        for leaf in self.leaves:
            frontier.add(leaf)
        return ShardHead(
            shard_id=self.shard_id,
            batch_count=len(self.batches),
            record_count=sum(map(len, self.records)),
            chain_hash=self.hash,
            root=frontier.root,
        )


@dataclass
class Log:
    """The logs of all shards, and a checkpoint now and then."""

    random: Random
    shards: list[Shard] = field(default_factory=lambda: [Shard(each) for each in range(SHARDS)])
    checkpoints: list[SignedCheckpoint] = field(default_factory=list)

    def grow(self, batches: int) -> None:
        for number in range(batches):
            shard = self.random.choice(self.shards)
            size = self.random.choice([1, 1, 2, 3, 7, 8, 20])
            shard.close([random_record(self.random, number + each) for each in range(size)])
        checkpoint = Checkpoint(
            checkpoint_no=len(self.checkpoints) + 1,
            create_time=NOON + timedelta(seconds=len(self.checkpoints)),
            heads=tuple(shard.head() for shard in self.shards),
        )
        self.checkpoints.append(KEY.sign(checkpoint))

    def inclusion(self) -> pb.InclusionProof:
        """A proof of any record under any checkpoint it is under."""
        signed = self.random.choice(self.checkpoints)
        heads = [head for head in signed.checkpoint.heads if head.batch_count]
        head = self.random.choice(heads)
        shard = self.shards[head.shard_id]
        number = self.random.randrange(head.batch_count)
        batch, records = shard.batches[number], shard.records[number]
        index = self.random.randrange(len(records))
        position = batch.first_position + index
        leaves = [
            leaf_of(each, shard_id=shard.shard_id, position=batch.first_position + place)
            for place, each in enumerate(records)
        ]
        proof = InclusionProof(
            record=record_bytes(records[index], shard_id=shard.shard_id, position=position),
            position=position,
            batch=batch,
            previous_hash=shard.batches[number - 1].hash if number else NO_HASH,
            record_path=path_of(index, leaves),
            batch_path=hashes(shard, inclusion_stretches(number, head.batch_count)),
            signed=signed,
        )
        return write_get_inclusion_proof(proof).inclusion_proof

    def consistency(self) -> pb.ConsistencyProof:
        """A proof between any two checkpoints."""
        earlier, later = sorted(self.random.choices(range(len(self.checkpoints)), k=2))
        before, after = self.checkpoints[earlier], self.checkpoints[later]
        paths = [
            hashes(shard, consistency_stretches(old.batch_count, new.batch_count))
            for shard, old, new in zip(
                self.shards, before.checkpoint.heads, after.checkpoint.heads, strict=True
            )
        ]
        proof = ConsistencyProof(earlier=before, later=after, paths=paths)
        return write_get_consistency_proof(proof).consistency_proof


def hashes(shard: Shard, stretches: list[Stretch]) -> list[bytes]:
    return [root_of(shard.leaves[each.start : each.end]) for each in stretches]


def random_log(seed: int) -> Log:
    """A log with a few checkpoints."""
    log = Log(Random(seed))
    for _ in range(6):
        log.grow(log.random.choice([1, 2, 5, 17, 33]))
    return log
