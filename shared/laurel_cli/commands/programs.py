"""`laurel validate` and `laurel apply`: program files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from laurel_cli.commands.clock import read_instant
from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.commands.running import run_connected
from laurel_cli.output import EXIT_REFUSED, fail, print_json, say
from laurel_cli.programs import Proposal, Verdict, apply_program, check_program

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The program, YAML.")]


def validate(file: File, *, json: Json = False) -> None:
    """Check a program file; every fault is named with its line and path. Needs no running suite."""
    verdict = check_program(read_text(file))
    if json:
        print_json(asdict(verdict))
    else:
        tell(verdict, file)
    if verdict.faults:
        raise typer.Exit(EXIT_REFUSED)


def apply(
    file: File,
    effective: Annotated[
        str | None, typer.Option(help="From when on it holds; without it, from now on.")
    ] = None,
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Give a program file to all three services."""
    text = read_text(file)
    verdict = check_program(text)
    if verdict.faults:
        validate(file, json=json)
    instant = read_instant(effective) if effective else None
    proposal = Proposal(text=text, verdict=verdict, effective_time=instant)
    applications = run_connected(
        data, lambda connections: apply_program(connections, proposal), json=json
    )
    if json:
        print_json([asdict(each) for each in applications])
        return
    for each in applications:
        done = "applied" if each.applied else "in force already"
        say(f"{each.service}: {verdict.program_id} {short(each.revision_id)} {done}")


def read_text(file: Path) -> str:
    """The file's text."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        fail(f"{file}: is no UTF-8 text ({fault})")


def tell(verdict: Verdict, file: Path) -> None:
    """Print the verdict the way compilers do, so that editors find the places."""
    for fault in verdict.faults:
        place = f"{file}:{fault.line}:{fault.column}"
        say(f"[bold]{escape(place)}[/] {escape(f'{fault.path}: {fault.message}')}")
    if verdict.faults:
        say(f"[red]{len(verdict.faults)} faults[/]")
    else:
        say(f"[green]{file}[/] is right: {verdict.program_id} {short(verdict.revision_id)}")


def short(revision_id: str) -> str:
    """A revision's name, short enough to read."""
    return revision_id[:19]
