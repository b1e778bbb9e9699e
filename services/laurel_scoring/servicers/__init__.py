"""The doors of the service: each method reads, handles, writes."""
