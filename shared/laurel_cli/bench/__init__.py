"""Measuring the services on this machine."""
