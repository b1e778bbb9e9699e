"""The only doors in: read, handle, write."""
