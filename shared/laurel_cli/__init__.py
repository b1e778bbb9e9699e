"""The `laurel` command."""
