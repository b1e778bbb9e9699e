"""What handlers work with; wired once, when the process starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from laurel_kit.clock import Clock
from laurel_kit.database import Database
from laurel_kit.operations import Operations
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.timers import TimerTable

from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.handlers.ports import Ledger, Scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of this service; `config` says why each is what it is."""

    clock_skew_max: timedelta
    degraded_age_max: timedelta
    standing_refresh_interval: timedelta
    relay_delay: timedelta
    relay_pause: timedelta
    relay_batch_max: int
    telling_batch_max: int
    standings_at_once_max: int
    hold_margin: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Database, clocks, programs and neighbours."""

    database: Database
    clock: Clock
    """Business time; settable in sandbox mode."""
    machine_clock: Clock
    """The machine's time: repeating a call to a neighbour is no matter of business."""
    timers: TimerTable
    programs: ProgramRegistry[BenefitsProgram]
    ledger: Ledger
    scoring: Scoring
    limits: Limits
    operations: Operations
    """Jobs that outlive the call that starts them."""
