"""A process that settles is killed (`kill -9`): whoever goes on publishes the same bytes."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from laurel.scoring.v1 import settlements_pb2 as pb
from laurel_kit.clock import SettableClock

from tests.contract.scoring.test_courses import one_by_one, with_condition
from tests.contract.scoring.test_settlements import get, members, published, run, run_request
from tests.support.databases import DatabaseOf, TestDatabases
from tests.support.postgres import ROOT
from tests.support.scoring import Scoring, scoring

MEMBERS = 40
STEPS_BEFORE = 3
"""Steps that the killed process is seen to do."""


async def killed_in_the_middle(database_of: DatabaseOf) -> int:
    """Have another process settle, and kill it after some steps; the members it had done by then.

    It is killed while it does the next step, or between two of them: nobody knows.
    """
    access = await database_of.access("scoring")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.settling", access.url),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    done = 0
    for _ in range(STEPS_BEFORE):
        done = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    return done


async def settled(
    test_databases: TestDatabases, clock: SettableClock, program: str, *, killed: bool
) -> tuple[list[Any], pb.Settlement]:
    """Everything that a settlement published, and how it stands at its end."""
    database_of = DatabaseOf(test_databases)
    async with scoring(database_of, clock, program=program) as whole:
        await members(whole, MEMBERS)
        if killed:
            done = await killed_in_the_middle(database_of)
            await assert_in_the_middle(whole, done)
        await run(whole, run_request("2026-03"))
        result = await published(whole), await get(whole, "2026-03")
    await database_of.close()
    return result


async def assert_in_the_middle(whole: Scoring, done: int) -> None:
    """Whole steps are there and no part of another; the killed one may have ended one more."""
    settlement = await get(whole, "2026-03")
    assert settlement.state == pb.SETTLEMENT_STATE_RUNNING
    assert done <= settlement.members_done < MEMBERS
    assert len(await published(whole)) == settlement.members_done


@pytest.mark.parametrize(
    "program",
    [with_condition(), one_by_one()],
    ids=["courses", "one by one"],
)
async def test_run_settlement_killed_and_started_again_publishes_the_same_bytes(
    test_databases: TestDatabases, clock: SettableClock, program: str
) -> None:
    undisturbed = await settled(test_databases, clock, program, killed=False)
    assert await settled(test_databases, clock, program, killed=True) == undisturbed
    assert len(undisturbed[0]) == MEMBERS
