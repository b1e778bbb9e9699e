"""`laurel up` and `laurel down`: the whole suite on this machine, in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from laurel_kit.clock import SystemClock
from laurel_kit.postgres_process import PostgresFailed
from rich.markup import escape

from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.connections import Connections, connect
from laurel_cli.examples import tool, write_examples
from laurel_cli.output import fail, print_json, say, say_verbatim
from laurel_cli.programs import Proposal, apply_program, check_program, shipped_program
from laurel_cli.refusals import read_refusal
from laurel_cli.service_process import StartFailed
from laurel_cli.story import MEMBER_ID, PROGRAM_ID
from laurel_cli.storyteller import StoryInterrupted, open_story, play_story
from laurel_cli.suite import (
    DEFAULT_PORTS,
    HOST,
    Suite,
    plan_suite,
    read_running_suite,
)
from laurel_cli.supervisor import AlreadyRunning, lock_path, run_suite, taken
from laurel_cli.version import __version__

STOP_PATIENCE = 30.0
"""Seconds `laurel down` waits for the other terminal's suite to end."""
POLL_INTERVAL = 0.1


def port_option(service: str) -> Any:
    """The option for a service's port."""
    return typer.Option(
        envvar=f"LAUREL_{service.upper()}_PORT", min=1, max=65535, help=f"Port of {service}."
    )


def up(
    data: Data = DATA,
    ledger_port: Annotated[int, port_option("ledger")] = DEFAULT_PORTS["ledger"],
    scoring_port: Annotated[int, port_option("scoring")] = DEFAULT_PORTS["scoring"],
    benefits_port: Annotated[int, port_option("benefits")] = DEFAULT_PORTS["benefits"],
    postgres_port: Annotated[
        int,
        typer.Option(
            envvar="LAUREL_POSTGRES_PORT",
            min=0,
            max=65535,
            help="0 takes a free port and keeps it.",
        ),
    ] = 0,
    *,
    demo: Annotated[
        bool, typer.Option(help="Apply the JD program and play a member's year.")
    ] = True,
) -> None:
    """Run PostgreSQL and the three services in sandbox mode until Ctrl-C."""
    ports = {"ledger": ledger_port, "scoring": scoring_port, "benefits": benefits_port}
    suite = plan_suite(data, ports, os.environ)
    refuse_taken_ports(suite)
    try:
        asyncio.run(until_stopped(stay_up(suite, postgres_port=postgres_port, demo=demo)))
    except (AlreadyRunning, StartFailed, PostgresFailed) as failure:
        fail(str(failure))
    say("Stopped.")


def down(data: Data = DATA, *, json: Json = False) -> None:
    """Stop a suite that runs in another terminal."""
    running = read_running_suite(data)
    if running:
        os.kill(running.process_id, signal.SIGTERM)
        if not wait_until_free(data):
            fail(f"the suite (process {running.process_id}) did not stop in {STOP_PATIENCE:g} s")
    if json:
        print_json({"stopped": running is not None})
    else:
        say("Stopped." if running else "No suite is running.")


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until it ends or somebody asks the process to stop, which cancels it."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, request_stop, task)
    try:
        await task
    except asyncio.CancelledError:
        return


def request_stop(task: asyncio.Task[None]) -> None:
    """Cancel the work, once: a second Ctrl-C must not cut the stopping short."""
    if not task.cancelling():
        say("Stopping ...")
        task.cancel()


async def stay_up(suite: Suite, *, postgres_port: int, demo: bool) -> None:
    """Run the suite, fill it with the demo, say how to use it, and stay."""
    began = time.monotonic()
    say(
        f"Laurel {__version__}: starting PostgreSQL and three services in {escape(str(suite.data))}"
    )
    async with run_suite(suite, os.environ, postgres_port=postgres_port, report=say):
        for seat in suite:
            say(f"  {seat.name:<9}{seat.address}")
        if demo:
            async with connect(suite.addresses) as connections:
                await fill(connections)
        say(f"Ready after {time.monotonic() - began:.0f} s.")
        say_what_next(suite, demo=demo)
        await asyncio.Event().wait()


async def fill(connections: Connections) -> None:
    """Apply the program and play the story; a refusal is told and leaves the suite running."""
    text = shipped_program(PROGRAM_ID).read_text(encoding="utf-8")
    proposal = Proposal(text=text, verdict=check_program(text))
    present = SystemClock().now()
    try:
        first = await open_story(connections, MEMBER_ID, present)
        await apply_program(connections, proposal)
        say(f"Program {PROGRAM_ID} is in force; {MEMBER_ID} lives through a year of it:")
        if not await play_story(connections, MEMBER_ID, first, present, say):
            say("  (played at an earlier start; the data was kept)")
    except grpc.aio.AioRpcError as error:
        say(f"[red]The demo was refused[/]: {escape(read_refusal(error).sentence())}")
    except StoryInterrupted as interruption:
        say(f"[red]The demo was refused[/]: {escape(str(interruption))}")


def say_what_next(suite: Suite, *, demo: bool) -> None:
    """Print the calls to try."""
    if demo:
        for example in write_examples(MEMBER_ID):
            address = suite.addresses[example.service]
            say(f"\n[bold]{example.title}[/]")
            say_verbatim(example.as_grpcurl(address))
            say_verbatim(example.as_buf_curl(address))
        say("\n[bold]Everything about the member on one screen, and a month later[/]")
        say_verbatim(f"{laurel(suite.data)} member show {MEMBER_ID}")
        say_verbatim(f"{laurel(suite.data)} clock advance 31d")
    say("\nCtrl-C stops everything and keeps the data.")


def laurel(data: Path) -> str:
    """How to call this command from another terminal in the same folder."""
    setting = "" if data == DATA.absolute() else f"LAUREL_DATA={data} "
    return f"{setting}{tool('laurel')}"


def refuse_taken_ports(suite: Suite) -> None:
    """Say at once which port is not free, rather than through a service's log."""
    for seat in suite:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, seat.port))
            except OSError as fault:
                fail(
                    f"Port {seat.port} for {seat.name} is not free ({fault.strerror}); "
                    f"choose another: LAUREL_{seat.name.upper()}_PORT=... make run"
                )


def wait_until_free(data: Path) -> bool:
    """Wait until nobody holds the data folder; says whether that came about."""
    deadline = time.monotonic() + STOP_PATIENCE
    with lock_path(data).open("w") as lock:
        while not taken(lock):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL)
    return True
