"""Taobao's benefits: by published score, by membership, by invitation (I11 to I13, I16, I17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel_benefits.domain.coupon_rules import RateOff
from laurel_benefits.domain.decisions import Decision, ReasonCode, ShareOff
from laurel_benefits.domain.eligibility import (
    BenefitCase,
    Occasion,
    decide_benefit,
    find_benefit,
    worth_of,
)
from laurel_benefits.domain.gates import BirthDate
from laurel_benefits.domain.holdings import Holdings
from laurel_benefits.domain.ids import BenefitId, PlanId
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.savings import savings_of
from laurel_benefits.domain.standings import Sight
from laurel_benefits.domain.uses import BenefitUse, make_use
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.benefits_cases import APASS, TAOBAO_RIGHTS
from tests.support.benefits_rights import BORN
from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, sight
from tests.support.benefits_terms import membership
from tests.support.programs import shipped_text

DISCOUNT = "88vip-discount"
SHOP = "tmall-supermarket"
LEVELS = ("ordinary", "super", "apass")


@cache
def taobao() -> BenefitsProgram:
    examination = examine(shipped_text("taobao"), BenefitsSectionCompiler())
    assert examination.model, examination.faults
    return examination.model


def seen(score: int, level_id: str | None = None) -> Sight:
    """A member with a published score, and the level it gives or a tier."""
    found = sight(score).standing
    assert found
    assert found.score
    position = LEVELS.index(level_id) + 1 if level_id else 1 + (score >= 1000)
    held = replace(found.score, level_id=LEVELS[position - 1], level_position=position)
    return Sight(standing=replace(found, score=held))


def decide(
    benefit_id: str,
    known: Sight,
    *,
    vip: bool = False,
    shop_id: str = "",
    order_fen: int = 0,
    birth_date: BirthDate | None = BORN,
    now: datetime = NOON,
) -> Decision:
    running = (replace(membership(), plan_id=PlanId("88vip")),) if vip else ()
    return decide_benefit(
        BenefitCase(
            benefit=find_benefit(taobao(), BenefitId(benefit_id)),
            sight=known,
            holdings=Holdings(running=running),
            occasion=Occasion(birth_date=birth_date, order_fen=order_fen, shop_id=shop_id),
            now=now,
            zone=SHANGHAI,
            program_revision=REVISION,
        )
    )


@pytest.mark.parametrize(("score", "benefit_ids"), TAOBAO_RIGHTS)
def test_a_score_opens_its_benefits_i12_i13(score: int, benefit_ids: set[str]) -> None:
    allowed = {each for each in taobao().benefits if decide(each, seen(score)).allowed}
    assert allowed == benefit_ids


@pytest.mark.parametrize("benefit_id", ["88vip-video", "88vip-music", DISCOUNT])
def test_what_88vip_gives_asks_for_it_whatever_the_score_is_i16(benefit_id: str) -> None:
    refused = decide(benefit_id, seen(2600), shop_id=SHOP)
    assert [each.code for each in refused.reasons] == [ReasonCode.NOT_MEMBER]
    assert decide(benefit_id, seen(0), vip=True, shop_id=SHOP).allowed


@pytest.mark.parametrize(
    ("order_fen", "taken_off_fen"), [(0, None), (10_000, 500), (10_019, 500), (19, 0), (20, 1)]
)
def test_88vip_takes_five_percent_off_rounded_down_i16_x3(
    order_fen: int, taken_off_fen: int | None
) -> None:
    decision = decide(DISCOUNT, seen(0), vip=True, shop_id=SHOP, order_fen=order_fen)
    assert decision.value == ShareOff(
        rate_bps=500, amount_max_fen=None, taken_off_fen=taken_off_fen
    )


@pytest.mark.parametrize("shop_id", ["", "any-shop"])
def test_88vip_takes_nothing_off_in_other_shops_i16(shop_id: str) -> None:
    decision = decide(DISCOUNT, seen(0), vip=True, shop_id=shop_id, order_fen=10_000)
    (reason,) = decision.reasons
    assert (reason.code, reason.subject) == (ReasonCode.ITEM_EXCLUDED, "shop")
    assert decision.near_miss
    assert decision.near_miss.value == ShareOff(
        rate_bps=500, amount_max_fen=None, taken_off_fen=500
    )


@given(
    order_fen=st.integers(min_value=0, max_value=10**12),
    rate_bps=st.integers(min_value=1, max_value=10_000),
    most=st.none() | st.integers(min_value=0, max_value=10**6),
)
def test_a_share_never_takes_more_than_its_part_nor_its_most(
    order_fen: int, rate_bps: int, most: int | None
) -> None:
    benefit = replace(
        find_benefit(taobao(), BenefitId(DISCOUNT)),
        rate_off=RateOff(rate_bps=rate_bps, amount_max_fen=most),
    )
    value = worth_of(benefit, 0, order_fen)
    assert isinstance(value, ShareOff)
    taken = value.taken_off_fen or 0
    part = order_fen * rate_bps
    assert taken * 10_000 <= part
    assert taken == most or part < (taken + 1) * 10_000


def test_what_a_share_took_off_is_among_the_savings_i16() -> None:
    def use(order_fen: int, number: int) -> BenefitUse:
        used = make_use(
            decide(DISCOUNT, seen(0), vip=True, shop_id=SHOP, order_fen=order_fen),
            None,
            use_id=f"use-{number}",  # type: ignore[arg-type]  # Any name will do.
            member=MEMBER,
            benefit_id=BenefitId(DISCOUNT),
            reference="",
            order_id=None,
            stock_period=None,
            now=NOON,
        )
        assert used
        return used

    uses = [use(10_000, 1), use(3_000, 2), use(0, 3)]
    (line,) = savings_of(membership(), uses, rebate_orders=0).lines
    assert (line.benefit_id, line.times, line.amount_fen) == (DISCOUNT, 3, 650)


@pytest.mark.parametrize(("score", "level_id", "codes"), APASS)
def test_apass_is_by_invitation_only_p55_i17_o41(
    score: int, level_id: str, codes: list[str]
) -> None:
    decision = decide("apass-service", seen(score, level_id))
    assert [each.code.value for each in decision.reasons] == codes
    assert decision.allowed is (not codes)
    if codes == ["INVITATION_REQUIRED"]:
        assert decision.near_miss
        assert decision.near_miss.code is ReasonCode.INVITATION_REQUIRED


def test_a_score_below_the_invitation_says_how_much_is_missing_i11() -> None:
    score, invitation = decide("apass-service", seen(2400)).reasons
    assert (score.required, score.actual, score.missing) == (2500, 2400, 100)
    assert (invitation.subject, invitation.required) == ("apass", 3)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            "      score_source: tier\n      gate: {level_min: apass}",
            "      score_source: published\n      gate: {level_min: apass}",
            "benefits[5].gate.level_min",
        ),
        (
            "- {model_id: taoqi, fall: reassess}",
            "[]",
            "benefits[5].score_source",
        ),
        (
            "rate_off: {rate_bps: 500}",
            "rate_off: {rate_bps: 500}\n      amount_off_fen: 1",
            "benefits[2].rate_off",
        ),
        (
            "expiring_asset_ids: [coin, tmall-point]",
            "expiring_asset_ids: [coin, gold]",
            "reminders.expiring_asset_ids[1]",
        ),
    ],
)
def test_a_fault_is_found_at_its_path(old: str, new: str, path: str) -> None:
    text = shipped_text("taobao")
    assert text.count(old) == 1, old
    examination = examine(text.replace(old, new), BenefitsSectionCompiler())
    assert f"benefits.{path}" in [fault.path for fault in examination.faults]
