"""All tables of the service on one MetaData, whatever file they stand in."""

from __future__ import annotations

from laurel_scoring.storage import (
    course_tables,
    insight_tables,
    invitation_tables,
    medal_tables,
    rank_tables,
    segment_tables,
    tables,
    tier_tables,
)

METADATA = tables.METADATA

FILES = (
    tables,
    course_tables,
    tier_tables,
    insight_tables,
    rank_tables,
    segment_tables,
    medal_tables,
    invitation_tables,
)
"""Imported for their tables: the MetaData has those of every file that was read."""
