"""Program files for tests: the one of JD, with whatever a test wants to be different."""

from __future__ import annotations

import re
from pathlib import Path

from laurel.program.v1.program_pb2 import Program

PROGRAMS = Path(__file__).resolve().parents[2] / "shared" / "programs"
JD_FILE = PROGRAMS / "jd.yaml"


def shipped_text(program_id: str) -> str:
    """A program file as it is shipped."""
    return (PROGRAMS / f"{program_id}.yaml").read_text()


def program_text(**heads: str) -> str:
    """The program of JD with other values for keys at its top, such as `display_name`."""
    text = JD_FILE.read_text()
    for key, value in heads.items():
        text, count = re.subn(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
        assert count == 1, key
    return text


class WholeProgram:
    """A section that is content with every program: its model is the display name."""

    name = "ledger"

    def compile(self, program: Program) -> str:
        return program.display_name
