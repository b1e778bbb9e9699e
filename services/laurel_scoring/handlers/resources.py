"""What the handlers work with, put together once in `service.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from laurel_kit.clock import Clock
from laurel_kit.database import Database
from laurel_kit.operations import Operations
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.timers import TimerTable

from laurel_scoring.domain.models import ScoringProgram
from laurel_scoring.handlers.score_cache import ScoreCache
from laurel_scoring.storage.courses import CourseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The database, the compiled programs, the clock, the jobs, and the limits that are set."""

    database: Database
    programs: ProgramRegistry[ScoringProgram]
    clock: Clock
    operations: Operations
    timers: TimerTable
    activity_skew_max: timedelta
    """How far a fact may lie in the future, for clocks that differ."""
    scores: ScoreCache
    settlement_chunk: int
    """Members valued from their facts in one transaction."""
    course_lanes: int
    """Chunks of members whose courses are worked out at the same time."""
    published_chunk: int
    """Members published in one transaction where their scores are worked out already."""
    insight_chunk: int
    """Members grouped in one transaction, and sent in one message."""
    leaderboard_size: int
    """Places that a settlement keeps."""
    tier_invitation_lifetime: timedelta
    """How long an offered seat is kept."""
    tier_override_lifetime_max: timedelta
    """How long an override of a tier may last."""
    courses: dict[tuple[str, str, str], CourseKey | None] = field(default_factory=dict)
    """By program, revision and model: how courses are worked out, None where the evaluator does."""
