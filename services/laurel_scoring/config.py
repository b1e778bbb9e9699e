"""What can be set on the scoring service, beside what every service has."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from laurel_kit.settings import ServiceSettings, Span
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class ScoringSettings(ServiceSettings):
    """The settings of the scoring service, read from `LAUREL_SCORING_...`."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_SCORING_")

    service: ClassVar[str] = "scoring"

    address: str = "127.0.0.1:50052"
    """Host and port of the service; port 0 takes a free one. Loopback, since there is no TLS by
    default."""
    activity_skew_max: Span = timedelta(minutes=5)
    """How far a fact may lie in the future: the clocks of callers differ, but not by more."""
    live_scores_kept: int = Field(default=20_000, ge=0, le=10_000_000)
    """Live scores kept in memory, about 1 KiB each, for those who ask again before anything has
    changed; 0 computes every one anew."""
    insight_chunk: int = Field(default=500, ge=1, le=5000)
    """Members grouped in one transaction of the daily run, and sent in one message of a stream."""
    leaderboard_size: int = Field(default=1000, ge=1, le=100_000)
    """Places of a leaderboard: who asks for the best does not read on for ever, and every
    settlement keeps its own."""
    settlement_chunk: int = Field(default=200, ge=1, le=5000)
    """Members valued from their facts in one transaction: enough to spare commits, few enough to be
    done within the statement timeout where members have thousands of facts."""
    course_lanes: int = Field(default=2, ge=1, le=16)
    """Chunks of members whose courses are worked out at the same time, each on a connection of its
    own: as many as the database has processors that nobody else needs at night."""
    published_chunk: int = Field(default=20_000, ge=1, le=200_000)
    """Members published in one transaction where their scores are worked out already: about a
    second of work, so that a settlement that is broken off loses no more than that."""
    tier_invitation_lifetime: Span = timedelta(days=14)
    """How long the seat of an invited member is kept for its answer: to read, not to forget."""
    tier_override_lifetime_max: Span = timedelta(days=366)
    """How long an override of a tier may last: a year, then somebody looks at it again."""
