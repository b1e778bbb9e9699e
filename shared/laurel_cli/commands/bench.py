"""`laurel bench`: what the services do on this machine, a sub-command for each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

application = typer.Typer(help="Measure the services on this machine.", no_args_is_help=True)


@application.callback()
def bench() -> None:
    """Measure the services on this machine."""


Json = Annotated[Path | None, typer.Option(help="A file to keep the figures in.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often every case is measured.")]


@application.command()
def ledger(
    json: Json = None,
    rounds: Rounds = 5,
    lots: Annotated[
        int,
        typer.Option(
            min=1, max=10_000_000, help="Lots over which liability and expiry are measured."
        ),
    ] = 20_000,
    pgledger: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="pgledger's SQL, to measure it too; may be several files."),
    ] = None,
) -> None:
    """Post transactions one by one and in batches, beside pgbench on the same server."""
    # Loaded late: a measurement brings what no other sub-command needs.
    import_module("laurel_cli.bench.ledger").run(
        json, rounds=rounds, lots=lots, pgledger_files=pgledger or ()
    )


@application.command()
def scoring(
    json: Json = None,
    rounds: Rounds = 3,
    members: Annotated[int, typer.Option(min=100, help="Members to settle.")] = 5_000,
    facts: Annotated[int, typer.Option(min=100, help="Facts they have together.")] = 300_000,
) -> None:
    """Record facts, ask for scores, settle a whole population, beside what others do of it."""
    import_module("laurel_cli.bench.scoring").run(json, rounds=rounds, members=members, facts=facts)


@application.command()
def orders(json: Json = None, rounds: Rounds = 3) -> None:
    """Take orders from their evaluation to what they earn, over all three services."""
    import_module("laurel_cli.bench.orders").run(json, rounds=rounds)
