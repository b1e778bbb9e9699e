"""How a service runs; knows nothing of loyalty."""
