"""All tables of this service, whichever file of a noun they stand in."""

from __future__ import annotations

from laurel_benefits.storage import checkout_tables, earning_tables, return_tables, tables

METADATA = tables.METADATA
"""Complete once this module is read."""

NOUNS = (tables, checkout_tables, earning_tables, return_tables)
"""The files of tables; each adds its own to METADATA."""
