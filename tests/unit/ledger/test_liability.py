"""What is owed and how much of it will expire; what is sealed when a period closes."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest
from laurel_kit.values import floor_basis_points
from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.errors import PeriodClosed, TimeInFuture
from laurel_ledger.domain.liability import BreakageBasis, Cohort, liability_of
from laurel_ledger.domain.periods import ChainEnd, ClosingBooks, check_open, decide_closing
from laurel_ledger.domain.trial_balance import Line, balance_of

from tests.support.ledger import NOON, PROGRAM, earn

THIS_MONTH = date(2026, 3, 1)


def cohort(issued: int, spent: int = 0, expired: int = 0, last: date | None = None) -> Cohort:
    return Cohort(
        funding_account_id="platform",
        issue_month=date(2025, 1, 1),
        expire_month=last,
        issued=issued,
        spent=spent,
        expired=expired,
    )


NEXT_YEAR = date(2027, 12, 1)


@pytest.mark.parametrize(
    ("counters", "last", "rate", "breakage"),
    [
        ((100, 0, 0), NEXT_YEAR, 1000, 10),
        ((109, 0, 0), NEXT_YEAR, 1000, 10),
        ((100, 95, 0), NEXT_YEAR, 1000, 5),
        ((100, 0, 4), NEXT_YEAR, 1000, 6),
        ((100, 0, 40), NEXT_YEAR, 1000, 0),
        ((100, 100, 0), NEXT_YEAR, 10_000, 0),
        ((100, 0, 0), None, 10_000, 0),
        ((100, 0, 0), NEXT_YEAR, 0, 0),
    ],
)
def test_breakage_is_a_share_of_what_was_issued(counters, last, rate, breakage) -> None:
    assert cohort(*counters, last=last).breakage_at(rate) == breakage


def owed(cohorts: list[Cohort], *, bps: int, fen: int) -> tuple[int | None, int | None]:
    """Face value and provision."""
    found = liability_of(cohorts, this_month=THIS_MONTH, rate_bps=bps, face_fen_per_10000=fen)
    return found.face_value, found.provision


def test_a_bean_is_owed_at_a_fen_p69_d13() -> None:
    outstanding = [cohort(3_000_000_000, last=NEXT_YEAR), cohort(1_000_000_000)]
    assert owed(outstanding, bps=0, fen=10_000) == (40_000_000_00, 40_000_000_00)
    # What is expected to become void is not set aside; the points that never do are.
    assert owed(outstanding, bps=1_000, fen=10_000) == (40_000_000_00, 37_000_000_00)
    assert owed(outstanding, bps=1_000, fen=0) == (None, None)


def test_the_worth_of_all_is_rounded_once_d13() -> None:
    assert owed([cohort(15), cohort(15)], bps=0, fen=1_000) == (3, 3)
    assert (
        liability_of(
            [cohort(15)], this_month=THIS_MONTH, rate_bps=0, face_fen_per_10000=1_000
        ).face_value_of(15)
        == 1
    )


def test_a_share_of_sales_is_given_in_beans_p69_q3() -> None:
    """1 % of 400 billion yuan are 4 billion; 1 ‰, of which the source speaks, are 0.4 billion."""
    sales = 400_000_000_000
    assert floor_basis_points(sales, 100) == 4_000_000_000
    assert floor_basis_points(sales, 10) == 400_000_000


@pytest.mark.parametrize(
    ("cohorts", "given", "rate", "basis"),
    [
        ([], None, 0, BreakageBasis.NO_HISTORY),
        ([cohort(100, 0, 9, date(2026, 3, 1))], None, 0, BreakageBasis.NO_HISTORY),
        ([cohort(100, 0, 9, date(2026, 2, 1))], None, 900, BreakageBasis.HISTORY),
        ([cohort(100, 0, 9, date(2026, 2, 1))], 0, 0, BreakageBasis.GIVEN),
        ([cohort(100, 0, 9, date(2026, 2, 1)), cohort(900)], None, 900, BreakageBasis.HISTORY),
        ([cohort(3, 2, 1, date(2025, 12, 1))], None, 3333, BreakageBasis.HISTORY),
    ],
)
def test_the_rate_of_breakage_is_given_or_from_history(cohorts, given, rate, basis) -> None:
    found = liability_of(cohorts, this_month=THIS_MONTH, rate_bps=given)
    assert (found.rate_bps, found.basis) == (rate, basis)


def test_the_liability_is_the_sum_of_its_cohorts() -> None:
    cohorts = [cohort(100, 30, 10, NEXT_YEAR), cohort(50)]
    found = liability_of(cohorts, this_month=THIS_MONTH, rate_bps=5000)
    assert (found.outstanding, found.breakage) == (110, 40)


def test_a_trial_balance_shows_what_does_not_add_up() -> None:
    lines = [
        Line("bean", AccountKind.FUNDING, "platform", -10),
        Line("bean", AccountKind.MEMBER, "", 9),
        Line("coin", AccountKind.MEMBER, "", 0),
    ]
    bean, coin = balance_of(PROGRAM, lines, NOON).assets
    assert (bean.difference, coin.difference) == (-1, 0)
    assert [line.kind for line in bean.lines] == [AccountKind.MEMBER, AccountKind.FUNDING]


BOOKS = ClosingBooks(
    lines=[Line("bean", AccountKind.MEMBER, "", 1)],
    cohorts={"bean": [cohort(1, last=NEXT_YEAR)]},
    chains=[ChainEnd(shard_id=0, last_position=7, chain_hash=b"\x01")],
)


def closing(end, until=None, books=BOOKS):
    return decide_closing(PROGRAM, end, books, closed_until=until, now=NOON)


@pytest.mark.parametrize(
    ("end", "until", "refusal"),
    [
        (NOON + timedelta(microseconds=1), None, TimeInFuture),
        (NOON, NOON, PeriodClosed),
        (NOON - timedelta(days=1), NOON, PeriodClosed),
    ],
)
def test_a_period_closes_neither_early_nor_twice(end, until, refusal) -> None:
    with pytest.raises(refusal):
        closing(end, until)


def test_a_period_begins_where_the_last_one_ended() -> None:
    yesterday = NOON - timedelta(days=1)
    first, content = closing(yesterday)
    second, _ = closing(NOON, yesterday)
    assert (first.start_time, second.start_time) == (None, first.end_time)
    assert first.seal == hashlib.sha256(content.encode()).hexdigest()


def test_a_seal_depends_on_everything_that_is_sealed() -> None:
    others = (
        ClosingBooks(lines=[], cohorts=BOOKS.cohorts, chains=BOOKS.chains),
        ClosingBooks(lines=BOOKS.lines, cohorts={}, chains=BOOKS.chains),
        ClosingBooks(lines=BOOKS.lines, cohorts=BOOKS.cohorts, chains=[]),
    )
    seals = {closing(NOON, books=books)[0].seal for books in (BOOKS, *others)}
    assert len(seals) == 4


@pytest.mark.parametrize(
    ("effective", "refused"),
    [(-timedelta(microseconds=1), True), (timedelta(), False), (None, False)],
)
def test_a_closed_period_takes_nothing_more(effective, refused) -> None:
    time = None if effective is None else NOON + effective
    draft = earn(1, effective_time=time)
    try:
        check_open(draft, {PROGRAM: NOON}, NOON + timedelta(days=1))
    except PeriodClosed:
        assert refused
    else:
        assert not refused


def test_a_clock_that_went_back_posts_nothing_into_a_closed_period() -> None:
    with pytest.raises(PeriodClosed):
        check_open(earn(1), {PROGRAM: NOON}, NOON - timedelta(seconds=1))
