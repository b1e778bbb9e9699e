"""GetScore and ExplainScore through a server."""

from __future__ import annotations

from laurel_kit.clock import SettableClock

from tests.support.databases import DatabaseOf
from tests.support.scoring import line, profile, purchase, scoring


async def test_get_score_values_what_was_recorded(
    database_of: DatabaseOf, clock: SettableClock
) -> None:
    async with scoring(database_of, clock) as whole:
        await whole.recorded(
            purchase("2026-02-01T10:00", line(864050, category_id="books")),
            profile("2026-01-01T10:00", "real_name"),
        )
        answer = await whole.score()
        assert answer.score.value == 8640 + 10 + 20 + 100
        assert list(answer.profile.attributes) == ["real_name"]
