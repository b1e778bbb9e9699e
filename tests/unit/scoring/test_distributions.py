"""The pyramid: how members are spread over levels."""

from __future__ import annotations

from laurel_scoring.domain.distributions import (
    WHOLE_BPS,
    distribution_of,
    members_of,
    pyramid,
    value_total_of,
)

from tests.support.tiers import ladder

LEVELS = ladder().levels


def test_the_shares_of_the_pyramid_sum_to_the_whole() -> None:
    spread = {"bronze": (1, 10), "silver": (1, 1500), "diamond": (1, 3000)}
    found = distribution_of(spread, (), {}, LEVELS)
    shares = pyramid(found, LEVELS)
    assert [share.share_bps for share in shares] == [3334, 3333, 0, 3333]
    assert sum(share.share_bps for share in shares) == WHOLE_BPS
    assert (members_of(found), value_total_of(found)) == (3, 4510)


def test_a_pyramid_of_nobody_has_levels_without_shares() -> None:
    shares = pyramid(distribution_of({}, (), {}, LEVELS), LEVELS)
    assert [(share.level.level_id, share.share_bps) for share in shares] == [
        ("bronze", 0),
        ("silver", 0),
        ("gold", 0),
        ("diamond", 0),
    ]


def test_who_never_left_the_lowest_level_holds_it_uncounted() -> None:
    spread = {"bronze": (7, 0), "gold": (3, 6000)}
    held = distribution_of(spread, (), {"gold": 2, "silver": 1, "bronze": 1}, LEVELS)
    assert [held.levels[level.level_id].members_holding for level in LEVELS] == [7, 1, 2, 0]
    none = distribution_of(spread, (), {}, LEVELS)
    assert {count.members_holding for count in none.levels.values()} == {0}
