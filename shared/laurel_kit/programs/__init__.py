"""Programs as data: a YAML file becomes a checked message, a revision and a compiled model."""
