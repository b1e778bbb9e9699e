"""What the ledger is compared with: other work on the same PostgreSQL, driven by pgbench."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from laurel_cli.bench.measuring import Figures, Peer
from laurel_cli.bench.stand import Stand

CLIENTS, SECONDS = 8, 2
SCALE = 20
PGBENCH = f"pgbench TPC-B, {CLIENTS} clients"
PGLEDGER_HOT = f"pgledger in SQL, one hot account, {CLIENTS} clients"
ACCOUNTS = Path(__file__).with_name("pgledger_accounts.sql")
TRANSFER = Path(__file__).with_name("pgledger_transfer.sql")


def pgbench() -> Peer:
    """PostgreSQL's own measure of transactions."""
    return Peer(
        name=PGBENCH,
        prepare=_initialize,
        measure=partial(_measure, script=None),
    )


def pgledger(sql: Sequence[Path]) -> Peer:
    """A ledger of functions in the database, from files of its SQL, without a service before it.

    Every transfer is from one account, as every earning is of one funder.
    """
    return Peer(
        name=PGLEDGER_HOT,
        prepare=partial(_install_pgledger, sql),
        measure=partial(_measure, script=TRANSFER),
    )


async def _initialize(whole: Stand) -> None:
    await asyncio.to_thread(whole.run_pgbench, "--initialize", "--quiet", f"--scale={SCALE}")


async def _install_pgledger(sql: Sequence[Path], whole: Stand) -> None:
    for file in (*sql, ACCOUNTS):
        await whole.run_sql(file.read_text())


def _measure(whole: Stand, *, script: Path | None) -> Figures:
    before = whole.processor()
    said = whole.run_pgbench(
        "--protocol=prepared",
        *(f"--client={CLIENTS}", "--jobs=2", f"--time={SECONDS}", "--no-vacuum"),
        script=script.read_text() if script else None,
    )
    after = whole.processor()
    items = _number(r"actually processed: (\d+)", said)
    return Figures(
        per_second=_number(r"tps = ([\d.]+)", said),
        p50_ms=_number(r"latency average = ([\d.]+) ms", said),
        postgres_us=1e6 * (after["postgres"] - before["postgres"]) / items,
    )


def _number(shape: str, text: str) -> float:
    found = re.search(shape, text)
    assert found, text
    return float(found[1])
