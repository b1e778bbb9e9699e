"""The benefits section of a program: what is read of it, and every fault that can be in it."""

from __future__ import annotations

import re

import pytest
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.programs import BenefitQuota, QuotaPeriod
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.benefits_games import games_text
from tests.support.benefits_rules import jd, plus
from tests.support.programs import program_text


def faults_with(*changes: tuple[str, str]) -> list[tuple[str, str]]:
    """Path and text of the faults of the JD file after changes, each made where its text stands
    first.
    """
    text = program_text()
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    examination = examine(text, BenefitsSectionCompiler())
    return [(fault.path, fault.message) for fault in examination.faults]


def test_the_file_as_it_is_has_no_fault() -> None:
    assert faults_with() == []


def test_everything_in_the_file_is_read() -> None:
    assert jd().earning.asset_id == "bean"
    assert plus().rebate is not None
    assert [band.score_from for band in plus().price_bands] == [0, 4501, 20001]
    benefits = {str(name): benefit for name, benefit in jd().benefits.items()}
    assert benefits["gift-pack"].score_source is ScoreSource.PUBLISHED
    assert benefits["single-free-return"].score_source is ScoreSource.LIVE
    level = benefits["internal-coupons"].gate.level_min
    assert level
    assert (level.level_id, level.position) == ("L3", 3)
    assert benefits["double-free-return"].quota == BenefitQuota(limit=3, period=QuotaPeriod.MONTH)
    assert [band.score_from for band in benefits["welfare-coupon"].amount_bands] == [0, 20000]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            "earning:\n    asset_id: bean",
            "earning:\n    asset_id: pea",
            "benefits.earning.asset_id",
        ),
        ("base_profile_id: seed", "base_profile_id: seeed", "benefits.earning.base_profile_id"),
        ("class_id: dong\n", "class_id: ding\n", "benefits.coupons.coupon_types[1].class_id"),
        (
            "excluded_classes: [dong]",
            "excluded_classes: [ding]",
            "benefits.coupons.stack_classes[0].excluded_classes[0]",
        ),
        (
            "type_id: dong-20-of-199",
            "type_id: jing-5",
            "benefits.coupons.coupon_types[1].coupon_type_id",
        ),
        (
            "redemption_account_id: order-payment",
            "redemption_account_id: platform",
            "benefits.spending.redemption_account_id",
        ),
        (
            "{goods_classes: [game_card], step_points",
            "{goods_classes: [movie_ticket], step_points",
            "benefits.spending.classes[2].goods_classes[0]",
        ),
        (
            "excluded_payment_methods: [mobile_red_packet]",
            "excluded_payment_methods: [barter]",
            "benefits.spending.excluded_payment_methods[0]",
        ),
        (
            "campaign_id: plus-member-day",
            "campaign_id: member-day",
            "benefits.campaigns[1].campaign_id",
        ),
        (
            "schedule: {month_days: [28]}\n      scope: {order_paid_min_fen: 9900}",
            "schedule: {first_day: 2026-03-02, last_day: 2026-03-01}",
            "benefits.campaigns[0].schedule.last_day",
        ),
        (
            "scope: {order_paid_min_fen: 9900, membership_plans: [plus-year]}",
            "scope: {membership_plans: [plus-week]}",
            "benefits.campaigns[1].scope.membership_plans[0]",
        ),
        (
            "funding_account_id: xinhua-books",
            "funding_account_id: order-payment",
            "benefits.campaigns[2].funding_account_id",
        ),
        (
            "{period: month, cap_points: 1000000}",
            "{period: day, cap_points: 1000000}",
            "benefits.earning.period_caps[1].period",
        ),
        (
            "- profile_id: jd2019",
            "- profile_id: seed",
            "benefits.earning.base_profiles[1].profile_id",
        ),
        (
            "categories: [computers, office, appliances, phones, digital]}\n    # D5",
            (
                "categories: [computers, computers2]}\n"
                "          - {rate_bps: 6, categories: [computers]}\n    # D5"
            ),
            "benefits.earning.base_profiles[1].category_rates[1].categories[0]",
        ),
        (
            "eligible_payment_methods: [online, cash_on_delivery, balance, gift_card]",
            "eligible_payment_methods: [online, barter]",
            "benefits.earning.eligible_payment_methods[1]",
        ),
        (
            "excluded_sale_types: [auction, group_buying]  # D6",
            "excluded_sale_types: [raffle]",
            "benefits.earning.excluded_sale_types[0]",
        ),
        (
            "score_model_id: jingxiang\n      score_source: live",
            "score_model_id: jingxian\n      score_source: live",
            "benefits.membership_plans[0].score_model_id",
        ),
        (
            "required_attributes: [real_name]",
            "required_attributes: [pseudonym]",
            "benefits.membership_plans[0].gate.required_attributes[0]",
        ),
        (
            "{score_from: 0, price_fen",
            "{score_from: 1, price_fen",
            "benefits.membership_plans[0].price_bands[0].score_from",
        ),
        (
            "{score_from: 20001, price_fen",
            "{score_from: 4501, price_fen",
            "benefits.membership_plans[0].price_bands[2].score_from",
        ),
        (
            "rebate:\n        funding_account_id: platform",
            "rebate:\n        funding_account_id: nobody",
            "benefits.membership_plans[0].rebate.funding_account_id",
        ),
        (
            "excluded_invoice_types: [vat_special]",
            "excluded_invoice_types: [receipt]",
            "benefits.membership_plans[0].rebate.excluded_invoice_types[0]",
        ),
        (
            "{cap_points: 50000}",
            "{purchased_before: 2018-01-01, cap_points: 50000}",
            "benefits.membership_plans[0].rebate.term_caps[1].purchased_before",
        ),
        (
            "{purchased_before: 2017-09-12, cap_points: 200000}",
            "{cap_points: 200000}",
            "benefits.membership_plans[0].rebate.term_caps[0].purchased_before",
        ),
        (
            "- {score_from: 0, price_fen: 0}\n",
            "- {score_from: 0, price_fen: 1}\n",
            "benefits.membership_plans[3].price_bands",
        ),
        (
            "{release_days: 30}",
            "{release_days: -1}",
            "benefits.membership_plans[3].trial.release_days",
        ),
        (
            "- channel_id: gift-code",
            "- channel_id: bank-points",
            "benefits.membership_plans[0].channels[2].channel_id",
        ),
        (
            "[{score_from: 0, price_fen: 14800}]",
            "[{score_from: 1, price_fen: 14800}]",
            "benefits.membership_plans[0].channels[1].price_bands[0].score_from",
        ),
        (
            "- benefit_id: vip-line",
            "- benefit_id: gift-pack",
            "benefits.benefits[5].benefit_id",
        ),
        ("level_min: L3", "level_min: L9", "benefits.benefits[7].gate.level_min"),
        (
            "last_day: {month: 6, day: 17}",
            "last_day: {month: 5, day: 31}",
            "benefits.benefits[18].window.year_days.last_day",
        ),
        (
            "first_day: 5, last_day: 20",
            "first_day: 20, last_day: 5",
            "benefits.benefits[3].window.month_days.last_day",
        ),
        (
            "membership_plans: [plus-year, plus-quarter, plus-month]}  # F25",
            "membership_plans: [plus-decade]}  # F25",
            "benefits.benefits[8].gate.membership_plans[0]",
        ),
        (
            "quota: {limit: 3, period: month}",
            "quota: {limit: 3, period: term}",
            "benefits.benefits[4].quota.period",
        ),
        (
            "quota: {limit: 3, period: month}",
            "quota: {limit: 0, period: month}",
            "benefits.benefits[4].quota.limit",
        ),
        (
            "quota: {limit: 3, period: month}",
            "quota: {limit: 3}",
            "benefits.benefits[4].quota.period",
        ),
        (
            "{score_from: 20000, amount_off_fen: 2000}",
            "{score_from: 0, amount_off_fen: 2000}",
            "benefits.benefits[9].amount_bands[1].score_from",
        ),
        (
            "check_in:\n    asset_id: bean",
            "check_in:\n    asset_id: pea",
            "benefits.check_in.asset_id",
        ),
        (
            "funding_account_id: platform\n    ladder_points",
            "funding_account_id: nobody\n    ladder_points",
            "benefits.check_in.funding_account_id",
        ),
        (
            "ladder_points: [5, 5,",
            "ladder_points: [5, 0,",
            "benefits.check_in.ladder_points[1]",
        ),
        (
            "amount_bands:  # C16",
            "amount_off_fen: 5\n      amount_bands:  # C16",
            "benefits.benefits[9].amount_off_fen",
        ),
        (
            "goods_classes: *goods_classes",
            (
                "goods_classes: [physical, virtual, service, game_card, movie_ticket, gift_card, "
                "investment_gold, farm_supplies, car, gadget]"
            ),
            "benefits.orders.goods_classes[9]",
        ),
    ],
)
def test_a_fault_is_found_at_its_path(old, new, path) -> None:
    assert [found for found, _ in faults_with((old, new))] == [path]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            "asset_id: red-packet\n    redemption",
            "asset_id: gold\n    redemption",
            "wallet.asset_id",
        ),
        (
            "redemption_account_id: cash-pay-out",
            "redemption_account_id: platform",
            "wallet.redemption_account_id",
        ),
        ("pay_out_min_fen: 1000", "pay_out_min_fen: 0", "wallet.pay_out_min_fen"),
        ("ladder_fen: [0, 0,", "ladder_fen: [0,", "check_in.cash.ladder_fen"),
        (
            "cash:\n      funding_account_id: platform",
            "cash:\n      funding_account_id: nobody",
            "check_in.cash.funding_account_id",
        ),
        (
            games_text()[games_text().index("  wallet:") : games_text().index("  orchard:")],
            "",
            "check_in.cash",
        ),
        (
            "score_model_id: vigor\n    pour",
            "score_model_id: x\n    pour",
            "orchard.score_model_id",
        ),
        ("from_units: 0}", "from_units: 1}", "orchard.stages[0].from_units"),
        ("from_units: 700}", "from_units: 300}", "orchard.stages[3].from_units"),
        ("ripe_units: 2000", "ripe_units: 1200", "orchard.ripe_units"),
        ("stage_id: sapling", "stage_id: sprout", "orchard.stages[2].stage_id"),
        ("level_id: L5, speed", "level_id: L6, speed", "orchard.tier_speeds[4].level_id"),
        ("level_id: L5, speed", "level_id: L4, speed", "orchard.tier_speeds[4].level_id"),
        ("to_hour: 14}", "to_hour: 12}", "orchard.tasks[0].windows[1].to_hour"),
        ("from_hour: 12", "from_hour: 8", "orchard.tasks[0].windows[1].from_hour"),
        ("daily_max: 1\n", "daily_max: 2\n", "orchard.tasks[0].daily_max"),
        ("task_id: browse", "task_id: share", "orchard.tasks[2].task_id"),
        ("fruit_id: apple", "fruit_id: orange", "orchard.fruits[1].fruit_id"),
        ("苹果, grams: 2500", "苹果", "orchard.fruits[1]"),
        (
            "苹果, grams: 2500",
            "苹果, points: 5, asset_id: pea, funding_account_id: platform",
            "orchard.fruits[1].asset_id",
        ),
        (
            "苹果, grams: 2500",
            "苹果, points: 5, asset_id: bean, funding_account_id: nobody",
            "orchard.fruits[1].funding_account_id",
        ),
    ],
)
def test_a_fault_of_a_game_is_found_at_its_path(old: str, new: str, path: str) -> None:
    examination = examine(games_text((old, new)), BenefitsSectionCompiler())
    assert [fault.path for fault in examination.faults] == [f"benefits.{path}"]


def test_all_faults_are_reported_at_once_with_their_lines() -> None:
    text = program_text()
    for old, new in [
        ("base_profile_id: seed", "base_profile_id: seeed"),
        ("level_min: L3", "level_min: L9"),
        ("{score_from: 0, price_fen", "{score_from: 1, price_fen"),
        (
            "membership_plans: [plus-year, plus-quarter, plus-month]}  # F25",
            "membership_plans: [plus-decade]}  # F25",
        ),
        ("quote_lifetime: 15m", "quote_lifetime: 15 minutes"),
    ]:
        text = text.replace(old, new, 1)
    examination = examine(text, BenefitsSectionCompiler())
    lines = text.splitlines()
    wrong = [lines[fault.line - 1] for fault in examination.faults]
    assert len(wrong) == 5
    for piece in ("seeed", "L9", "score_from: 1,", "plus-decade", "15 minutes"):
        assert any(piece in line for line in wrong), piece


@pytest.mark.parametrize(
    "section", ["orders", "earning", "membership_plans", "benefits", "check_in"]
)
def test_a_file_without_a_part_is_refused_and_not_stumbled_over(section) -> None:
    text = program_text()
    head, tail = text.split("\nbenefits:\n")
    part = re.compile(rf"(?ms)^  {section}:\n.*?(?=^  \w|\Z)")
    assert part.search(tail)
    examination = examine(
        f"{head}\nbenefits:\n{part.sub('', tail, count=1)}", BenefitsSectionCompiler()
    )
    may_be_absent = {"benefits"}  # Reminders of days in a row need check-ins.
    assert bool(examination.faults) is (section not in may_be_absent)


def test_points_buy_no_coupon_that_is_as_good_as_money_e10_o15() -> None:
    changed = ("      coupon_type_id: reading-50\n", "      coupon_type_id: jing-5\n")
    faults = faults_with(changed)
    assert [path for path, _ in faults] == ["benefits.mall.rewards[0].coupon_type_id"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("&plus_invoices [vat_ordinary]", "&plus_invoices [vat_odd]", "invoice_types[0]"),
        ("channels: [video-bundle]", "channels: [shop]", "membership_channels[0]"),
        ("segment_id: dormant-short, offers", "segment_id: asleep, offers", "segment_id"),
        ("segment_id: dormant-long, offers", "segment_id: dormant-short, offers", "segment_id"),
        ("tier_model_ids: [chengzhang]", "tier_model_ids: [taoqi]", "tier_model_ids[0]"),
        ("streaks: true  # J7", "ripe_trees: true", "reminders.ripe_trees"),
    ],
)
def test_what_a_program_names_must_be_declared(old, new, path) -> None:
    assert any(each.endswith(path) for each, _ in faults_with((old, new)))
