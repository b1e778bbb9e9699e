"""What the README tells people to type works, as it stands there."""

from __future__ import annotations

import re

import pytest

from tests.support.suites import ROOT, Suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

README = (ROOT / "README.md").read_text()
# Starting the suite is what the fixture does; running the tests is what is going on.
MAKE = {"make run", "make test"}
USUAL_PORTS = {"50051": "ledger", "50052": "scoring", "50053": "benefits"}


def commands() -> list[str]:
    """Every line of every shell block, in order, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line.partition(" # ")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def here(command: str, suite: Suite) -> str:
    """The command against the suite of the tests, by the tools of the environment they run in."""
    for port, service in USUAL_PORTS.items():
        command = command.replace(f":{port}", f":{suite.ports[service]}")
    return command


def test_the_two_commands_come_first() -> None:
    assert [line.split("#")[0].strip() for line in commands()[:2]] == ["make run", "make test"]
    opening = README.split("```sh")[0]
    assert len(re.findall(r"\n\n", opening.strip())) <= 2, "one paragraph before the commands"


def test_every_example_of_the_readme_runs_in_order(suite: Suite) -> None:
    examples = [command for command in commands() if command not in MAKE]
    assert len(examples) > 5
    for command in examples:
        outcome = suite.shell(here(command, suite))
        assert outcome.returncode == 0, f"{command}\n{outcome.stdout}{outcome.stderr}"
        assert outcome.stdout.strip(), command


def test_every_command_that_up_prints_can_be_copied(suite: Suite) -> None:
    printed = [line for line in suite.text().splitlines() if re.search(r"/(grpcurl|buf) ", line)]
    assert len(printed) == 6
    for command in printed:
        outcome = suite.shell(command)
        assert outcome.returncode == 0, f"{command}\n{outcome.stderr}"


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
