"""Ports that nobody but a server takes.

A port that the system also gives to outgoing connections may be gone when its server comes back
after a crash: taken by a connection of somebody else, or by a client of that very server, whose
attempts to reach it have met themselves.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
FIRST = 15_000
"""Below are the ports of services that people know."""

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Where Linux says which ports it gives to outgoing connections."""

OUTGOING_USUALLY = 32_768
"""The first of them where nothing says so."""


def port_if_free(port: int) -> int:
    """The port on this machine's own address; 0 when it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return 0
    return port


def free_port() -> int:
    """A free port at random, none of an outgoing connection's while one of the others is free."""
    ports = range(FIRST, first_outgoing())
    for port in random.sample(ports, len(ports)):
        if port_if_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def first_outgoing() -> int:
    """The first port that the system gives to outgoing connections; at least FIRST."""
    try:
        first = int(OUTGOING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = OUTGOING_USUALLY
    return max(first, FIRST)
