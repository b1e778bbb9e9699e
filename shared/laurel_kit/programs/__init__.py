"""Programs as data: a YAML file becomes a checked message, a stored revision and a compiled model."""
