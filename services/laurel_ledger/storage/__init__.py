"""Every line of SQL of the ledger."""
