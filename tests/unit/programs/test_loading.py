"""A whole program file: every fault at once, each with its path and line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from laurel.program.v1.program_pb2 import Program
from laurel_kit.programs.loading import Examination, examine, load_program, revision_id_of
from laurel_kit.programs.sections import ProgramFault, ProgramFaults

from tests.support.programs import program_text

JD = program_text()


class Silent:
    """A section that finds no faults."""

    name = "ledger"

    def compile(self, program: Program) -> Program:
        return program


class Complaining(Silent):
    """A section that finds these faults."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        self._faults = faults

    def compile(self, program: Program) -> Program:
        raise ProgramFaults([ProgramFault(path, message) for path, message in self._faults])


class Surprised(Silent):
    """A section that relies on the contract having been kept."""

    def compile(self, program: Program) -> Program:
        raise KeyError(program.time_zone)


def examined(text: str, section: Any = None) -> Examination[Program]:
    return examine(text, section or Silent())


def lines(examination: Examination[Any]) -> list[tuple[str, int]]:
    return [(fault.path, fault.line) for fault in examination.faults]


def line_of(text: str, part: str) -> int:
    """The first line that begins with this key."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(part))


def test_the_program_of_jd_has_no_faults() -> None:
    assert load_program(JD).program_id == "jd"
    assert examined(JD).faults == ()


def test_five_mistakes_of_five_kinds_are_five_faults_each_with_its_line() -> None:
    text = program_text(
        program_id="jd 1",  # Breaks a rule of the contract.
        display_name="7",  # Is of another kind.
        time_zone="Asia/Shanghai\ntime_zone: Asia/Tokyo",  # Is given twice.
    )
    text += "\nsurprise: 1\n"  # Is no key.
    examination = examined(text, Complaining(("benefits", "sells what the ledger does not know")))
    assert lines(examination) == [
        ("program_id", line_of(text, "program_id")),
        ("display_name", line_of(text, "display_name")),
        ("time_zone", line_of(text, "time_zone") + 1),
        ("benefits", line_of(text, "benefits")),
        ("surprise", line_of(text, "surprise")),
    ]


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/localtime", "Asia", "."])
def test_a_zone_must_be_known(zone: str) -> None:
    (fault,) = examined(JD.replace("Asia/Shanghai", zone)).faults
    assert (fault.path, fault.message) == ("time_zone", "is no zone of the IANA database")


def test_a_key_that_is_missing_is_named_with_what_it_wants() -> None:
    text = JD.replace("display_name: 京东\n", "", 1).partition("\nbenefits:")[0]
    faults = [(fault.path, fault.message) for fault in examined(text).faults]
    assert faults == [
        ("benefits", "is missing: value is required"),
        ("display_name", "is missing: must be at least 1 characters"),
    ]


def test_a_choice_that_is_no_choice_is_one_fault() -> None:
    text = re.sub(r"calendar: \w+", "moon: full", JD, count=1)
    (fault,) = examined(text).faults
    assert fault.path.endswith("expiry.moon")


def test_what_a_section_says_of_a_value_that_is_wrong_already_is_left_out() -> None:
    text = program_text(display_name="7")
    section = Complaining(("display_name", "is the name of another"), ("scoring", "lacks a model"))
    assert [fault.path for fault in examined(text, section).faults] == ["display_name", "scoring"]


def test_a_section_is_not_asked_to_survive_what_breaks_its_contract() -> None:
    text = program_text(display_name="7")
    assert len(examined(text, Surprised()).faults) == 1
    with pytest.raises(KeyError):
        examined(JD, Surprised())


def test_a_text_that_is_no_yaml_has_one_fault() -> None:
    (fault,) = examined("program_id: [jd").faults
    assert fault.line == 1
    assert examined("program_id: [jd").program_id == ""


def test_all_faults_are_raised_together() -> None:
    with pytest.raises(ProgramFaults) as refusal:
        load_program("program_id: jd\ndisplay_name: 7\n")
    paths = [fault.path for fault in refusal.value.faults]
    assert paths == ["benefits", "ledger", "scoring", "time_zone", "display_name"]


def test_the_name_of_a_revision_is_the_digest_of_the_whole_file() -> None:
    assert revision_id_of(JD) == revision_id_of(JD)
    assert revision_id_of(JD) != revision_id_of(JD + "# a comment\n")
    assert revision_id_of("a") == (
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )
