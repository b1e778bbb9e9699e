"""All tables of this service, whichever file of a noun they stand in."""

from __future__ import annotations

from laurel_ledger.storage import account_change_tables, adjustment_tables, budget_tables, tables

METADATA = tables.METADATA
"""Complete once this module is read."""

NOUNS = (tables, account_change_tables, adjustment_tables, budget_tables)
"""The files of tables; each adds its own to METADATA."""
