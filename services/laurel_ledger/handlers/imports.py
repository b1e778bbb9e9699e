"""ImportLots: the points that members bring along from elsewhere, in steps that can be taken up
again.

Each lot is an earning with its own instant, funder and expiry, and with a name that follows from
the request: a step that was posted and not recorded is posted again and answered as before. What
was imported can be taken back by the names again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from laurel_kit.database import Connection
from laurel_kit.operation_table import Operation
from laurel_kit.operations import OperationNotFound, OperationRunning, Progress
from laurel_kit.refusals import QueueFull
from laurel_kit.requests import adapter

from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.errors import TransactionNotFound, reason_of
from laurel_ledger.domain.posting import Command, Group, Outcome, Posted
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.domain.transactions import AnyDraft, Draft, ReversalDraft, TransactionType
from laurel_ledger.handlers.bulk import NAMED_MAX, RefusedMember, name_of
from laurel_ledger.handlers.ledger import Ledger

JOB = "import-lots"
"""The kind of operation."""

STEP = 1000  # Lots of a step, a commit or two: what is done again after a crash.


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLot:
    """Points of one member that were issued elsewhere, as many as are left of them."""

    member_id: str
    amount: int
    funding_account_id: str
    issue_time: datetime
    expire_time: datetime | None
    active_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotImport:
    """The lots of a job, and what it is to do with them."""

    program_id: str
    request_id: str
    asset_id: str
    lots: tuple[ImportedLot, ...]
    reason: str
    labels: dict[str, str]
    validate_only: bool = False
    undone_request_id: str = ""
    """Of the import whose lots these are, when they are to be taken back; empty otherwise."""

    def draft(self, position: int) -> AnyDraft:
        """The draft of one lot: the same whenever it is made."""
        lot = self.lots[position]
        name = name_of(f"{self.program_id}/{self.request_id}/{position}")
        if self.undone_request_id:
            return ReversalDraft(
                program_id=self.program_id,
                request_id=name,
                member_id=lot.member_id,
                reversed_request_id=name_of(
                    f"{self.program_id}/{self.undone_request_id}/{position}"
                ),
                shortfall=Shortfall.REJECT,
                reason=self.reason,
                labels=self.labels,
            )
        return Draft(
            program_id=self.program_id,
            request_id=name,
            type=TransactionType.EARN,
            member_id=lot.member_id,
            asset_id=self.asset_id,
            amount=lot.amount,
            counter_account_id=lot.funding_account_id,
            expire_time=lot.expire_time,
            active_time=lot.active_time,
            effective_time=lot.issue_time,
            reason=self.reason,
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLots:
    """Import lots, or take those of an earlier import back; the fingerprint is of everything the
    caller said.
    """

    job: LotImport
    undo_operation: str
    """The name of the import to take back; empty for none."""
    fingerprint: bytes


@dataclass(slots=True, kw_only=True)
class ImportedLots:
    """What became of the lots so far."""

    lot_count: int = 0
    points: int = 0
    refused_count: int = 0
    refused_lots: list[RefusedMember] = field(default_factory=list)
    absent_count: int = 0
    """Lots that were to be taken back and had not been imported."""

    @property
    def done(self) -> int:
        """Lots that have been told of."""
        return self.lot_count + self.refused_count + self.absent_count

    def add(self, member_id: str, outcome: Outcome) -> None:
        """Tell of the next lot."""
        if isinstance(outcome, Posted):
            self.lot_count += 1
            self.points += outcome.transaction.amount
            return
        if isinstance(outcome.error, TransactionNotFound):
            self.absent_count += 1
            return
        if self.refused_count < NAMED_MAX:
            reason = reason_of(outcome.error)
            refused = RefusedMember(position=self.done, member_id=member_id, reason=reason)
            self.refused_lots.append(refused)
        self.refused_count += 1


async def import_lots(command: ImportLots, *, ledger: Ledger) -> Operation:
    """Have lots imported or taken back; a repeat of the request id gets the same operation.

    Raises ProgramNotFound, AssetNotFound, OperationNotFound, OperationRunning, RequestIdReused.
    """
    job = command.job
    if command.undo_operation:
        job = await _undoing(job, command.undo_operation, ledger)
    await ledger.require_asset(job.program_id, job.asset_id)

    async def work(connection: Connection) -> Operation:
        return await ledger.operations.start(
            connection,
            kind=JOB,
            program_id=job.program_id,
            request=job,
            request_id=job.request_id,
            fingerprint=command.fingerprint,
        )

    return await ledger.database.transact(work)


async def _undoing(job: LotImport, name: str, ledger: Ledger) -> LotImport:
    """The job that takes back what an earlier one imported."""
    operation = await ledger.operations.get(name)
    if operation.kind != JOB or operation.program_id != job.program_id:
        raise OperationNotFound(operation=name)
    earlier = adapter(LotImport).validate_json(operation.request)
    if earlier.undone_request_id or earlier.validate_only:
        raise OperationNotFound(operation=name)
    if not operation.ended:
        raise OperationRunning(operation=name)
    return LotImport(
        program_id=job.program_id,
        request_id=job.request_id,
        asset_id=earlier.asset_id,
        lots=earlier.lots,
        reason=job.reason,
        labels=job.labels,
        validate_only=job.validate_only,
        undone_request_id=earlier.request_id,
    )


async def run_import(job: LotImport, progress: Progress, *, ledger: Ledger) -> ImportedLots:
    """Post step by step; after a crash from the last one that was recorded."""
    shape = adapter(ImportedLots)
    imported = ImportedLots()
    if progress.checkpoint is not None:
        imported = shape.validate_json(json.dumps(progress.checkpoint))
    total = len(job.lots)
    while imported.done < total:
        positions = range(imported.done, min(imported.done + STEP, total))
        outcomes = await _outcomes_of(job, positions, ledger)
        for position, outcome in zip(positions, outcomes, strict=True):
            imported.add(job.lots[position].member_id, outcome)
        async with ledger.database.begin() as connection:
            await progress.record(
                connection,
                done=imported.done,
                total=total,
                checkpoint=shape.dump_python(imported, mode="json"),
            )
    return imported


async def _outcomes_of(job: LotImport, positions: range, ledger: Ledger) -> Sequence[Outcome]:
    """What becomes of the lots of a step, or would.

    The program as it is now decides, whenever the points were issued: it may be younger than they.
    """
    terms = await ledger.terms_at(job.program_id, ledger.clock.now())
    group = _group_of(job, positions, terms)
    if job.validate_only:
        return await ledger.store.preview(
            group, clock=ledger.clock, skew_max=ledger.settings.clock_skew
        )
    while True:
        try:
            return await ledger.engine.post(group, time_left=ledger.time_left())
        except QueueFull:
            await asyncio.sleep(ledger.settings.bulk_pause.total_seconds())


def _group_of(job: LotImport, positions: range, terms: Terms) -> Group:
    drafts = map(job.draft, positions)
    return Group(commands=tuple(Command(draft=draft, terms=terms) for draft in drafts))
