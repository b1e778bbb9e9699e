"""The `laurel` command without a suite: what it reads, refuses and prints."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from laurel_cli.__main__ import application
from laurel_cli.child import __file__ as child
from laurel_cli.clocks import read_distance
from laurel_cli.connections import find_addresses
from laurel_cli.examples import write_examples
from laurel_cli.programs import shipped_program
from laurel_cli.suite import DEFAULT_PORTS, RunningSuite, plan_suite, read_running_suite
from laurel_cli.version import __version__
from typer.testing import CliRunner, Result


def laurel(*arguments: str) -> Result:
    return CliRunner().invoke(application, arguments)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("31d", timedelta(days=31)),
        ("2w", timedelta(days=14)),
        ("1d12h", timedelta(hours=36)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
    ],
)
def test_a_distance_is_read_in_its_units(text: str, span: timedelta) -> None:
    assert read_distance(text) == span


@pytest.mark.parametrize("text", ["", "31", "d", "-1d", "1.5d", "1d 2h", "1y", "31D"])
def test_what_is_no_distance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        read_distance(text)


@pytest.mark.parametrize("instant", ["yesterday", "2026-01-31T09:00:00"])
def test_an_instant_without_its_zone_is_refused(instant: str) -> None:
    outcome = laurel("clock", "set", instant)
    assert outcome.exit_code == 2
    assert "write" in outcome.output


def test_version_is_told_to_people_and_programs() -> None:
    assert laurel("version").output.startswith(f"laurel {__version__} ")
    assert json.loads(laurel("version", "--json").output)["laurel"] == __version__


def test_a_suite_that_does_not_answer_is_told_with_its_addresses(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    silent = {f"LAUREL_{name.upper()}_ADDRESS": address for name in DEFAULT_PORTS}
    outcome = CliRunner().invoke(
        application, ["clock", "show", "--data", str(tmp_path)], env=silent
    )
    assert outcome.exit_code == 3
    assert address in outcome.output
    assert "make run" in outcome.output


def test_a_right_program_file_is_told_to_be_right() -> None:
    outcome = laurel("validate", str(shipped_program("jd")))
    assert outcome.exit_code == 0, outcome.output
    assert "is right" in outcome.output


def test_a_wrong_program_file_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("program_id: jd\ntime_zone: Mars/Olympus\nextra: 1\n")
    outcome = laurel("validate", str(file))
    assert outcome.exit_code == 1
    assert f"{file}:2:" in outcome.output
    assert f"{file}:3:" in outcome.output
    faults = json.loads(laurel("validate", str(file), "--json").output)["faults"]
    assert {fault["path"] for fault in faults} >= {"time_zone", "display_name"}


def test_settings_of_a_user_move_one_service_off_the_embedded_server(tmp_path: Path) -> None:
    url = "postgresql://somewhere/else"
    suite = plan_suite(tmp_path, DEFAULT_PORTS, {"LAUREL_SCORING_DATABASE_URL": url})
    assert [seat.database_url for seat in suite] == [None, url, None]
    assert [seat.admin_address for seat in suite] == [
        "127.0.0.1:51051",
        "127.0.0.1:51052",
        "127.0.0.1:51053",
    ]


def test_a_note_of_a_process_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process_id, believed in ((os.getpid(), True), (gone.pid, False)):
        RunningSuite(
            process_id=process_id,
            addresses={"ledger": "127.0.0.1:1"},
            admin_addresses={},
            process_ids={},
        ).write(tmp_path)
        assert (read_running_suite(tmp_path) is not None) is believed
    assert find_addresses(tmp_path)["ledger"] == "127.0.0.1:50051"


def test_printed_calls_survive_the_shell() -> None:
    for example in write_examples("m-1001"):
        for line in (example.as_grpcurl("127.0.0.1:1"), example.as_buf_curl("127.0.0.1:1")):
            words = shlex.split(line)
            assert json.loads(words[words.index("-d") + 1])["member_id"] == "m-1001"
            assert example.method in words[-1]


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, {child!r}, str(os.getpid()), '/bin/sleep', '60']\n"
        "process = subprocess.Popen(command, start_new_session=True)\n"
        "print(process.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    process_id = int(starter.stdout.readline())
    os.kill(process_id, 0)
    watched = os.pidfd_open(process_id)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    starter.stdin.close()
    assert ended(watched)


def ended(watched: int) -> bool:
    """Whether the process behind a descriptor ends within a few seconds."""
    readable, _, _ = select.select([watched], [], [], 5.0)
    os.close(watched)
    return bool(readable)
