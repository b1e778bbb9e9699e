"""The rules: pure values and decisions. Time and ids come in as arguments."""
