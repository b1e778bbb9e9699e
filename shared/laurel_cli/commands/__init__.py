"""The sub-commands, a file for each noun."""
