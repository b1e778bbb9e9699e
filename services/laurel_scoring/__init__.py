"""The scoring service: what members did, what they are worth by it, and why."""
