"""Processes that begin in a blink, for tests that kill many: forked from one that knows the code.

Most of a service's start is loading its code, seconds of a core. A nursery does that once. What it
forks is a process like any other: its own environment, settings, connections and end by SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laurel_cli.child import PR_SET_PDEATHSIG
from laurel_cli.service_process import CHILD

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0
"""Seconds within which the code is loaded, on a machine that is busy."""


@dataclass(kw_only=True)
class Born:
    """A process of a nursery, in the words of asyncio's own."""

    pid: int
    returncode: int | None = None
    _end: asyncio.Task[None] = field(init=False)
    _line: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    def __post_init__(self) -> None:
        self._end = asyncio.create_task(self._watch(), name=f"end of process {self.pid}")

    async def _watch(self) -> None:
        """The process holds its end of the line; when nobody does any more, it is gone."""
        with contextlib.suppress(ConnectionError):
            await self._line.read()
        self._writer.close()
        self.returncode = -signal.SIGKILL

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Return once it has ended."""
        await asyncio.shield(self._end)
        assert self.returncode is not None
        return self.returncode


@dataclass(kw_only=True, frozen=True)
class Nursery:
    """Where processes of some packages come from."""

    door: str
    """The path of its socket."""

    async def start(
        self, package: str, *arguments: str, environment: Mapping[str, str], log: Path
    ) -> Born:
        """`python -m package arguments`, with all it says at the end of `log`."""
        reader, writer = await asyncio.open_unix_connection(self.door)
        wish = {
            "package": package,
            "arguments": arguments,
            "environment": dict(environment),
            "log": str(log),
        }
        writer.write(json.dumps(wish).encode() + b"\n")
        return Born(pid=int(await reader.readline()), _line=reader, _writer=writer)


@asynccontextmanager
async def nursery(*packages: str) -> AsyncIterator[Nursery]:
    """A nursery for the length of the block; nothing born there outlives it."""
    with tempfile.TemporaryDirectory(prefix="laurel-nursery-") as folder:
        door = str(Path(folder) / "door")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(CHILD), str(os.getpid())),
            *(sys.executable, "-m", "tests.support.nursery", door, *packages),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdout is not None
        try:
            assert await asyncio.wait_for(process.stdout.readline(), PATIENCE), "it never opened"
            yield Nursery(door=door)
        finally:
            process.kill()
            await process.wait()


def serve(door: str, packages: Sequence[str]) -> None:
    """Load the code and bear whoever is wished for, until killed."""
    for package in packages:
        importlib.import_module(f"{package}.__main__")
    importlib.import_module("laurel_kit.migrations")
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody asks how they ended.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(door)
        listening.listen()
        print("open", flush=True)  # noqa: T201  # It is waited for.
        while True:
            line, _ = listening.accept()
            with line, line.makefile("rb") as words:
                wish = json.loads(words.readline())
                if os.fork() == 0:
                    listening.close()
                    os.set_inheritable(line.fileno(), False)
                    become(wish, line)


def become(wish: Mapping[str, Any], line: socket.socket) -> None:
    """Be the process that is wished for; it keeps the line open as long as it lives."""
    code = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with open(wish["log"], "ab") as log:  # noqa: PTH123  # A descriptor is all it is for.
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.environ.clear()
        os.environ.update(wish["environment"])
        sys.argv = [wish["package"], *wish["arguments"]]
        line.sendall(f"{os.getpid()}\n".encode())
        runpy.run_module(wish["package"], run_name="__main__", alter_sys=True)
        code = 0
    except BaseException:  # noqa: BLE001  # Its last words, whatever they are, go into its log.
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
