"""`laurel clock`: the present of a suite in sandbox mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from laurel_cli.clocks import advance_clocks, read_clocks, read_distance, set_clocks
from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.commands.running import run_connected
from laurel_cli.connections import Connections
from laurel_cli.output import new_table, print_json, say_table

application = typer.Typer(
    help="Read and move the clocks of a suite in sandbox mode.", no_args_is_help=True
)


@application.command()
def show(data: Data = DATA, *, json: Json = False) -> None:
    """Show what each service takes for the present."""
    tell(run_connected(data, read_clocks, json=json), json=json)


@application.command("set")
def set_to(
    instant: Annotated[str, typer.Argument(help="For example 2026-01-31T09:00:00+08:00.")],
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Put all three clocks to an instant, without running the timers between."""
    present = read_instant(instant)

    async def work(connections: Connections) -> dict[str, datetime]:
        await set_clocks(connections, present)
        return await read_clocks(connections)

    tell(run_connected(data, work, json=json), json=json)


@application.command()
def advance(
    distance: Annotated[str, typer.Argument(help="How far: 31d, 2w, 1d12h.")],
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Move all three clocks forward; settlements, expiries and every other timer on the way run."""
    way = read_way(distance)

    async def work(connections: Connections) -> dict[str, datetime]:
        present = max((await read_clocks(connections)).values())
        await advance_clocks(connections, present + way)
        return await read_clocks(connections)

    tell(run_connected(data, work, json=json), json=json)


def read_instant(text: str) -> datetime:
    """An instant with its zone; one without is refused, since it could mean two things."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write 2026-01-31T09:00:00Z") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} lacks its zone; write {text}Z or {text}+08:00")
    return instant.astimezone(UTC)


def read_way(text: str) -> timedelta:
    """A span of time above zero."""
    try:
        return read_distance(text)
    except (ValueError, OverflowError) as fault:
        raise typer.BadParameter(str(fault)) from None


def tell(clocks: dict[str, datetime], *, json: bool) -> None:
    """Print the clocks."""
    if json:
        print_json({name: instant.isoformat() for name, instant in clocks.items()})
        return
    table = new_table("service", "present")
    for name, instant in clocks.items():
        table.add_row(name, f"{instant:%Y-%m-%d %H:%M:%S} UTC")
    say_table(table)
