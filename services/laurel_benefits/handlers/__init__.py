"""Gather, decide, record: one file for each noun of the contract."""
