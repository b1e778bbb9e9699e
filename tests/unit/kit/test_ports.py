"""Ports for servers: free, and none that an outgoing connection may take."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from laurel_kit import ports
from laurel_kit.ports import FIRST, HOST, OUTGOING_USUALLY, first_outgoing, free_port, port_if_free


def test_a_port_is_free_and_not_of_outgoing_connections() -> None:
    port = free_port()
    assert FIRST <= port < first_outgoing()
    assert port_if_free(port) == port


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server((HOST, free_port())) as server:
        assert port_if_free(server.getsockname()[1]) == 0


@pytest.mark.parametrize(
    ("text", "first"),
    [("40000\t60999\n", 40_000), ("1024 65535", FIRST), ("nonsense", OUTGOING_USUALLY)],
)
def test_the_first_outgoing_port_is_the_systems(
    text: str, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "range"
    file.write_text(text)
    monkeypatch.setattr(ports, "OUTGOING", file)
    assert first_outgoing() == first


def test_where_all_ports_are_of_outgoing_connections_one_of_them_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "range"
    file.write_text("1024 65535")
    monkeypatch.setattr(ports, "OUTGOING", file)
    assert port_if_free(free_port())
