"""A whole suite for tests: `laurel up` as a newcomer starts it, on free ports, in a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laurel_cli.service_process import CHILD
from laurel_kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.prefix) / "bin"
LAUREL = (sys.executable, "-m", "laurel_cli")
SERVICES = ("ledger", "scoring", "benefits")
ADMINS = tuple(f"{name} admin" for name in SERVICES)
START_PATIENCE = 600.0
STOP_PATIENCE = 60.0
"""What a newcomer allows between Ctrl-C and the end of everything."""
POLL_INTERVAL = 0.05


@dataclass(kw_only=True)
class Suite:
    """A suite that can be started, hurt, stopped and started again over the same data."""

    folder: Path
    arguments: tuple[str, ...] = ()
    ports: dict[str, int] = field(default_factory=lambda: free_ports((*SERVICES, *ADMINS)))
    process: subprocess.Popen[bytes] | None = None

    @property
    def addresses(self) -> dict[str, str]:
        return {name: f"127.0.0.1:{self.ports[name]}" for name in SERVICES}

    @property
    def environment(self) -> dict[str, str]:
        ours = {"LAUREL_DATA": str(self.folder)}
        for name in SERVICES:
            ours[f"LAUREL_{name.upper()}_PORT"] = str(self.ports[name])
            ours[f"LAUREL_{name.upper()}_ADMIN_ADDRESS"] = (
                f"127.0.0.1:{self.ports[f'{name} admin']}"
            )
        inherited = {name: value for name, value in os.environ.items() if "LAUREL_" not in name}
        return {**inherited, "TERM": "dumb", **ours}

    @property
    def output(self) -> Path:
        return self.folder / "up.log"

    def text(self) -> str:
        """What `laurel up` has said so far."""
        return self.output.read_text() if self.output.exists() else ""

    def start(self) -> None:
        """Start it as the leader of a process group, as a terminal does; wait until it is ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                # A killed run of the tests must not leave suites behind.
                [sys.executable, CHILD, str(os.getpid()), *LAUREL, "up", *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for(self._ready, START_PATIENCE, f"the suite to be ready:\n{self.text()}")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"laurel up ended by itself:\n{self.text()}"
        return "Ctrl-C stops everything" in self.text()

    def interrupt(self) -> float:
        """Press Ctrl-C: SIGINT to the whole group. Answers in how many seconds all had ended."""
        assert self.process is not None
        ids = self.process_ids()
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(STOP_PATIENCE)
        took = time.monotonic() - began
        assert not [each for each in ids.values() if alive(each)], f"left behind of {ids}"
        return took

    def process_ids(self) -> dict[str, int]:
        """Every process of the suite by its name."""
        note = json.loads((self.folder / "suite.json").read_text())
        return {"up": note["process_id"], **note["process_ids"]}

    def laurel(self, *arguments: str, patience: float = 60) -> subprocess.CompletedProcess[str]:
        """Run another sub-command beside it."""
        return subprocess.run(
            [*LAUREL, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line in a shell, as somebody who copied it."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def call(self, service: str, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """An RPC by grpcurl, deadline included; fails the test when it is refused."""
        answer = self.grpcurl(service, method, request)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def grpcurl(
        self, service: str, method: str, request: dict[str, Any], *options: str
    ) -> subprocess.CompletedProcess[str]:
        """An RPC by grpcurl with whatever comes of it."""
        return subprocess.run(
            [
                *(TOOLS / "grpcurl", "-plaintext", "-max-time", "20", "-format-error", *options),
                *("-d", json.dumps(request), self.addresses[service], method),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@contextmanager
def suite_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach too, removed at the end with its content."""
    folder = Path(tempfile.mkdtemp(prefix="laurel-suite-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        note = folder / "postgres" / "moved-to.txt"
        if note.exists():
            shutil.rmtree(note.read_text().split("\n", 1)[0], ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_suite(*arguments: str) -> Iterator[Suite]:
    """A suite that runs for the length of a block; nothing of it is left afterwards."""
    with suite_folder() as folder:
        suite = Suite(folder=folder, arguments=arguments)
        try:
            suite.start()
            yield suite
        finally:
            end(suite)


def end(suite: Suite) -> None:
    """End whatever is left of a suite, however the test left it."""
    if suite.process is None or suite.process.poll() is not None:
        return
    suite.process.send_signal(signal.SIGTERM)
    try:
        suite.process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        suite.process.kill()
        suite.process.wait()


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """A free port for each name, all of them different."""
    ports: dict[str, int] = {}
    while len(ports) < len(names):
        if (port := free_port()) not in ports.values():
            ports[names[len(ports)]] = port
    return ports


def alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], object], patience: float, what: str) -> None:
    """Wait until a condition holds; fail the test when it does not come about."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience:g} s for {what}"
        time.sleep(POLL_INTERVAL)
