"""Positions of a lot compared: every point has one that brought it and at most one that took it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from laurel_ledger.domain.traces import LotEvent, trace
from laurel_ledger.domain.transactions import TransactionType

from tests.support.ledger import NOON


def events(prefix: str, amounts: list[int]) -> list[LotEvent]:
    """Events one after the other, without gaps."""
    found, position = [], 0
    for number, amount in enumerate(amounts):
        found.append(event(f"{prefix}{number}", position, amount))
        position += amount
    return found


def event(name: str, position: int, amount: int) -> LotEvent:
    return LotEvent(
        request_id=name,
        type=TransactionType.EARN if name.startswith("e") else TransactionType.SPEND,
        counter_account_id="platform",
        commit_time=NOON,
        effective_time=NOON,
        reason="",
        labels={},
        position=position,
        amount=amount,
    )


def told(brought: list[int], taken: list[int], start: int = 0) -> list[tuple]:
    stretches = trace(events("e", brought), events("s", taken), start)
    return [
        (each.position, each.amount, each.brought_by.request_id, names_taker(each))
        for each in stretches
    ]


def names_taker(stretch) -> str:
    return stretch.taken_by.request_id if stretch.taken_by else "-"


def test_trace_cuts_where_either_side_changes() -> None:
    assert told([10, 20], [5, 15]) == [
        (0, 5, "e0", "s0"),
        (5, 5, "e0", "s1"),
        (10, 10, "e1", "s1"),
        (20, 10, "e1", "-"),
    ]


def test_trace_of_a_lot_that_nobody_touched_is_what_filled_it() -> None:
    assert told([10, 20], []) == [(0, 10, "e0", "-"), (10, 20, "e1", "-")]


def test_trace_cuts_nothing_where_both_sides_change_at_once() -> None:
    assert told([10, 20], [10, 20]) == [(0, 10, "e0", "s0"), (10, 20, "e1", "s1")]


def test_trace_goes_on_in_the_middle_of_an_event() -> None:
    assert told([10, 20], [5, 15], start=12) == [(12, 8, "e1", "s1"), (20, 10, "e1", "-")]


AMOUNTS = st.lists(st.integers(1, 9), max_size=12)


@given(brought=AMOUNTS.filter(bool), taken=AMOUNTS)
def test_trace_tells_of_every_point_once_and_rightly(brought: list[int], taken: list[int]) -> None:
    while sum(taken) > sum(brought):
        taken = taken[:-1]
    owners = [index for index, amount in enumerate(brought) for _ in range(amount)]
    takers = [index for index, amount in enumerate(taken) for _ in range(amount)]
    point = 0
    for position, amount, by, to in told(brought, taken):
        assert position == point
        for number in range(position, position + amount):
            assert by == f"e{owners[number]}"
            assert to == (f"s{takers[number]}" if number < len(takers) else "-")
        point += amount
    assert point == sum(brought)
