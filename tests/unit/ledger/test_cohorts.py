"""Cohorts folded from movements: every point is of one month, whoever takes it and whenever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.cohorts import (
    CohortFold,
    IssueMark,
    LotMonths,
    Months,
    month_of,
)
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import DueAccount, Group, decide_batch
from laurel_ledger.domain.reversal_terms import Shortfall
from laurel_ledger.storage.cohorts import read_months, write_months

from tests.support.ledger import (
    MEMBER,
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    capture,
    earn,
    group,
    hold,
    prolong,
    reverse,
    spend,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MARCH = 2026 * 12 + 2
KEY = AccountKey(PROGRAM, MEMBER, "bean")


@pytest.mark.parametrize(
    ("instant", "zone", "month"),
    [
        (datetime(2026, 3, 31, 15, 59, tzinfo=UTC), SHANGHAI, (2026, 3)),
        (datetime(2026, 3, 31, 16, tzinfo=UTC), SHANGHAI, (2026, 4)),
        (datetime(2026, 3, 31, 16, tzinfo=UTC), ZoneInfo("UTC"), (2026, 3)),
        (datetime(2025, 12, 31, 16, tzinfo=UTC), SHANGHAI, (2026, 1)),
    ],
)
def test_a_month_is_that_of_the_zone(instant, zone, month) -> None:
    months = Months(zone)
    months.of(instant + timedelta(days=40))
    found = month_of(months.of(instant))
    assert found == month_of(months.of(instant))
    assert (found.year, found.month, found.day) == (*month, 1)


def test_points_told_late_count_to_the_month_of_those_before_them() -> None:
    months = LotMonths(None).with_month(MARCH, 0).with_month(MARCH + 1, 100)
    assert months.with_month(MARCH, 150) == months


def test_months_whose_points_have_left_are_forgotten() -> None:
    months = LotMonths(None, (IssueMark(MARCH, 0), IssueMark(MARCH + 1, 10)))
    assert months.after(9) == months
    assert months.after(10).issued == (IssueMark(MARCH + 1, 10),)
    assert months.after(99).issued == (IssueMark(MARCH + 1, 10),)


def test_a_span_is_split_where_the_month_changes() -> None:
    months = LotMonths(None, (IssueMark(MARCH, 0), IssueMark(MARCH + 1, 10)))
    assert list(months.split(5, 10)) == [(MARCH, 5), (MARCH + 1, 5)]
    assert list(months.split(10, 1)) == [(MARCH + 1, 1)]
    assert list(months.split(0, 10)) == [(MARCH, 10)]


MONTHS = st.builds(
    LotMonths,
    st.none() | st.integers(0, 30_000),
    st.lists(st.builds(IssueMark, st.integers(0, 30_000), st.integers(0, 2**62))).map(tuple),
)


@given(months=MONTHS)
def test_months_are_read_as_they_were_stored(months: LotMonths) -> None:
    assert read_months(write_months(months)) == months


STEPS = st.lists(
    st.tuples(st.sampled_from(["earn", "spend", "expire"]), st.integers(1, 50), st.integers(0, 40)),
    max_size=30,
)


@given(steps=STEPS)
def test_cohorts_are_what_tracking_every_single_point_says(steps) -> None:
    """I14 against the plainest model there is: a list of points, each with its month and expiry."""
    books = Books(accounts={}, records={})
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    points: list[tuple[datetime, int]] = []
    expected: dict[tuple[int, int], list[int]] = {}
    now = NOON
    for kind, amount, days in steps:
        now += timedelta(days=days)
        asked = due() if kind == "expire" else group(*draft_of(kind, amount))
        decision = decide_batch(books, [asked], now=now, skew_max=SKEW)
        books = Books(accounts=books.accounts | decision.accounts, records={})
        for record in decision.records:
            if hasattr(record, "movements"):
                fold.add(record, shard_id=0)
                replay(record, points, expected)
        for lot in decision.accounts[KEY].lots if KEY in decision.accounts else ():
            name = (KEY, lot.lot_no)
            fold.months[name] = fold.months[name].after(lot.consumed)
    found = {
        (key.issue_month, key.expire_month): [change.issued, change.spent, change.expired]
        for key, change in fold.changes.items()
    }
    assert found == expected


def test_what_comes_back_and_what_is_taken_back_is_counted_by_itself() -> None:
    """A repaid debt is an earning that comes and goes: taken back after all, and never spent."""
    first, bought = earn(100), spend(60)
    owed = reverse(first, shortfall=Shortfall.DEBT)
    steps = [first, bought, reverse(bought, 20), owed, earn(50)]
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    decision = decide_batch(
        Books(accounts={}, records={}), [group(*steps)], now=NOON, skew_max=SKEW
    )
    for record in decision.records:
        fold.add(record, shard_id=0)
    (change,) = fold.changes.values()
    assert (change.issued, change.spent, change.restored, change.reversed) == (150, 60, 20, 100)
    assert decision.accounts[KEY].posted == 10


def test_held_points_are_spent_when_they_are_captured() -> None:
    placed = hold(30)
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    steps = group(earn(100), placed, capture(placed, 10, final=True))
    decision = decide_batch(Books(accounts={}, records={}), [steps], now=NOON, skew_max=SKEW)
    for record in decision.records:
        fold.add(record, shard_id=0)
    (change,) = fold.changes.values()
    assert (change.issued, change.spent) == (100, 10)


def test_points_that_come_back_count_to_the_month_of_the_last_ones_of_their_lot() -> None:
    first, bought = earn(10), spend(10)
    books = Books(accounts={}, records={})
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    for days, draft in ((0, first), (40, earn(5)), (40, bought), (80, reverse(bought))):
        decision = decide_batch(
            books, [group(draft)], now=NOON + timedelta(days=days), skew_max=SKEW
        )
        records = {record.request_key: record for record in decision.records}
        books = Books(accounts=decision.accounts, records=dict(books.records) | records)
        for record in decision.records:
            fold.add(record, shard_id=0)
    months = {key.issue_month: change.restored for key, change in fold.changes.items()}
    assert sorted(months.values()) == [0, 10]
    assert months[max(months)] == 10


def due() -> Group:
    return Group(due=(DueAccount(key=KEY, program_revision=TERMS.revision_id),))


def draft_of(kind: str, amount: int):
    return [earn(amount)] if kind == "earn" else [spend(amount)]


def replay(record, points, expected) -> None:
    """Move single points: the soonest expiry first, among those the first that came."""
    months = Months(TERMS.time_zone)
    column = {"EARN": 0, "SPEND": 1, "EXPIRY": 2}[record.type.name]
    for movement in record.movements:
        last = months.of(movement.expire_time - timedelta(microseconds=1))
        for _ in range(abs(movement.amount)):
            if movement.amount > 0:
                month = months.of(record.effective_time)
                points.append((movement.expire_time, month))
            else:
                index = next(i for i, each in enumerate(points) if each[0] == movement.expire_time)
                month = points.pop(index)[1]
            expected.setdefault((month, last), [0, 0, 0])[column] += 1


def test_extended_points_keep_their_month_of_issue_and_change_that_of_expiry() -> None:
    end = datetime(2027, 2, 1, tzinfo=SHANGHAI)
    books = Books(accounts={}, records={})
    fold = CohortFold(months={}, zones={PROGRAM: TERMS.time_zone})
    steps = ((0, earn(10, expire_time=end)), (40, earn(5, expire_time=end)), (40, spend(4)))
    for days, draft in (*steps, (41, prolong(datetime(2027, 7, 1, tzinfo=SHANGHAI)))):
        now = NOON + timedelta(days=days)
        decision = decide_batch(books, [group(draft)], now=now, skew_max=SKEW)
        books = Books(accounts=decision.accounts, records={})
        for record in decision.records:
            fold.add(record, shard_id=0)
    found = {
        (key.issue_month - MARCH, month_of(key.expire_month).month): (
            *(each.issued, each.spent, each.carried_out, each.carried_in),
        )
        for key, each in fold.changes.items()
    }
    assert found == {
        (0, 1): (10, 4, 6, 0),
        (1, 1): (5, 0, 5, 0),
        (0, 6): (0, 0, 0, 6),
        (1, 6): (0, 0, 0, 5),
    }
