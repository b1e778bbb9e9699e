"""The ledger service: every balance, where each point came from and where it went."""
