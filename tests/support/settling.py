"""A process that settles a month until it is killed: `python -m tests.support.settling URL`.

It says how many members are done after each step.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from types import SimpleNamespace
from typing import cast

from laurel_kit.database import Database
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.service import Foundation
from laurel_scoring.config import ScoringSettings
from laurel_scoring.domain.settlements import SettlementKey, SettlementState
from laurel_scoring.handlers.resources import Resources
from laurel_scoring.handlers.settlements import begin, settle_next
from laurel_scoring.service import resources_of

from tests.support.clocks import settable_clock

KEY = SettlementKey(program_id="jd", model_id="jingxiang", month=date(2026, 3, 1))
CHUNK = 2
"""Members of a step: many steps, so that there is time to be killed between two of them."""


def resources_over(database: Database) -> Resources:
    """What settling needs; nobody starts operations or timers here."""
    settings = ScoringSettings(
        database_url="postgresql://nobody@127.0.0.1/nothing",
        sandbox=True,
        settlement_chunk=CHUNK,
        published_chunk=CHUNK,
    )
    foundation = SimpleNamespace(
        settings=settings,
        database=database,
        programs=ProgramRegistry,
        clock=settable_clock(),
        operations=None,
        timers=None,
    )
    return resources_of(cast("Foundation", foundation))


async def settle_on(url: str) -> None:
    """Settle to the end, if nobody ends the process before."""
    resources = resources_over(Database.open(url))
    settlement = await begin(KEY, "", resources=resources)
    while settlement.state is SettlementState.RUNNING:
        settlement = await settle_next(KEY, resources=resources)
        sys.stdout.write(f"{settlement.members_done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(settle_on(sys.argv[1]))
