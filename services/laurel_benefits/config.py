"""The settings of the benefits service, read once when it starts."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from laurel_kit.settings import ServiceSettings, Span
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class BenefitsSettings(ServiceSettings):
    """What the benefits service needs beside what every service needs."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_BENEFITS_")
    service: ClassVar[str] = "benefits"

    calls_max: int = Field(default=256, ge=1)
    """Calls in flight at once; further ones are refused with QUEUE_FULL. Fewer than elsewhere: an
    order is much work, and who waits behind thousands of them is answered after his deadline."""
    ledger_address: str = "127.0.0.1:50051"
    """Where the ledger listens."""
    scoring_address: str = "127.0.0.1:50052"
    """Where scoring listens."""
    scoring_deadline: Span = timedelta(seconds=2)
    """How long scoring may take to answer. After that a decision falls back to what was seen last,
    and an order is paid without it."""
    clock_skew_max: Span = timedelta(minutes=5)
    """How far in the future a fact may lie: callers' clocks are not ours."""
    degraded_age_max: Span = timedelta(days=7)
    """How old the standing seen last may be to decide on it while scoring does not answer. An
    older one decides nothing."""
    standing_refresh_interval: Span = timedelta(minutes=1)
    """How often a standing that is asked for again and again is kept; each time costs a write."""
    relay_delay: Span = timedelta(seconds=10)
    """How long a call may take to finish its order before the relay looks at it."""
    relay_pause: Span = timedelta(seconds=1)
    """How often the relay looks for unfinished orders, and its first pause before it tries one
    again; the pause doubles up to 64 times as long."""
    relay_batch_max: int = Field(default=100, ge=1, le=1000)
    """How many unfinished orders the relay takes at once; other processes take others."""
    telling_batch_max: int = Field(default=100, ge=1, le=500)
    """How many of a member's purchases scoring is told in one call; it takes 500 at most."""
    standings_at_once_max: int = Field(default=8, ge=1, le=100)
    """How many standings one call asks scoring for at the same time; a batch has up to 100."""
    hold_margin: Span = timedelta(hours=1)
    """How much longer the ledger holds the points of a reserved order than the order may stay
    unpaid: an order that is paid in its last second still finds them, also when the call to the
    ledger has to be repeated."""
