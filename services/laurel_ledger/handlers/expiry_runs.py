"""RunExpiry: what is due in a program is posted, step by step, in accounts that nobody touches.

A step is some accounts of one shard. What was posted is due no more, so a step that is begun again
after a crash finds nothing left to do in the accounts it had finished.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import Progress
from laurel_kit.requests import adapter

from laurel_ledger.domain.chain import EPOCH
from laurel_ledger.domain.posting import DueAccount, Group, Outcome, Posted
from laurel_ledger.domain.transactions import TransactionType
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import DuePlace, count_due, list_due_after

JOB = "run-expiry"
"""The kind of operation."""

STEP = 200  # Accounts of a step: a quarter of a batch or less, so that callers share the commit.


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRun:
    """Whose points to look at."""

    program_id: str
    asset_id: str
    """Empty for every asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExpiry:
    """Post what is due; the fingerprint is of everything the caller said."""

    run: ExpiryRun
    request_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredPoints:
    """What a run came to."""

    until_time: datetime
    account_count: int = 0
    transaction_count: int = 0
    expired_points: int = 0

    def after(self, accounts: int, outcomes: tuple[Outcome, ...]) -> ExpiredPoints:
        """With what a step more has posted."""
        posted = [each.transaction for each in outcomes if isinstance(each, Posted)]
        expired = (each.amount for each in posted if each.type is TransactionType.EXPIRY)
        return replace(
            self,
            account_count=self.account_count + accounts,
            transaction_count=self.transaction_count + len(posted),
            expired_points=self.expired_points + sum(expired),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run has come: all that it needs to go on."""

    place: DuePlace
    total: int
    """Accounts in which something was due at the beginning."""
    expired: ExpiredPoints


async def run_expiry(command: RunExpiry, *, ledger: Ledger) -> Operation:
    """Have posted what is due; a repeat of the request id gets the same operation.

    Raises ProgramNotFound, AssetNotFound, RequestIdReused.
    """
    run = command.run
    if run.asset_id:
        await ledger.require_asset(run.program_id, run.asset_id)
    else:
        await ledger.terms_at(run.program_id, ledger.clock.now())

    async def work(connection: Connection) -> Operation:
        return await ledger.operations.start(
            connection,
            kind=JOB,
            program_id=run.program_id,
            request=run,
            request_id=command.request_id,
            fingerprint=command.fingerprint,
        )

    return await ledger.database.transact(work)


async def post_expiries(run: ExpiryRun, progress: Progress, *, ledger: Ledger) -> ExpiredPoints:
    """Shard by shard, step by step; after a crash from the last step that was recorded."""
    shape = adapter(RunState)
    if progress.checkpoint is None:
        state = await _begin(run, ledger)
    else:
        state = shape.validate_json(json.dumps(progress.checkpoint))
    shards = await ledger.store.shard_count()
    while state.place.shard_id < shards:
        state = await _step(run, state, ledger)
        async with ledger.database.begin() as connection:
            await progress.record(
                connection,
                done=min(state.expired.account_count, state.total),
                total=state.total,
                checkpoint=shape.dump_python(state, mode="json"),
            )
    return state.expired


async def _begin(run: ExpiryRun, ledger: Ledger) -> RunState:
    until = ledger.clock.now()
    async with ledger.connections.use() as connection:
        total = await count_due(connection, run.program_id, run.asset_id, until=until)
    return RunState(
        place=DuePlace(shard_id=0, due_time=EPOCH),
        total=total,
        expired=ExpiredPoints(until_time=until),
    )


async def _step(run: ExpiryRun, state: RunState, ledger: Ledger) -> RunState:
    """Post what is due in the next accounts of the shard, or go on to the next shard."""
    until = state.expired.until_time
    async with ledger.connections.use() as connection:
        due = await list_due_after(
            connection, state.place, run.program_id, run.asset_id, until=until, limit=STEP
        )
    if not due:
        following = DuePlace(shard_id=state.place.shard_id + 1, due_time=EPOCH)
        return replace(state, place=following)
    terms = await ledger.terms_at(run.program_id, until)
    accounts = (DueAccount(key=key, program_revision=terms.revision_id) for _, key in due)
    outcomes = await ledger.engine.expire(
        Group(due=tuple(accounts)), shard_id=state.place.shard_id, time_left=ledger.time_left()
    )
    return replace(state, place=due[-1][0], expired=state.expired.after(len(due), outcomes))
