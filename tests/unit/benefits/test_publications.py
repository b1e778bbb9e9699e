"""When scores are published, and what they will cost a member then: I3, I15."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import Price
from laurel_benefits.domain.ids import PlanId
from laurel_benefits.domain.memberships import decide_quote, find_sold
from laurel_benefits.domain.publications import Forecast, next_publication
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.benefits_cases import VIP_PRICES
from tests.support.benefits_rules import NOON, REVISION, SHANGHAI, sight
from tests.support.programs import shipped_text

MOMENT = timedelta(microseconds=1)
THE_8TH = datetime(2026, 5, 7, 16, tzinfo=UTC)
"""The beginning of 8 May in Shanghai."""


def vip():
    examination = examine(shipped_text("taobao"), BenefitsSectionCompiler())
    assert examination.model, examination.faults
    return find_sold(examination.model, PlanId("88vip"))


def decide(score: int, forecast: Forecast | None = None):
    return decide_quote(
        vip(),
        sight(score),
        running_plans=(),
        risk=None,
        now=NOON,
        program_revision=REVISION,
        forecast=forecast,
    )


@pytest.mark.parametrize(
    ("now", "publish", "window_end"),
    [
        (THE_8TH - MOMENT, THE_8TH, datetime(2026, 4, 30, 16, tzinfo=UTC)),
        (THE_8TH, datetime(2026, 6, 7, 16, tzinfo=UTC), datetime(2026, 5, 31, 16, tzinfo=UTC)),
        (
            datetime(2026, 12, 20, tzinfo=UTC),
            datetime(2027, 1, 7, 16, tzinfo=UTC),
            datetime(2026, 12, 31, 16, tzinfo=UTC),
        ),
    ],
)
def test_a_score_is_published_next_on_the_8th_with_the_months_before_i3(
    now, publish, window_end
) -> None:
    publication = next_publication(8, now, SHANGHAI)
    assert (publication.publish_time, publication.window_end_time) == (publish, window_end)


@pytest.mark.parametrize(("score", "yuan"), VIP_PRICES)
def test_88vip_is_priced_by_the_score_i15_o40(score, yuan) -> None:
    assert decide(score).value == Price(price_fen=yuan * 100)


def test_the_near_miss_says_when_the_lower_price_is_published() -> None:
    near = decide(980, Forecast(score=1000, publish_time=THE_8TH)).near_miss
    assert near
    assert (near.missing, near.available_from, near.value) == (
        20,
        THE_8TH,
        Price(price_fen=8800),
    )


@pytest.mark.parametrize("foreseen", [0, 999])
def test_the_near_miss_is_the_next_band_where_the_publication_brings_nothing(foreseen) -> None:
    near = decide(980, Forecast(score=foreseen, publish_time=THE_8TH)).near_miss
    assert near
    assert (near.missing, near.available_from) == (20, None)
    assert decide(1000, Forecast(score=foreseen, publish_time=THE_8TH)).near_miss is None


def test_only_a_published_score_has_a_day() -> None:
    assert vip().publish_day == 8
