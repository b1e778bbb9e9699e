"""Models made up at random of everything that courses can express, and courses read back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as some
from laurel_kit.calendar import MONTHS_OF_YEAR
from laurel_kit.database import Connection, Database
from laurel_scoring.domain.facts import Fact
from laurel_scoring.domain.intake import Reported
from laurel_scoring.domain.models import (
    Cap,
    CapScope,
    CapUnit,
    Ceiling,
    DistinctKey,
    FromCredit,
    FromEngagements,
    FromProfile,
    FromPurchases,
    Measure,
    PerActivePeriod,
    PerAmount,
    PerCount,
    PerDistinct,
    Period,
    PerUnit,
    Range,
    Rule,
    ScoreModel,
    Vocabulary,
    WhileSet,
    Window,
)
from laurel_scoring.domain.settlements import due_time
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.storage.activities import insert_activities, raise_versions
from laurel_scoring.storage.courses import CourseKey
from sqlalchemy import text

from tests.support.clocks import settable_clock
from tests.support.scoring_worlds import ZONE, model, rule

VOCABULARY = Vocabulary(
    engagement_kinds=frozenset(),
    goods_classes=frozenset(),
    payment_methods=frozenset(),
    profile_attributes=frozenset(),
    credit={
        Measure.SCORE: Range(minimum=0, maximum=110),
        Measure.STARS: Range(minimum=1, maximum=5),
    },
)

windows = some.sampled_from([None, 1, 3, 12]).map(
    lambda months: Window(months=months, live_until_now=False)
)
points = some.integers(1, 20)
engagement_caps = some.builds(
    Cap,
    scope=some.sampled_from([CapScope.DAY, CapScope.MONTH]),
    unit=some.sampled_from(CapUnit),
    limit=some.integers(1, 30),
)
engagement_rules = some.builds(
    rule,
    source=some.builds(
        FromEngagements,
        kinds=some.frozensets(
            some.sampled_from(["review", "photo_review", "share", "login", "donation"]), min_size=1
        ),
    ),
    award=some.builds(PerCount, points=points),
    order_age_months_max=some.sampled_from([0, 0, 1, 6]),
    caps=some.lists(engagement_caps, max_size=1).map(tuple),
    window=some.none() | windows,
)
purchase_awards = some.one_of(
    some.builds(
        PerAmount,
        points=points,
        minor_units=some.sampled_from([1, 7, 100, 2000]),
        payment_methods=some.just(frozenset()),
    ),
    some.builds(PerCount, points=points),
    some.builds(
        PerDistinct,
        points=points,
        key=some.sampled_from([DistinctKey.CATEGORY, DistinctKey.SHOP, DistinctKey.SKU]),
    ),
    some.builds(
        PerActivePeriod,
        points=points,
        period=some.sampled_from([Period.MONTH, Period.YEAR]),
        days_min=some.integers(1, 3),
    ),
)
purchase_rules = some.builds(
    rule, source=some.just(FromPurchases()), award=purchase_awards, window=some.none() | windows
)
standing_rules = some.one_of(
    some.builds(
        rule,
        source=some.builds(FromProfile, attribute=some.sampled_from(["real_name", "qq"])),
        award=some.builds(WhileSet, points=points),
    ),
    some.builds(
        rule,
        source=some.builds(
            FromCredit,
            measure=some.sampled_from(Measure),
            refresh_day=some.sampled_from([0, 1, 2, 20]),
        ),
        award=some.builds(PerUnit, points=points),
    ),
)


@dataclass(frozen=True)
class StarsBelow:
    """The condition of a ceiling."""

    stars: int

    def holds(self, values: Mapping[str, str | int | bool | list[str]]) -> bool:
        known = values["credit_stars"]
        return isinstance(known, int) and known < self.stars


ceilings = some.builds(
    Ceiling,
    ceiling_id=some.just("c"),
    display_name=some.just("c"),
    condition=some.builds(StarsBelow, some.integers(0, 6)),
    score_max=some.integers(0, 300),
)


@some.composite
def models(draw: some.DrawFn) -> ScoreModel:
    """A model of a few rules, all of which courses can express."""
    rules: list[Rule] = draw(
        some.lists(engagement_rules | purchase_rules | standing_rules, min_size=1, max_size=6)
    )
    return model(
        *rules,
        window=draw(windows),
        ceilings=tuple(draw(some.lists(ceilings, max_size=2))),
        settlement_day=draw(some.sampled_from([1, 2, 15, 28])),
    )


async def record_lives(
    database: Database, program_id: str, lives: Sequence[Sequence[Fact]]
) -> list[str]:
    """Record the facts of some members as they are; the names of the members."""
    names = [f"m-{number}" for number in range(len(lives))]
    now = settable_clock().now()
    reports = [
        Reported(member_id=name, fact=fact, digest=b"0" * 16)
        for name, facts in zip(names, lives, strict=True)
        for fact in facts
    ]

    async def work(connection: Connection) -> None:
        versions = await raise_versions(connection, program_id, names, now=now)
        await insert_activities(connection, program_id, reports, versions, now=now)

    await database.transact(work)
    return names


async def courses_of(
    connection: Connection, key: CourseKey
) -> dict[str, tuple[list[int], list[int]]]:
    """The kept courses of a model: from which months on it is which score."""
    rows = await connection.execute(
        text("""
            select member_id, months, scores
            from score_course
            where program_id = :program_id and model_id = :model_id
        """),
        {"program_id": key.program_id, "model_id": key.model_id},
    )
    return {row.member_id: (row.months, row.scores) for row in rows}


def score_in(course: tuple[list[int], list[int]], month: int) -> int:
    """What a course says of a month."""
    months, scores = course
    place = bisect_right(months, month)
    return scores[place - 1] if place else 0


def settled_in(of: ScoreModel, month: int) -> Moment:
    """The moment of the settlement of a month, counted as courses do."""
    year, rest = divmod(month, MONTHS_OF_YEAR)
    due = due_time(of, date(year, rest + 1, 1), ZONE)
    return Moment(basis=Basis.PUBLISHED, instant=due, zone=ZONE)
