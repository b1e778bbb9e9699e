"""The doors: read, handle, write."""
