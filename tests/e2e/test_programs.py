"""Every program that is shipped is taken by the three services of a running suite."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from tests.support.programs import PROGRAMS, shipped_text
from tests.support.suites import SERVICES, Suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

SHIPPED = sorted(path.stem for path in PROGRAMS.glob("*.yaml"))


@pytest.mark.parametrize("program_id", SHIPPED)
def test_laurel_apply_takes_a_shipped_program(suite: Suite, program_id: str) -> None:
    applied = suite.laurel("apply", str(PROGRAMS / f"{program_id}.yaml"))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    method = "laurel.program.v1.ProgramService/GetRevision"
    revisions = {
        suite.call(service, method, {"program_id": program_id})["revision"]["revision_id"]
        for service in SERVICES
    }
    assert len(revisions) == 1
    assert YAML(typ="safe").load(shipped_text(program_id))["program_id"] == program_id
