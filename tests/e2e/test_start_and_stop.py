"""Starting, stopping and starting again over the same data, with nothing left behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.suites import SERVICES, STOP_PATIENCE, Suite, alive, end, suite_folder, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

CLOCK = "laurel.sandbox.v1.ClockService/GetClock"
REVISIONS = "laurel.program.v1.ProgramService/ListRevisions"


@pytest.fixture
def bare() -> Iterator[Suite]:
    """A suite without the demo, not yet started."""
    with suite_folder() as folder:
        suite = Suite(folder=folder, arguments=("--no-demo",))
        yield suite
        end(suite)


def test_ctrl_c_ends_everything_and_the_next_start_keeps_data_and_clocks(bare: Suite) -> None:
    bare.start()
    refused = bare.laurel("up")
    assert refused.returncode == 1
    assert "not free" in refused.stderr
    applied = bare.laurel("apply", "shared/programs/jd.yaml", "--json")
    assert [each["applied"] for each in json.loads(applied.stdout)] == [True, True, True]
    assert bare.laurel("clock", "set", "2030-01-31T09:00:00+08:00").returncode == 0
    advanced = bare.laurel("clock", "advance", "31d", "--json")
    assert advanced.returncode == 0, advanced.stderr
    assert {time[:10] for time in json.loads(advanced.stdout).values()} == {"2030-03-03"}

    assert bare.interrupt() < STOP_PATIENCE
    assert not (bare.folder / "suite.json").exists()
    assert bare.process is not None
    assert bare.process.returncode == 0

    bare.start()
    for service in SERVICES:
        revisions = bare.call(service, REVISIONS, {"program_id": "jd"})["revisions"]
        assert len(revisions) == 1
    again = bare.laurel("apply", "shared/programs/jd.yaml", "--json")
    assert [each["applied"] for each in json.loads(again.stdout)] == [False, False, False]
    shown = json.loads(bare.laurel("clock", "show", "--json").stdout)
    assert {time[:10] for time in shown.values()} == {"2030-03-03"}

    assert json.loads(bare.laurel("down", "--json").stdout) == {"stopped": True}
    assert bare.process.wait(STOP_PATIENCE) == 0
    assert json.loads(bare.laurel("down", "--json").stdout) == {"stopped": False}


def test_a_suite_killed_outright_leaves_no_service_and_starts_again(bare: Suite) -> None:
    bare.start()
    ids = bare.process_ids()
    os.kill(ids.pop("up"), signal.SIGKILL)
    assert bare.process is not None
    bare.process.wait(STOP_PATIENCE)
    postgres = ids.pop("postgres")
    wait_for(lambda: not any(alive(each) for each in ids.values()), STOP_PATIENCE, "services' end")
    os.kill(postgres, signal.SIGKILL)

    bare.start()
    assert bare.call("ledger", CLOCK, {})["current_time"]
    assert bare.process_ids()["postgres"] != postgres
