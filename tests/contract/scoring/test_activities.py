"""RecordActivities through a server: each fact is judged by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.type.money_pb2 import Money
from laurel.scoring.v1 import activities_pb2 as pb
from laurel_kit.clock import SettableClock
from sqlalchemy import text

from tests.support.databases import DatabaseOf
from tests.support.scoring import (
    MEMBER,
    PATIENCE,
    PROGRAM,
    Scoring,
    activity,
    credit,
    engagement,
    instant,
    line,
    number,
    profile,
    purchase,
    reason_of,
    refusal,
    returned,
    scoring,
    stamp,
)


async def rows(whole: Scoring) -> tuple[int, int]:
    """How many members and facts are stored."""
    counted = text("select (select count(*) from member), (select count(*) from activity)")
    async with whole.database.read() as connection:
        members, facts = (await connection.execute(counted)).one()
    return members, facts


def outcomes(results: Any) -> list[str]:
    """`recorded`, `replayed` or the reason of the refusal, of each result."""
    return [
        reason_of(each.error)
        if each.HasField("error")
        else ("replayed" if each.recorded.replayed else "recorded")
        for each in results
    ]


async def test_record_activities_judges_each_fact_by_itself(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    gold = pb.Payment(payment_method="shells", amount=Money(currency_code="CNY", units=1))
    paid = {"order_id": "o", "lines": [line(100)]}
    facts = [
        purchase("2026-03-01T10:00", line(100), order_id="o-1"),
        engagement("2026-03-01T10:00", "sing"),
        profile("2026-03-01T10:00", "voice_lock"),
        activity("2026-03-01T10:00", purchase=pb.Purchase(payments=[gold], **paid)),
        purchase("2026-03-01T10:00", line(-1)),
        purchase("2026-03-01T10:00", pb.PurchaseLine(line_id="1", quantity=1, paid=dollar())),
        credit("2026-03-01T10:00", credit_stars=6),
        purchase("2026-03-02T10:00", line(100), order_id="o-1"),
        returned("2026-03-02T10:00", "o-2"),
        returned("2026-03-02T10:00", "o-1", 2),
        engagement("2026-03-10T12:06", "login"),
        approval("2026-03-02T10:00", MEMBER),
        approval("2026-03-02T10:00", "m-2"),
        violation("2026-03-02T10:00", "dancing"),
        violation("2026-03-02T10:00", "misuse"),
        engagement("2026-03-10T12:05", "login"),
    ]
    async with scoring(database_of, clock) as whole:
        results = await whole.record(*facts)
        assert outcomes(results) == [
            "recorded",
            "NOT_IN_VOCABULARY",
            "NOT_IN_VOCABULARY",
            "NOT_IN_VOCABULARY",
            "AMOUNT_NEGATIVE",
            "AMOUNT_NOT_REPRESENTABLE",
            "CREDIT_OUT_OF_RANGE",
            "PURCHASE_LINE_REUSED",
            "RETURN_NOT_BOUGHT",
            "RETURN_EXCEEDS_PURCHASE",
            "TIME_IN_FUTURE",
            "APPROVAL_BY_AUTHOR",
            "recorded",
            "NOT_IN_VOCABULARY",
            "recorded",
            "recorded",
        ]
        assert [each.activity_id for each in results] == [each.activity_id for each in facts]
        assert await rows(whole) == (1, 4)
        for fact in (facts[12], facts[14]):
            asked = pb.GetActivityRequest(
                program_id=PROGRAM, member_id=MEMBER, activity_id=fact.activity_id
            )
            kept = (await whole.activities.GetActivity(asked, timeout=PATIENCE)).record
            assert kept.activity == fact
        listed = pb.ListActivitiesRequest(
            program_id=PROGRAM, member_id=MEMBER, kinds=[pb.ACTIVITY_KIND_VIOLATION]
        )
        records = (await whole.activities.ListActivities(listed, timeout=PATIENCE)).records
        assert [each.activity for each in records] == [facts[14]]


def approval(time: str, approver: str) -> pb.Activity:
    given = pb.Approval(review_id="review", approver_member_id=approver)
    return activity(time, approval=given)


def violation(time: str, kind: str) -> pb.Activity:
    return activity(time, violation=pb.Violation(kind=kind))


def dollar() -> Money:
    return Money(currency_code="USD", units=1)


async def test_record_activities_leaves_nothing_of_refused_facts(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        results = await whole.record(
            engagement("2026-03-01T10:00", "sing", member_id="m-2"),
            returned("2026-03-01T10:00", "o", member_id="m-3"),
        )
        assert outcomes(results) == ["NOT_IN_VOCABULARY", "RETURN_NOT_BOUGHT"]
        assert await rows(whole) == (0, 0)


async def test_record_activities_repeated_records_once(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    bought = purchase("2026-03-01T10:00", line(100), order_id="o-1")
    other = pb.Activity()
    other.CopyFrom(bought)
    other.purchase.lines[0].quantity = 2
    async with scoring(database_of, clock) as whole:
        first = await whole.record(bought, bought)
        assert outcomes(first) == ["recorded", "replayed"]
        clock.set(instant("2026-03-11T12:00"))
        again = await whole.record(bought, other)
        assert outcomes(again) == ["replayed", "ACTIVITY_ID_REUSED"]
        assert again[0].recorded.record_time == first[0].recorded.record_time
        other.member_id = "m-2"
        assert outcomes(await whole.record(other)) == ["recorded"]
        assert await rows(whole) == (2, 2)


async def test_record_activities_takes_a_return_before_its_purchase_in_a_request(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        back = returned("2026-03-02T10:00", "o-1")
        bought = purchase("2026-03-01T10:00", line(500_00), order_id="o-1")
        assert outcomes(await whole.record(back, bought)) == ["recorded", "recorded"]
        assert (await whole.score()).score.value == 0


async def test_record_activities_at_the_same_time_records_once(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    """Two return one piece at the same time: one of them is too many."""
    async with scoring(database_of, clock) as whole:
        await whole.recorded(purchase("2026-03-01T10:00", line(500_00), order_id="o-1"))
        same = engagement("2026-03-02T10:00", "login")
        answers = await asyncio.gather(
            *(whole.record(returned("2026-03-02T10:00", "o-1"), same) for _ in range(6))
        )
        returns, logins = zip(*(outcomes(answer) for answer in answers), strict=True)
        assert sorted(returns) == ["RETURN_EXCEEDS_PURCHASE"] * 5 + ["recorded"]
        assert sorted(logins) == ["recorded"] + ["replayed"] * 5
        assert await rows(whole) == (1, 3)


async def test_record_activities_of_many_members_cross_without_waiting_for_each_other(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    members = [f"m-{place}" for place in range(40)]
    async with scoring(database_of, clock) as whole:
        await asyncio.gather(
            *(
                whole.recorded(
                    *(engagement("2026-03-02T10:00", "login", member_id=each) for each in order)
                )
                for order in (members, members[::-1]) * 3
            )
        )
        assert await rows(whole) == (40, 240)


async def test_record_activities_needs_a_program(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        call = whole.record(engagement("2026-03-02T10:00", "login"), program_id="unknown")
        assert await refusal(call) == ("NOT_FOUND", "PROGRAM_NOT_FOUND")


def changed(fact: Any, **fields: Any) -> pb.Activity:
    copy = pb.Activity()
    copy.CopyFrom(fact)
    for name, content in fields.items():
        setattr(copy, name, content)
    return copy


RIGHT = engagement("2026-03-01T10:00", "login")
WRONG = {
    "no facts": [],
    "too many facts": [RIGHT] * 501,
    "no id": [changed(RIGHT, activity_id="")],
    "an id with a blank": [changed(RIGHT, activity_id="a b")],
    "no member": [changed(RIGHT, member_id="")],
    "no fact": [pb.Activity(activity_id="a", member_id="m", activity_time=RIGHT.activity_time)],
    "no time": [pb.Activity(activity_id="a", member_id="m", engagement=RIGHT.engagement)],
    "a purchase of nothing": [purchase("2026-03-01T10:00")],
    "no pieces": [purchase("2026-03-01T10:00", line(1, quantity=0))],
    "no price": [purchase("2026-03-01T10:00", pb.PurchaseLine(line_id="1", quantity=1))],
    "a return of nothing": [returned("2026-03-01T10:00", "o", 0)],
    "an empty report": [activity("2026-03-01T10:00", credit_report=pb.CreditReport())],
}


@pytest.mark.parametrize("facts", WRONG.values(), ids=WRONG.keys())
async def test_record_activities_refuses_what_breaks_the_contract(
    facts: list[pb.Activity], wrong_requests: Scoring
) -> None:
    call = wrong_requests.record(RIGHT, *facts) if facts else wrong_requests.record()
    assert await refusal(call) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert await rows(wrong_requests) == (0, 0)


@pytest.fixture
async def wrong_requests(database_of: DatabaseOf, clock: SettableClock) -> Any:
    async with scoring(database_of, clock) as whole:
        yield whole


async def test_record_activities_needs_a_deadline(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        request = pb.RecordActivitiesRequest(program_id=PROGRAM, activities=[RIGHT])
        call = whole.activities.RecordActivities(request)
        assert await refusal(call) == ("INVALID_ARGUMENT", "DEADLINE_REQUIRED")
        await whole.activities.RecordActivities(request, timeout=PATIENCE)


async def test_record_activities_of_a_full_request(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        facts = [
            activity(
                "2026-03-01T10:00",
                activity_id=number("full"),
                member_id=f"m-{place % 50}",
                engagement=pb.Engagement(kind="answer", subject_id=f"q-{place}"),
            )
            for place in range(500)
        ]
        assert set(outcomes(await whole.record(*facts))) == {"recorded"}
        assert await rows(whole) == (50, 500)
        answer = await whole.score(as_of_time=stamp(instant("2026-03-02T00:00")), member_id="m-7")
        assert answer.score.value == 20
