"""One outcome for every request id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from laurel.sandbox.v1.clock_pb2 import SetClockRequest
from laurel_kit import requests
from laurel_kit.database import Database
from laurel_kit.fingerprint import fingerprint
from laurel_kit.requests import RequestIdReused
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.support.databases import DatabaseOf
from tests.support.races import Meeting

FINGERPRINT = fingerprint(SetClockRequest()).encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    points: int
    paid_time: datetime
    days: tuple[date, ...]


ANSWER = Answer(
    points=2**60, paid_time=datetime(2026, 3, 1, 12, 0, 0, 123456, UTC), days=(date(2026, 2, 28),)
)
KEY = {"program_id": "jd", "member_id": "m-1", "request_id": "r-1", "method": "CompleteOrder"}


@pytest.fixture
async def database(database_of: DatabaseOf) -> Database:
    return await database_of("kit")


async def remember(database: Database, answer: Answer = ANSWER, **changes: str) -> None:
    async with database.begin() as connection:
        await requests.remember(
            connection, **{**KEY, **changes}, fingerprint=FINGERPRINT, answer=answer
        )


async def earlier(database: Database, print_: bytes = FINGERPRINT, **changes: str) -> Answer | None:
    async with database.begin() as connection:
        return await requests.earlier(
            connection, **{**KEY, **changes}, fingerprint=print_, answer=Answer
        )


async def test_a_repeat_is_given_the_first_answer(database: Database) -> None:
    assert await earlier(database) is None
    await remember(database)
    assert await earlier(database) == ANSWER


async def test_requests_of_two_members_never_meet(database: Database) -> None:
    await remember(database)
    assert await earlier(database, member_id="m-2") is None


async def test_other_content_is_refused_and_named(database: Database) -> None:
    await remember(database)
    other = SetClockRequest()
    other.current_time.FromSeconds(1)
    with pytest.raises(RequestIdReused) as refusal:
        await earlier(database, fingerprint(other).encoded)
    assert refusal.value.mismatched_fields == ("current_time",)


async def test_another_method_is_refused(database: Database) -> None:
    await remember(database)
    with pytest.raises(RequestIdReused) as refusal:
        await earlier(database, method="PurchaseMembership")
    assert refusal.value.mismatched_fields == ("method",)


async def test_a_race_for_one_request_id_has_one_outcome(database: Database) -> None:
    meeting = Meeting(4)

    async def pay(points: int) -> Answer:
        async def work(connection: AsyncConnection) -> Answer:
            found = await requests.earlier(
                connection, **KEY, fingerprint=FINGERPRINT, answer=Answer
            )
            if found:
                return found
            await meeting.arrive()
            answer = Answer(points=points, paid_time=ANSWER.paid_time, days=())
            await requests.remember(connection, **KEY, fingerprint=FINGERPRINT, answer=answer)
            return answer

        return await database.transact(work)

    answers = await asyncio.gather(*(pay(points) for points in range(4)))
    assert len({answer.points for answer in answers}) == 1
    async with database.read() as connection:
        assert (await connection.execute(text("select count(*) from request"))).scalar() == 1
