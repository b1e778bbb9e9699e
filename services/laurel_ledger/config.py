"""What can be set on the ledger, each limit with its reason."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from laurel_kit.settings import ServiceSettings, Span
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class LedgerSettings(ServiceSettings):
    """The settings of the ledger; the environment variable is LAUREL_LEDGER_ and the name."""

    model_config = SettingsConfigDict(
        env_prefix="LAUREL_LEDGER_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )
    service: ClassVar[str] = "ledger"

    address: str = "127.0.0.1:50051"
    """Host and port of the service; port 0 takes a free one."""
    lanes: int = Field(default=2, ge=1, le=64)
    """Batches on their way to the database at once. More than the database has cores only makes
    each of them smaller."""
    lane_connections: int = Field(default=8, ge=2, le=200)
    """Connections for posting and point reads: one for each lane, the rest for reads."""
    batch_max: int = Field(default=1000, ge=1, le=5000)
    """Transactions in one commit. Beyond a thousand the gain is a few per cent and everyone in the
    batch waits longer."""
    linger: Span = timedelta(milliseconds=1)
    """How long a batch of single transactions waits for more when several callers are at it, and
    again, up to eight times, while more come: a commit shared by twenty costs each of them less
    than the wait. A lone caller never waits."""
    queue_max: int = Field(default=20_000, ge=5000)
    """Transactions that may wait before callers are refused with QUEUE_FULL: about half a second
    of work, which a caller still waits for. The largest batch must fit."""
    stream_messages_max: int = Field(default=8, ge=1, le=100)
    """Messages of one StreamTransactions on their way at once, a thousand transactions each at
    most: enough that every lane has the next batch waiting while it commits one."""
    bulk_pause: Span = timedelta(milliseconds=100)
    """How long a bulk job waits when the queue is full: callers who wait for an answer go first."""
    posting_attempts: int = Field(default=5, ge=1, le=20)
    """How often a batch that lost a race or its connection is tried before its callers are told."""
    clock_skew: Span = timedelta(minutes=5)
    """How far the clocks of callers may be ahead: effective times up to so much later are taken."""
    balance_readers: int = Field(default=2, ge=1, le=64)
    """Queries for single balances at once; callers who come meanwhile share the next one. More of
    them answer no sooner, since each has fewer callers to serve."""
    balance_linger: Span = timedelta(milliseconds=2)
    """How long the next such query waits for more callers when the last one had several. Alone, a
    caller never waits."""
    balance_batch_max: int = Field(default=500, ge=1, le=5000)
    """Balances in one such query: some milliseconds of the database."""
    feed_poll_interval: Span = timedelta(milliseconds=200)
    """How often a watcher looks for what is new. A fifth of a second is at once for a reminder."""
    checkpoint_key_file: Path | None = None
    """The Ed25519 key that signs checkpoints, PEM, of this ledger only. Without it no checkpoints
    are made and there is nothing to prove a transaction by."""
    checkpoint_interval: Span = timedelta(seconds=10)
    """How long after a checkpoint the next one is made, if anything was posted. Until then a new
    transaction cannot be proved."""
    checkpoint_records: int = Field(default=10_000, ge=1)
    """Records after which the next checkpoint is made at once, so that none has too much under it
    that is under no other one."""
    verification_step: int = Field(default=1000, ge=1, le=100_000)
    """Records that are verified in one step: some tens of milliseconds, for which calls wait, and
    which are lost when the process ends. More is no faster."""
