"""Runs the migrations of the benefits service."""

from laurel_benefits.storage.schema import METADATA
from laurel_kit.migrations import run_environment

run_environment(METADATA)
