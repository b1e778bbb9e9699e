"""The checker of histories finds each kind of fault, and nothing in a history that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.histories.checker import anomalies
from tests.histories.history import (
    EARN,
    EXPIRY,
    SPEND,
    Books,
    Entry,
    History,
    Moved,
    Operation,
    Reading,
    Refused,
    Request,
)

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
VOID = NOON + timedelta(hours=1)


def entry(version: int, request_id: str, type_: int, amount: int, after: int, *moved) -> Entry:
    """An entry that is posted in its version's second; points expire at their hour."""
    at = NOON + timedelta(seconds=version)
    return Entry(
        request_id=request_id,
        type=type_,
        version=version,
        amount=amount,
        posted_after=after,
        commit_time=VOID if type_ == EXPIRY else at,
        effective_time=VOID if type_ == EXPIRY else at,
        moved=moved,
    )


def right() -> tuple[History, Books]:
    """Two lots, of which the one that ends sooner is spent first, a refusal, an expiry."""
    entries = [
        entry(1, "earn-ever", EARN, 50, 50, Moved("ever", 50, 0, None)),
        entry(2, "earn-hour", EARN, 30, 80, Moved("hour", 30, 0, VOID)),
        entry(3, "spend", SPEND, -10, 70, Moved("hour", -10, 0, VOID)),
        entry(4, "expiry", EXPIRY, -20, 50, Moved("hour", -20, 10, VOID)),
    ]
    asked = [
        Request(
            request_id=each.request_id,
            member_id="m-1",
            type=each.type,
            amount=abs(each.amount),
            expire_time=each.moved[0].expire_time,
            group="pair" if each.type == EARN else "",
        )
        for each in entries[:3]
    ]
    operations = [
        Operation(request=request, begun=number, ended=number + 0.5, outcome=told)
        for number, (request, told) in enumerate(zip(asked, entries, strict=False))
    ]
    too_much = Request(request_id="too-much", member_id="m-1", type=SPEND, amount=71)
    refused = Refused(reason="INSUFFICIENT_POINTS", available=70)
    operations.append(Operation(request=too_much, begun=3.0, ended=3.5, outcome=refused))
    reading = Reading(
        member_id="m-1",
        begun=4.0,
        ended=4.5,
        version=3,
        posted=70,
        available=70,
        as_of_time=NOON + timedelta(minutes=1),
    )
    return History(operations=operations, readings=[reading]), Books(entries={"m-1": entries})


Damage = Callable[[History, list[Entry]], None]


def change(place: int, **columns: object) -> Damage:
    """An entry stands in the books with other values."""

    def do(_history: History, entries: list[Entry]) -> None:
        entries[place] = replace(entries[place], **columns)

    return do


def tell(place: int, outcome: object) -> Damage:
    """A client was told something else."""

    def do(history: History, _entries: list[Entry]) -> None:
        history.operations[place].outcome = outcome

    return do


def read(**values: object) -> Damage:
    """A balance was read with other values."""

    def do(history: History, _entries: list[Entry]) -> None:
        history.readings[0] = replace(history.readings[0], **values)

    return do


def spend_the_later_lot(history: History, entries: list[Entry]) -> None:
    """Points left a lot although others would have ended sooner."""
    entries[2] = replace(entries[2], moved=(Moved("ever", -10, 0, None),))
    history.operations[2].outcome = entries[2]


def post_twice(_history: History, entries: list[Entry]) -> None:
    """A repeat was posted anew."""
    entries[3:] = [replace(entries[2], version=4, posted_after=60)]


def ask_later(history: History, _entries: list[Entry]) -> None:
    """The first version belongs to somebody who asked after the second was answered."""
    history.operations[0].begun, history.operations[0].ended = 1.7, 1.9


PLANTED = {
    "lost": ("lost: spend", lambda _, entries: entries.pop(2)),
    "told otherwise": ("told otherwise: spend", change(2, posted_after=71)),
    "doubled": ("doubled: spend", post_twice),
    "never asked for": ("never asked for: other", change(2, request_id="other")),
    "a gap": ("versions of m-1 have gaps", change(3, version=5)),
    "time goes back": ("goes back at version 2", change(1, commit_time=NOON)),
    "another amount": ("another request than was asked", change(0, amount=51)),
    "balance": ("51 posted, 50 left", change(3, posted_after=51)),
    "order of lots": ("first to expire are {'hour': 10}", spend_the_later_lot),
    "void points": ("void points of hour", change(2, commit_time=VOID)),
    "too few expired": ("19 expired, 20 were void", change(3, amount=-19)),
    "unresolved": ("unresolved: spend", tell(2, None)),
    "refused, but posted": ("refused, but posted: spend", tell(2, Refused(reason="ANY"))),
    "torn": ("torn: some of pair", tell(0, Refused(reason="ANY"))),
    "real time": ("m-1 version 1 was asked for too late", ask_later),
    "stale": ("stale", read(version=2, posted=80, available=80)),
    "from the future": ("stale", read(version=5)),
    "misread": ("misread", read(posted=71)),
    "more than there is": ("misread", read(available=71)),
    "void and read": ("misread", read(as_of_time=VOID)),
    "refused wrongly": (
        "refused wrongly",
        tell(3, Refused(reason="INSUFFICIENT_POINTS", available=60)),
    ),
    "enough": ("refused wrongly", tell(3, Refused(reason="INSUFFICIENT_POINTS", available=80))),
}


def test_nothing_is_found_in_a_history_that_is_right() -> None:
    assert anomalies(*right()) == []


@pytest.mark.parametrize(("told", "damage"), PLANTED.values(), ids=PLANTED)
def test_every_kind_of_fault_is_found(told: str, damage: Damage) -> None:
    history, books = right()
    damage(history, books.entries["m-1"])
    found = anomalies(history, books)
    assert any(told in line for line in found), found


def test_what_no_client_may_see_and_what_the_ledger_finds_itself_are_told() -> None:
    history, books = right()
    history.surprises.append("unexpected: INTERNAL")
    told = anomalies(history, replace(books, differences=["bean is out of balance by 1"]))
    assert told == ["unexpected: INTERNAL", "bean is out of balance by 1"]
