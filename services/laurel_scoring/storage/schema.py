"""All tables of the service on one MetaData, whatever file they stand in."""

from __future__ import annotations

from laurel_scoring.storage import course_tables, insight_tables, rank_tables, tables, tier_tables

METADATA = tables.METADATA

FILES = (tables, tier_tables, insight_tables, course_tables, rank_tables)
"""Imported for their tables: the MetaData has those of every file that was read."""
