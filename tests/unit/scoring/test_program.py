"""Program files whose models are wrong: every fault at once, each with its path."""

from __future__ import annotations

import pytest
from laurel_kit.programs.loading import examine
from laurel_scoring.wire.program import SECTION

from tests.support.programs import PROGRAMS, shipped_text

HEAD = """
  - model_id: m
    display_name: m
    window: {months: 12}
    levels: [{level_id: L1, from_score: 0}]
    dimensions:
    - dimension_id: d
      rules:
"""
VOCABULARY = """
  vocabulary:
    engagement_kinds: [answer]
    profile_attributes: [real_name]
    payment_methods: [online]
    goods_classes: [physical]
    credit_score: {minimum: 0, maximum: 110}
  models:"""


def faults_of(models: str) -> list[tuple[str, str]]:
    """Path and text of what is wrong with the scoring section."""
    text = (
        "program_id: p\ndisplay_name: p\ntime_zone: UTC\nledger: {}\nbenefits: {}\nscoring:"
        + VOCABULARY
        + models
    )
    found = examine(text, SECTION).faults
    return [(each.path, each.message) for each in found if each.path.startswith("scoring")]


def faults_of_rule(rule: str) -> list[tuple[str, str]]:
    return faults_of(f"{HEAD}      - {{rule_id: r, {rule}}}\n")


@pytest.mark.parametrize("program_id", sorted(path.stem for path in PROGRAMS.glob("*.yaml")))
def test_every_program_that_is_shipped_is_right(program_id: str) -> None:
    examined = examine(shipped_text(program_id), SECTION)
    assert examined.faults == ()
    assert examined.program_id == program_id


@pytest.mark.parametrize(
    "rule",
    [
        "purchase: {}, per_amount: {points: 1, minor_units: 100, payment_methods: [online]}",
        "purchase: {}, per_count: {points: 1}, condition: paid > 100 && quantity < 3",
        "purchase: {}, per_distinct: {points: 1, key: sku}",
        "engagement: {kinds: [answer]}, per_count: {points: 1}, order_age_months_max: 6",
        "engagement: {kinds: [answer]}, per_count: {points: 1}, condition: subject_id != ''",
        "profile: {attribute: real_name}, while_set: {points: 1}",
        "credit: {measure: score}, per_unit: {points: 1}, caps: [{per: total, points_max: 5}]",
    ],
)
def test_a_right_rule_has_no_fault(rule: str) -> None:
    assert faults_of_rule(rule) == []


RULE = "scoring.models[0].dimensions[0].rules[0]"


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        ("engagement: {kinds: [sing]}, per_count: {points: 1}", "engagement.kinds", "sing"),
        ("profile: {attribute: qq}, while_set: {points: 1}", "profile.attribute", "qq"),
        ("credit: {measure: stars}, per_unit: {points: 1}", "credit.measure", "credit_stars"),
        (
            "purchase: {}, per_amount: {points: 1, minor_units: 1, payment_methods: [gold]}",
            "per_amount.payment_methods",
            "gold",
        ),
        ("purchase: {}, while_set: {points: 1}", "while_set", "per_amount"),
        ("profile: {attribute: real_name}, per_count: {points: 1}", "per_count", "while_set"),
        (
            "engagement: {kinds: [answer]}, per_amount: {points: 1, minor_units: 1}",
            "per_amount",
            "per_count",
        ),
        ("purchase: {}, per_distinct: {points: 1, key: subject}", "per_distinct.key", "key"),
        (
            "engagement: {kinds: [answer]}, per_distinct: {points: 1, key: shop}",
            "per_distinct.key",
            "key",
        ),
        (
            "purchase: {}, per_active_period: {points: 1, period: month, days_min: 32}",
            "per_active_period.days_min",
            "month",
        ),
        ("purchase: {}, per_count: {points: 1}, condition: kind == ''", "condition", "kind"),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 1}, condition: paid > 1",
            "condition",
            "paid",
        ),
        ("purchase: {}, per_count: {points: 1}, condition: paid", "condition", "INT"),
        (
            "profile: {attribute: real_name}, while_set: {points: 1}, condition: 1 == 1",
            "condition",
            "purchases",
        ),
        (
            "credit: {measure: score}, per_unit: {points: 1}, window: {months: 1}",
            "window",
            "window",
        ),
        (
            "purchase: {}, per_count: {points: 1}, order_age_months_max: 6",
            "order_age_months_max",
            "engagements",
        ),
        (
            "credit: {measure: score}, per_unit: {points: 1}, caps: [{per: day, points_max: 5}]",
            "caps[0].per",
            "day",
        ),
        (
            (
                "engagement: {kinds: [answer]}, per_count: {points: 1},"
                " caps: [{per: category, points_max: 5}]"
            ),
            "caps[0].per",
            "category",
        ),
        (
            (
                "purchase: {}, per_count: {points: 1},"
                " caps: [{per: day, points_max: 5}, {per: day, points_max: 6}]"
            ),
            "caps[1]",
            "same",
        ),
        (
            (
                "purchase: {}, per_count: {points: 1},"
                " caps: [{per: day, points_max: 5}, {per: month, points_max: 5}]"
            ),
            "caps[0]",
            "never bind",
        ),
    ],
)
def test_a_wrong_rule_says_where_and_why(rule: str, path: str, says: str) -> None:
    ((where, text),) = faults_of_rule(rule)
    assert where == f"{RULE}.{path}"
    assert says in text


def test_all_faults_of_a_section_are_said_at_once() -> None:
    faults = faults_of("""
  - model_id: m
    display_name: m
    window: {months: 12}
    ceilings: [{ceiling_id: c, condition: credit_points == 1, score_max: 5}]
    levels:
    - {level_id: L1, from_score: 1}
    - {level_id: L2, from_score: 1}
    - {level_id: L1, from_score: 9}
    dimensions:
    - dimension_id: d
      caps: [{per: day, points_max: 5}]
      rules:
      - {rule_id: r, profile: {attribute: qq}, while_set: {points: 1}}
    - dimension_id: d
      rules:
      - {rule_id: r, purchase: {}, per_count: {points: 1}}
  - model_id: m
    display_name: m
    window: {months: 12}
    levels: [{level_id: L1, from_score: 0}]
    dimensions: []
""")
    assert {path for path, _ in faults} == {
        "scoring.models[0].ceilings[0].condition",
        "scoring.models[0].levels[0].from_score",
        "scoring.models[0].levels[1].from_score",
        "scoring.models[0].levels[2].level_id",
        "scoring.models[0].dimensions[0].caps[0].per",
        "scoring.models[0].dimensions[0].rules[0].profile.attribute",
        "scoring.models[0].dimensions[1].dimension_id",
        "scoring.models[0].dimensions[1].rules[0].rule_id",
        "scoring.models[1].model_id",
        "scoring.models[1].dimensions",
    }


def test_a_section_with_holes_is_judged_without_falling_over() -> None:
    faults = faults_of("""
  - model_id: m
    dimensions:
    - dimension_id: d
      rules:
      - {rule_id: r, caps: [{}]}
      - {rule_id: q, credit: {}, per_unit: {}}
      - {rule_id: s, purchase: {}, per_distinct: {points: 1}}
      - {rule_id: t, purchase: {}, per_active_period: {points: 1}}
""")
    assert len(faults) > 5


BALANCE = """
  - model_id: m
    display_name: m
    window: {months: 12}
    balance: {at_term_end: restart}
    ceilings: [{ceiling_id: c, condition: credit_stars == 1, score_max: 5}]
    coefficient:
      coefficient_id: c
      dimension_ids: [x]
      credit: {measure: score}
      bands: [{from_value: 10}, {from_value: 10}, {from_value: 200}]
      return_ratio: {months: 12, orders_min: 5, bands: [{from_value: 0}, {from_value: 10001}]}
    levels:
    - {level_id: L1, from_score: 0, after_purchase: true}
    - {level_id: L2, from_score: 0, term_deduction: 5}
    - {level_id: L3, from_score: 9, term_months: 12, term_deduction: 5, invitation: {one_in: 2}}
    dimensions:
    - dimension_id: d
      suspension: {condition: copied > 1, bad_max: 5, months: 12}
      scale: {units_per_point: 1}
      rules:
      - {rule_id: r, profile: {attribute: real_name}, while_set: {points: 1}, window: {months: 1}}
      - rule_id: s
        purchase: {}
        per_active_period: {points: 1, period: year, days_min: 1, posting_day: 1}
        repeat_order_days: 1
        while_item_kept: true
        after_purchase: true
"""
PLAIN = """
  - model_id: m
    display_name: m
    window: {months: 12}
    levels:
    - {level_id: L1, from_score: 0, invitation: {one_in: 2}}
    - {level_id: L2, from_score: 1, term_months: 12, term_deduction: 5}
    dimensions:
    - dimension_id: d
      scale: {units_per_point: 1, factors: [{dimension_id: d, divisor: 1}]}
      rules:
      - rule_id: b
        credit: {measure: score}
        per_band: {bands: [{from_value: 5}, {from_value: 9}]}
      - {rule_id: c, purchase: {}, per_band: {bands: [{from_value: 0}]}}
      - rule_id: p
        purchase: {}
        per_active_period: {points: 1, period: day, days_min: 2, posting_day: 3, consecutive: true}
"""


def test_faults_of_balances_and_coefficients_are_said_at_once() -> None:
    model = "scoring.models[0]"
    assert {path for path, _ in faults_of(BALANCE)} == {
        f"{model}.window",
        f"{model}.ceilings",
        f"{model}.coefficient.dimension_ids",
        f"{model}.coefficient.bands[0].from_value",
        f"{model}.coefficient.bands[1].from_value",
        f"{model}.coefficient.bands[2]",
        f"{model}.coefficient.return_ratio.bands[1]",
        f"{model}.levels[0].after_purchase",
        f"{model}.levels[1].after_purchase",
        f"{model}.levels[1].from_score",
        f"{model}.levels[1].term_deduction",
        f"{model}.levels[2].term_deduction",
        f"{model}.levels[2].invitation",
        f"{model}.dimensions[0].suspension",
        f"{model}.dimensions[0].suspension.condition",
        f"{model}.dimensions[0].scale",
        f"{model}.dimensions[0].rules[0]",
        f"{model}.dimensions[0].rules[0].window",
        f"{model}.dimensions[0].rules[1].per_active_period.posting_day",
        f"{model}.dimensions[0].rules[1].repeat_order_days",
        f"{model}.dimensions[0].rules[1].while_item_kept",
        f"{model}.dimensions[0].rules[1].after_purchase",
    }


def test_what_only_balances_have_is_a_fault_elsewhere() -> None:
    model = "scoring.models[0]"
    assert {path for path, _ in faults_of(PLAIN)} == {
        f"{model}.levels[0].invitation",
        f"{model}.levels[1].term_months",
        f"{model}.levels[1].term_deduction",
        f"{model}.dimensions[0].scale.factors[0].dimension_id",
        f"{model}.dimensions[0].rules[0].per_band.bands[0].from_value",
        f"{model}.dimensions[0].rules[1].per_band",
        f"{model}.dimensions[0].rules[2].per_active_period.days_min",
        f"{model}.dimensions[0].rules[2].per_active_period.posting_day",
        f"{model}.dimensions[0].rules[2].per_active_period.consecutive",
    }


RANKS = """
  - model_id: m
    display_name: m
    window: {lifetime: {}}
    balance: {at_term_end: restart}
    levels:
    - {level_id: L1, from_score: 0, rank_size: 1}
    - {level_id: L2, from_score: 1, rank_size: 1, after_purchase: true}
    - {level_id: L3, from_score: 1, after_purchase: true}
    dimensions: [{dimension_id: d, rules: [{rule_id: r, purchase: {}, per_count: {points: 1}}]}]
"""


def test_faults_of_ranks_are_said_at_once() -> None:
    levels = "scoring.models[0].levels"
    assert {path for path, _ in faults_of(RANKS)} == {
        f"{levels}[0].rank_size",
        f"{levels}[0].from_score",
        f"{levels}[1].rank_size",
        f"{levels}[2].from_score",
        f"{levels}[2]",
    }


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("purchase: {}, per_count: {points: 1}, condition: paid > 5 && paid < 5", "never hold"),
        ("purchase: {}, per_count: {points: 1}, condition: quantity < 1", "never hold"),
        (
            "purchase: {}, per_count: {points: 1}, condition: goods_class == 'toys'",
            "compares goods_class with 'toys'",
        ),
        (
            "purchase: {}, per_count: {points: 1}, condition: \"'gold' in payment_methods\"",
            "compares payment_methods with 'gold'",
        ),
        (
            (
                "purchase: {}, per_count: {points: 1},"
                " condition: \"'online' in payment_methods && !('online' in payment_methods)\""
            ),
            "never hold",
        ),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 1}, condition: copied_bps > 10000",
            "never hold",
        ),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 1}, condition: kind == 'sing'",
            "compares kind with 'sing'",
        ),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 1}, condition: paid > 1",
            "reads paid, which engagements never have",
        ),
    ],
)
def test_a_condition_that_no_fact_meets_is_a_fault(rule: str, says: str) -> None:
    faults = faults_of_rule(rule)
    assert {where for where, _ in faults} == {f"{RULE}.condition"}
    assert any(says in text for _, text in faults)


@pytest.mark.parametrize(
    "condition",
    [
        "paid > 5 && paid < 7",
        "shop_id.startsWith('a') && shop_id != 'a'",
        "size(payment_methods) > 1",
        "paid > quantity",
        "payment_methods.exists(method, method == 'online')",
        "goods_class != ''",
        "!('online' in payment_methods)",
        "sku_id == 'a' || sku_id == 'b' && category_id != 'c'",
    ],
)
def test_a_condition_that_some_fact_meets_is_none(condition: str) -> None:
    rule = f'purchase: {{}}, per_count: {{points: 1}}, condition: "{condition}"'
    assert faults_of_rule(rule) == []


@pytest.mark.parametrize(
    ("rule", "cap"),
    [
        ("profile: {attribute: real_name}, while_set: {points: 5}", "{per: total, points_max: 5}"),
        ("credit: {measure: score}, per_unit: {points: 2}", "{per: total, points_max: 220}"),
        (
            "credit: {measure: score}, per_band: {bands: [{from_value: 0, points: 9}]}",
            "{per: total, points_max: 9}",
        ),
        (
            "purchase: {}, per_active_period: {points: 2, period: month, days_min: 1}",
            "{per: total, points_max: 26}",
        ),
        (
            "purchase: {}, per_active_period: {points: 2, period: day, days_min: 1}",
            "{per: month, points_max: 62}",
        ),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 2}",
            "{per: day, points_max: 10}, {per: day, times_max: 5}",
        ),
        (
            "engagement: {kinds: [answer]}, per_count: {points: 2}",
            "{per: day, times_max: 6}, {per: day, points_max: 11}",
        ),
    ],
)
def test_a_cap_that_can_never_bind_is_a_fault(rule: str, cap: str) -> None:
    ((where, text),) = faults_of_rule(f"{rule}, caps: [{cap}]")
    assert where == f"{RULE}.caps[0]"
    assert "never bind" in text


def test_caps_and_levels_above_all_rules_are_faults() -> None:
    faults = faults_of("""
  - model_id: m
    display_name: m
    window: {months: 12}
    levels:
    - {level_id: L1, from_score: 0}
    - {level_id: L2, from_score: 25}
    - {level_id: L3, from_score: 26}
    dimensions:
    - dimension_id: d
      caps: [{per: total, points_max: 10}]
      rules:
      - {rule_id: a, profile: {attribute: real_name}, while_set: {points: 4}}
      - rule_id: b
        engagement: {kinds: [answer]}
        per_count: {points: 1}
        caps: [{per: total, points_max: 6}]
    - dimension_id: e
      scale: {units_per_point: 1, points_max: 15}
      rules: [{rule_id: p, purchase: {}, per_amount: {points: 1, minor_units: 100}}]
""")
    assert [path for path, _ in faults] == [
        "scoring.models[0].levels[2].from_score",
        "scoring.models[0].dimensions[0].caps[0]",
    ]
