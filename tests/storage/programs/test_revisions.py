"""Revisions in a real PostgreSQL: races, several processes, what the registry sees when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from laurel_kit.clock import SettableClock
from laurel_kit.database import Database
from laurel_kit.programs.decisions import BEGINNING, Application
from laurel_kit.programs.errors import ProgramInvalid, ProgramNotFound, RevisionOutOfOrder
from laurel_kit.programs.registry import ProgramRegistry
from laurel_kit.programs.revisions import Revisions
from laurel_kit.programs.storage import REVISION
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from tests.support.databases import DatabaseOf
from tests.support.programs import WholeProgram, program_text

DAY = timedelta(days=1)


@dataclass
class Process:
    """One of several processes over the same database."""

    revisions: Revisions

    @property
    def registry(self) -> ProgramRegistry[Any]:
        return self.revisions.registry

    async def apply(
        self, request_id: str, source: str, effective_time: datetime | None = None
    ) -> Application:
        return await self.revisions.apply_revision(
            request_id=request_id, source=source, effective_time=effective_time
        )

    async def model_at(self, instant: datetime, program_id: str = "jd") -> str:
        async with self.revisions.database.read() as connection:
            return (await self.registry.at(connection, program_id, instant)).model


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


@pytest.fixture
def process(database: Database, clock: SettableClock) -> Process:
    return new_process(database, clock)


def new_process(database: Database, clock: SettableClock) -> Process:
    registry = ProgramRegistry(WholeProgram())
    return Process(Revisions(database=database, clock=clock, registry=registry))


async def count_rows(database: Database) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(REVISION))).scalar_one()


async def test_of_two_who_apply_the_same_file_one_stores_it(
    process: Process, database: Database
) -> None:
    source = program_text()
    answers = await asyncio.gather(*(process.apply(f"r-{n}", source) for n in range(6)))
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 5
    assert len({answer.revision.effective_time for answer in answers}) == 1
    assert await count_rows(database) == 1


async def test_of_two_who_repeat_one_request_one_stores_it(
    process: Process, database: Database
) -> None:
    source = program_text()
    answers = await asyncio.gather(*(process.apply("r-1", source) for _ in range(4)))
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert await count_rows(database) == 1


async def test_of_two_who_apply_different_files_for_one_time_one_is_refused(
    process: Process, database: Database
) -> None:
    files = [program_text(display_name=name) for name in ("one", "two")]
    outcomes = await asyncio.gather(
        *(process.apply(f"r-{n}", file, BEGINNING) for n, file in enumerate(files)),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {Application, RevisionOutOfOrder}
    assert await count_rows(database) == 1


async def test_a_file_with_faults_leaves_no_trace(process: Process, database: Database) -> None:
    with pytest.raises(ProgramInvalid) as refusal:
        await process.apply("r-1", program_text(display_name="7", time_zone="Mars"))
    assert refusal.value.faults == 2
    assert await count_rows(database) == 0
    with pytest.raises(ProgramNotFound):
        await process.model_at(datetime.now(UTC))


async def test_the_revision_is_chosen_by_the_time_of_the_fact(
    process: Process, clock: SettableClock
) -> None:
    now = clock.now()
    await process.apply("r-1", program_text(display_name="first"))
    await process.apply("r-2", program_text(display_name="second"))
    await process.apply("r-3", program_text(display_name="third"), now + DAY)
    moment = timedelta(microseconds=1)
    expected = {
        BEGINNING: "first",
        now - moment: "first",
        now: "second",
        now + DAY - moment: "second",
        now + DAY: "third",
    }
    assert {instant: await process.model_at(instant) for instant in expected} == expected
    with pytest.raises(ProgramNotFound):
        await process.model_at(BEGINNING - moment)


async def test_a_program_that_nobody_has_applied_is_not_found(process: Process) -> None:
    await process.apply("r-1", program_text())
    with pytest.raises(ProgramNotFound):
        await process.model_at(BEGINNING, program_id="other")


async def test_what_is_cached_needs_no_database(process: Process, clock: SettableClock) -> None:
    await process.apply("r-1", program_text(display_name="first"))
    revision = process.registry.cached("jd", clock.now())
    assert revision
    assert revision.model == "first"
    assert revision.time_zone.key == "Asia/Shanghai"
    no_connection: Any = None
    assert await process.registry.at(no_connection, "jd", clock.now()) == revision


async def test_another_process_sees_a_first_revision_at_once_and_a_later_one_on_refresh(
    process: Process, database: Database, clock: SettableClock
) -> None:
    other = new_process(database, clock)
    await process.apply("r-1", program_text(display_name="first"))
    assert await other.model_at(clock.now()) == "first"
    await process.apply("r-2", program_text(display_name="second"))
    assert await other.model_at(clock.now()) == "first"
    async with database.read() as connection:
        assert (await other.registry.latest(connection, "jd", clock.now())).model == "second"
    await process.apply("r-3", program_text(display_name="third"), clock.now() + DAY)
    async with database.read() as connection:
        await other.registry.refresh(connection)
    assert other.registry.cached("jd", clock.now() + DAY)


async def test_a_file_that_was_in_force_before_can_be_applied_again(
    process: Process, clock: SettableClock
) -> None:
    for days, name in enumerate(("first", "second", "first")):
        instant = clock.now() + days * DAY
        await process.apply(f"r-{days}", program_text(display_name=name), instant)
    assert await process.model_at(clock.now() + DAY) == "second"
    assert await process.model_at(clock.now() + 2 * DAY) == "first"


async def test_a_stored_file_that_is_no_longer_understood_does_not_hide_the_others(
    process: Process, database: Database, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    await process.apply("r-1", program_text(display_name="first"))
    async with database.begin() as connection:
        await connection.execute(
            text("""
                insert into program_revision
                values ('jd', :time, 'sha256:x', :time, 'r-2', 'program_id: jd')
            """),
            {"time": clock.now() + DAY},
        )
    async with database.read() as connection:
        await process.registry.refresh(connection)
    assert "sha256:x of jd is not understood" in caplog.text
    assert await process.model_at(clock.now()) == "first"


async def test_a_revision_is_never_changed_or_removed(process: Process, database: Database) -> None:
    await process.apply("r-1", program_text())
    for statement in ("update program_revision set source = ''", "delete from program_revision"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database.begin() as connection:
                await connection.execute(text(statement))
