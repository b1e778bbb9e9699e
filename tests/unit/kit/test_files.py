"""Files that change while the server runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from laurel_kit import files
from laurel_kit.files import FileUnusable, Watched


def read_number(paths: Sequence[Path]) -> int:
    return int(paths[0].read_text())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_a_changed_file_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOOK_INTERVAL", 0.0)
    watched = Watched([file], read_number)
    assert watched.value() == 1
    file.write_text("22")
    assert watched.value() == 22


def test_a_file_is_looked_at_once_in_a_while_only(file: Path) -> None:
    watched = Watched([file], read_number)
    file.write_text("22")
    assert watched.value() == 1


def test_what_cannot_be_read_leaves_the_last_good_value(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOOK_INTERVAL", 0.0)
    watched = Watched([file], read_number)
    file.write_text("half")
    assert watched.value() == 1
    file.unlink()
    assert watched.value() == 1
    file.write_text("333")
    assert watched.value() == 333


def test_a_file_that_is_wrong_at_the_start_is_an_error(file: Path) -> None:
    file.write_text("none")
    with pytest.raises(FileUnusable, match="none"):
        Watched([file], read_number)
    with pytest.raises(FileUnusable, match="missing"):
        Watched([file.with_name("missing")], read_number)
