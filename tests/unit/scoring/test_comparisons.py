"""What another revision would change, told member by member."""

from __future__ import annotations

from datetime import date

from laurel_scoring.domain.comparisons import LARGEST, Compared, Difference, Tally, tally_with
from laurel_scoring.domain.scores import Worth
from laurel_scoring.domain.windows import Span

from tests.support.scoring_worlds import ZONE, at
from tests.support.tiers import LEVELS, STEP, ladder

SPAN = Span(first=None, end=date(2026, 1, 1), until=at("2026-01-01"), zone=ZONE)


def compared(member_id: str, before: int, after: int) -> Compared:
    """A member valued by two models, each level a thousand points."""
    levels = ladder().levels
    values = [
        Worth(value=value, level=levels[min(value // STEP, len(LEVELS) - 1)], span=SPAN)
        for value in (before, after)
    ]
    return Compared(member_id=member_id, before=values[0], after=values[1])


def test_a_tally_counts_changes_moves_and_totals() -> None:
    found = tally_with(
        Tally(), [compared("a", 100, 100), compared("b", 900, 1000), compared("c", 2500, 800)]
    )
    assert (found.members, found.members_changed, found.last_member_id) == (3, 2, "c")
    assert (found.value_total, found.other_value_total) == (3500, 1900)
    moves = [(move.level_id, move.other_level_id, move.members) for move in found.moves]
    assert moves == [("bronze", "silver", 1), ("gold", "bronze", 1)]
    assert [each.member_id for each in found.largest] == ["c", "b"]


def test_a_tally_of_parts_is_that_of_the_whole() -> None:
    everybody = [compared(f"m-{n:03d}", n * 37 % 3000, n * 91 % 3000) for n in range(60)]
    whole = tally_with(Tally(), everybody)
    parts = tally_with(tally_with(Tally(), everybody[:23]), everybody[23:])
    assert parts == whole == tally_with(whole, [])
    assert len(whole.largest) == LARGEST
    changes = sorted(
        Difference(member_id=c.member_id, value=c.before.value, other_value=c.after.value).order
        for c in everybody
    )
    assert [each.order for each in whole.largest] == changes[:LARGEST]
