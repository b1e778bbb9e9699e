"""The wiring of the ledger upon the kit's foundation."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import grpc.aio
from laurel.ledger.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    adjustments_pb2,
    adjustments_pb2_grpc,
    assets_pb2,
    assets_pb2_grpc,
    balances_pb2,
    balances_pb2_grpc,
    bulk_pb2,
    bulk_pb2_grpc,
    finance_pb2,
    finance_pb2_grpc,
    holds_pb2,
    holds_pb2_grpc,
    journal_pb2,
    journal_pb2_grpc,
    lots_pb2,
    lots_pb2_grpc,
    transactions_pb2,
    transactions_pb2_grpc,
)
from laurel_kit.faults import status_of
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.service import Foundation, Service

from laurel_ledger.config import LedgerSettings
from laurel_ledger.engine.posting import Limits, PostingEngine
from laurel_ledger.engine.reading import AccountReader
from laurel_ledger.faults import FAULTS
from laurel_ledger.handlers import bulk, expiry_runs, imports
from laurel_ledger.handlers.adjustments import AdjustmentPosting
from laurel_ledger.handlers.checkpoint_key import read_checkpoint_key
from laurel_ledger.handlers.checkpoints import CheckpointSource
from laurel_ledger.handlers.expiry import LotExpiry
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.handlers.verification import (
    JOB,
    VerificationJob,
    VerifiedJournal,
    run_verification,
)
from laurel_ledger.servicers.accounts import AccountServicer
from laurel_ledger.servicers.adjustments import AdjustmentServicer
from laurel_ledger.servicers.assets import AssetServicer
from laurel_ledger.servicers.balances import BalanceServicer
from laurel_ledger.servicers.bulk import BulkServicer
from laurel_ledger.servicers.finance import FinanceServicer
from laurel_ledger.servicers.holds import HoldServicer
from laurel_ledger.servicers.journal import JournalServicer
from laurel_ledger.servicers.lots import LotServicer
from laurel_ledger.servicers.transactions import TransactionServicer
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections
from laurel_ledger.wire.bulk import write_import_lots, write_issue_points, write_run_expiry
from laurel_ledger.wire.program import SECTION
from laurel_ledger.wire.sound_requests import know_usual_requests
from laurel_ledger.wire.verification import write_verify_journal

MIGRATIONS = Path(__file__).parent / "storage" / "migrations"
"""Where the migrations of the ledger are."""

FILES = (
    transactions_pb2,
    holds_pb2,
    balances_pb2,
    lots_pb2,
    assets_pb2,
    journal_pb2,
    finance_pb2,
    accounts_pb2,
    adjustments_pb2,
    bulk_pb2,
)
SERVICE_NAMES = tuple(
    service.full_name for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
)


async def build(foundation: Foundation) -> Service:
    """The ledger as the kit serves it."""
    ledger = build_ledger(foundation)
    foundation.operations.register(
        JOB,
        partial(run_verification, ledger=ledger),
        request=VerificationJob,
        response=VerifiedJournal,
        write=write_verify_journal,
    )
    foundation.operations.register(
        bulk.JOB,
        partial(bulk.run_issue, ledger=ledger),
        request=bulk.Issue,
        response=bulk.IssuedPoints,
        write=write_issue_points,
    )
    foundation.operations.register(
        imports.JOB,
        partial(imports.run_import, ledger=ledger),
        request=imports.LotImport,
        response=imports.ImportedLots,
        write=write_import_lots,
    )
    foundation.operations.register(
        expiry_runs.JOB,
        partial(expiry_runs.post_expiries, ledger=ledger),
        request=expiry_runs.ExpiryRun,
        response=expiry_runs.ExpiredPoints,
        write=write_run_expiry,
    )
    return Service(
        name="ledger",
        faults=FAULTS,
        register=partial(register, ledger),
        service_names=SERVICE_NAMES,
        programs=SECTION,
        due_sources=(
            LotExpiry(ledger=ledger),
            AdjustmentPosting(ledger=ledger),
            *checkpoint_sources(ledger),
        ),
        background=(ledger.engine.run, partial(close_at_end, ledger.connections)),
        operations=foundation.operations,
    )


def checkpoint_sources(ledger: Ledger) -> tuple[CheckpointSource, ...]:
    """What makes checkpoints, if there is a key to sign them."""
    file = ledger.settings.checkpoint_key_file
    return (CheckpointSource(ledger=ledger, key=read_checkpoint_key(file)),) if file else ()


def build_ledger(foundation: Foundation) -> Ledger:
    """What the handlers work with."""
    settings = foundation.settings
    assert isinstance(settings, LedgerSettings), "the ledger is started with its own settings"
    connections = Connections.open(
        settings.database_url,
        size=settings.lane_connections,
        statement_timeout=settings.statement_timeout,
    )
    store = BooksStore(connections=connections)
    limits = Limits(
        lanes=settings.lanes,
        batch_max=settings.batch_max,
        queue_max=settings.queue_max,
        attempts=settings.posting_attempts,
        clock_skew=settings.clock_skew,
        linger=settings.linger,
    )
    return Ledger(
        database=foundation.database,
        connections=connections,
        store=store,
        engine=PostingEngine(store=store, clock=foundation.clock, limits=limits),
        reader=AccountReader(
            store=store,
            readers_max=settings.balance_readers,
            batch_max=settings.balance_batch_max,
            queue_max=settings.queue_max,
            linger=settings.balance_linger,
        ),
        programs=foundation.programs(SECTION),
        clock=foundation.clock,
        operations=foundation.operations,
        settings=settings,
    )


async def close_at_end(connections: Connections) -> None:
    """Wait until the server ends, then close the connections."""
    try:
        await asyncio.Event().wait()
    finally:
        await connections.close()


def register(ledger: Ledger, server: grpc.aio.Server) -> None:
    """Add the servicers to a server."""
    know_usual_requests()
    status = partial(status_of, table={**KIT_FAULTS, **FAULTS}, domain="ledger.laurel")
    transactions_pb2_grpc.add_TransactionServiceServicer_to_server(
        TransactionServicer(ledger, status), server
    )
    holds_pb2_grpc.add_HoldServiceServicer_to_server(HoldServicer(ledger), server)
    balances_pb2_grpc.add_BalanceServiceServicer_to_server(BalanceServicer(ledger), server)
    lots_pb2_grpc.add_LotServiceServicer_to_server(LotServicer(ledger), server)
    assets_pb2_grpc.add_AssetServiceServicer_to_server(AssetServicer(ledger), server)
    journal_pb2_grpc.add_JournalServiceServicer_to_server(JournalServicer(ledger), server)
    accounts_pb2_grpc.add_AccountServiceServicer_to_server(AccountServicer(ledger), server)
    adjustments_pb2_grpc.add_AdjustmentServiceServicer_to_server(AdjustmentServicer(ledger), server)
    bulk_pb2_grpc.add_BulkServiceServicer_to_server(BulkServicer(ledger), server)
    finance_pb2_grpc.add_FinanceServiceServicer_to_server(FinanceServicer(ledger), server)
