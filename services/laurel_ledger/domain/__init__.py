"""The rules of the ledger: pure functions of values."""
