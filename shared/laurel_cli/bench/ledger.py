"""`laurel bench ledger`: posting one by one and in batches, reading, beside an echo and pgbench.

Everything runs on this machine at once: callers, service and PostgreSQL, with durable commits.
Rates say what the machine does, processor time for each item what the code costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import grpc
from laurel_kit.process import loop_factory

from laurel_cli.bench.load import FUNDERS, Callers, program_of_many
from laurel_cli.bench.many_lots import ManyLots
from laurel_cli.bench.measuring import (
    Beside,
    Case,
    Figures,
    Peer,
    Ratio,
    measure_rounds,
    ratios_of,
    table_of,
    write_figures,
)
from laurel_cli.bench.peers import PGLEDGER_HOT, pgbench, pgledger
from laurel_cli.bench.stand import stand
from laurel_cli.output import say, say_table
from laurel_cli.programs import shipped_program

OPTIONS = [("grpc.max_receive_message_length", -1)]

HOT, SPREAD = "1,000 a call, 4 in flight", f"the same, {len(FUNDERS)} funding accounts"
ONE_MEMBER = "the same, one member"
HUNDREDS = "100 a call, 8 in flight"
STREAM = "StreamTransactions, 1,000 a message"
ISSUE = "IssuePoints, 20,000 members a job"
UNARY, ECHO = "one a call, {} in flight", "bare echo, {} in flight"
READ, READ_MANY = "GetBalance, 64 in flight", "BatchGetBalances, 1,000 ids, 4 in flight"
READ_BESIDE = "GetBalance, 32, beside half the posting"
RATIOS = (
    Ratio(
        name="unary posting of the bare echo, 64 in flight",
        row=UNARY.format(64),
        of=ECHO.format(64),
    ),
    Ratio(
        name="unary posting of the bare echo, 512 in flight",
        row=UNARY.format(512),
        of=ECHO.format(512),
    ),
    Ratio(name="one funding account of many", row=HOT, of=SPREAD),
    Ratio(name="one member of all", row=ONE_MEMBER, of=HOT),
    Ratio(name="GetBalance of the bare echo", row=READ, of=ECHO.format(64)),
    Ratio(name="unary posting of pgledger, one hot account", row=UNARY.format(64), of=PGLEDGER_HOT),
)


def run(
    json_file: Path | None = None,
    *,
    rounds: int = 5,
    lots: int = 20_000,
    pgledger_files: Sequence[Path] = (),
) -> dict[str, Figures]:
    """Measure everything, print it as a table, and keep the figures in `json_file` if given."""
    peers = [pgbench(), *([pgledger(pgledger_files)] if pgledger_files else [])]
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows = runner.run(_measure_all(peers, rounds, lots))
    say_table(table_of("ledger", rows))
    ratios = ratios_of(rows, RATIOS)
    for name, ratio in ratios.items():
        say(f"{name}: {ratio:.2f}")
    if json_file:
        write_figures(rows, ratios, json_file)
    return rows


async def _measure_all(peers: list[Peer], rounds: int, lots: int) -> dict[str, Figures]:
    many = program_of_many(shipped_program("jd").read_text())
    async with (
        stand("ledger", [many]) as whole,
        grpc.aio.insecure_channel(whole.address, options=OPTIONS) as channel,
        grpc.aio.insecure_channel(whole.echo_address) as echo,
    ):
        for peer in peers:
            await peer.prepare(whole)
        callers = Callers.over(channel, echo)
        rows = await measure_rounds(whole, _cases(callers), peers=peers, rounds=rounds)
        return rows | await ManyLots.over(whole, channel, callers).measure(lots)


def _cases(callers: Callers) -> list[Case | Beside]:
    """What each round measures, the compared beside each other."""
    return [
        Case(name=HOT, call=callers.post_thousand, in_flight=4, stores=True),
        Case(name=SPREAD, call=callers.post_thousand_of_many, in_flight=4, stores=True),
        Case(name=ONE_MEMBER, call=callers.post_thousand_of_one, in_flight=4, stores=True),
        Case(name=HUNDREDS, call=callers.post_hundred, in_flight=8, stores=True),
        Case(name=STREAM, call=callers.stream_thousands, in_flight=1, stores=True),
        Case(name=ISSUE, call=callers.issue_columns, in_flight=1, stores=True),
        *_beside_the_echo(callers, 64),
        *_beside_the_echo(callers, 512),
        Case(name=UNARY.format(1), call=callers.post_one, in_flight=1, stores=True),
        Case(name=READ, call=callers.read_one, in_flight=64),
        _beside_posting(callers),
        Case(name=READ_MANY, call=callers.read_thousand, in_flight=4),
    ]


def _beside_posting(callers: Callers) -> Beside:
    """Single balances while others post."""
    return Beside(
        name=READ_BESIDE,
        case=Case(name=READ_BESIDE, call=callers.read_one, in_flight=32),
        other=Case(name=UNARY.format(64), call=callers.post_one, in_flight=64),
    )


def _beside_the_echo(callers: Callers, in_flight: int) -> tuple[Case, Case]:
    """Single postings, and calls that do nothing."""
    name, echo = UNARY.format(in_flight), ECHO.format(in_flight)
    return (
        Case(name=name, call=callers.post_one, in_flight=in_flight, stores=True),
        Case(name=echo, call=callers.echo_one, in_flight=in_flight),
    )
