"""The rules of scoring: pure functions of facts, models and time."""
