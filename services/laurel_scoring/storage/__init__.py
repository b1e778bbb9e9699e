"""Every line of SQL of the scoring service."""
