"""VerifyJournal: everything is read again and compared, in steps that can be taken up again.

First the log of each shard in its order, then the accounts of each shard, then the checkpoints. A
step reads a bounded number of records in a snapshot of its own, so it neither waits for posting nor
keeps it waiting; what was verified stays so, since nothing of it changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from laurel_kit.requests import adapter

from laurel_ledger.domain.verification import Difference
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.verification_steps import (
    STEPS,
    Stage,
    Verification,
    begin_verification,
)

JOB = "verify-journal"
"""The kind of operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyJournal:
    """Verify everything."""

    request_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationJob:
    """What the operation is given: there is nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedJournal:
    """What verifying has found."""

    record_count: int
    account_count: int
    checkpoint_count: int
    difference_count: int
    differences: tuple[Difference, ...]
    """The first ones."""


async def verify_journal(command: VerifyJournal, *, ledger: Ledger) -> Operation:
    """Have the books verified; a repeat of the request id gets the same operation.

    Raises RequestIdReused.
    """

    async def work(connection: Connection) -> Operation:
        return await ledger.operations.start(
            connection,
            kind=JOB,
            program_id="",
            request=VerificationJob(),
            request_id=command.request_id,
            fingerprint=command.fingerprint,
        )

    return await ledger.database.transact(work)


async def run_verification(
    _: VerificationJob, progress: Progress, *, ledger: Ledger
) -> VerifiedJournal:
    """Verify step by step; after a crash from the last step on."""
    shape = adapter(Verification)
    if progress.checkpoint is None:
        state = await begin_verification(ledger)
    else:
        state = shape.validate_json(json.dumps(progress.checkpoint))
    while state.stage is not Stage.DONE:
        state = await STEPS[state.stage](state, ledger)
        async with ledger.database.begin() as connection:
            await progress.record(
                connection,
                done=state.records_done,
                total=state.records_total,
                checkpoint=shape.dump_python(state, mode="json"),
            )
    return VerifiedJournal(
        record_count=state.record_count,
        account_count=state.account_count,
        checkpoint_count=state.checkpoint_no,
        difference_count=state.difference_count,
        differences=state.differences,
    )
