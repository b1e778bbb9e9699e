"""What each RPC does: gather, decide, record."""
