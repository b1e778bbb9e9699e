"""The key of a suite on this machine."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from laurel_cli.checkpoint_key import keep_checkpoint_key
from laurel_cli.suite import DEFAULT_PORTS, plan_suite
from laurel_cli.supervisor import service_environment
from laurel_ledger.handlers.checkpoint_key import read_checkpoint_key

VARIABLE = "LAUREL_LEDGER_CHECKPOINT_KEY_FILE"


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = keep_checkpoint_key(tmp_path / "data")
    content = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keep_checkpoint_key(tmp_path / "data").read_bytes() == content
    assert read_checkpoint_key(file)


def test_only_the_ledger_is_told_of_the_key_and_a_users_own_wins(tmp_path: Path) -> None:
    suite = plan_suite(tmp_path, DEFAULT_PORTS, {})
    told = {seat.name: service_environment(suite, seat, {}) for seat in suite}
    assert [VARIABLE in told[seat.name] for seat in suite] == [True, False, False]
    own = {VARIABLE: "mine.pem"}
    assert service_environment(suite, next(iter(suite)), own)[VARIABLE] == "mine.pem"


def test_a_file_without_such_a_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="PEM"):
        read_checkpoint_key(file)
