"""Rules and ceilings that others leave nothing to are refused with the program, with their path."""

from __future__ import annotations

import pytest

from tests.unit.scoring.test_program import RULE, faults_of, faults_of_rule

CEILINGS = """
  - model_id: m
    display_name: m
    window: {{months: 12}}
    levels: [{{level_id: L1, from_score: 0}}]
    dimensions:
    - dimension_id: d
      rules: [{{rule_id: r, purchase: {{}}, per_count: {{points: 1}}}}]
    ceilings:
    - {{ceiling_id: a, condition: "{}", score_max: {}}}
    - {{ceiling_id: b, condition: "{}", score_max: {}}}
"""


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [
        (("credit_score < 50", 100), ("credit_score < 30", 200), 1),
        (("credit_score < 30", 200), ("credit_score <= 50", 100), 0),
        (("credit_score < 30", 100), ("credit_score < 30", 100), 1),
        (("credit_score < 60 || violations > 2", 9), ("violations >= 4", 9), 1),
        (("credit_score >= -1", 9), ("violations == 1 && credit_score == 5", 10), 1),
    ],
)
def test_a_ceiling_below_which_another_holds_the_score_is_a_fault(
    first: tuple[str, int], second: tuple[str, int], place: int
) -> None:
    ((where, text),) = faults_of(CEILINGS.format(*first, *second))
    assert where == f"scoring.models[0].ceilings[{place}]"
    assert "never bind" in text
    assert f"ceilings[{1 - place}]" in text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("credit_score < 30", 100), ("credit_score < 50", 200)),
        (("credit_score < 30", 100), ("credit_score <= 30", 100)),
        (("credit_score < 30", 100), ("violations > 1", 200)),
        (("credit_score < 30 && violations > 1", 100), ("credit_score < 30", 200)),
    ],
)
def test_ceilings_that_each_hold_somebody_are_none(
    first: tuple[str, int], second: tuple[str, int]
) -> None:
    assert faults_of(CEILINGS.format(*first, *second)) == []


def test_a_ceiling_above_every_score_is_a_fault() -> None:
    model = CEILINGS.format("credit_score < 30", 9, "violations > 1", 10).replace(
        "purchase: {}, per_count: {points: 1}",
        "profile: {attribute: real_name}, while_set: {points: 10}",
    )
    ((where, text),) = faults_of(model)
    assert where == "scoring.models[0].ceilings[1].score_max"
    assert "at most 10" in text


SUSPENDED = """
  - model_id: m
    display_name: m
    window: {{months: 12}}
    levels: [{{level_id: L1, from_score: 0}}]
    dimensions:
    - dimension_id: d
      suspension: {{condition: "{}", bad_max: 5, months: 12}}
      rules:
      - {{rule_id: r, engagement: {{kinds: [answer]}}, per_count: {{points: 1}}{}}}
"""


@pytest.mark.parametrize(
    ("bad", "condition"),
    [
        ("report_count >= 5", "report_count > 7"),
        ("copied_bps > 8000 || punctuation_stuffed", "copied_bps == 10000"),
        ("report_count >= 0", ""),
    ],
)
def test_a_rule_about_nothing_but_bad_engagements_is_a_fault(bad: str, condition: str) -> None:
    chosen = f', condition: "{condition}"' if condition else ""
    ((where, text),) = faults_of(SUSPENDED.format(bad, chosen))
    assert where == RULE
    assert "never reached" in text


@pytest.mark.parametrize(
    ("bad", "condition"),
    [
        ("report_count >= 5", "report_count > 3"),
        ("report_count >= 5", "item_paid >= 2000"),
        ("report_count >= 5", ""),
        # What is inside a text is not tried out for this: nothing is said.
        ("subject_id.startsWith('a')", "subject_id.startsWith('ab')"),
        ("!subject_id.startsWith('a')", "subject_id.endsWith('b')"),
    ],
)
def test_a_rule_that_good_engagements_meet_is_none(bad: str, condition: str) -> None:
    chosen = f', condition: "{condition}"' if condition else ""
    assert faults_of(SUSPENDED.format(bad, chosen)) == []


def test_a_text_may_begin_with_one_word_and_end_with_another() -> None:
    condition = "shop_id.startsWith('a') && shop_id.endsWith('b')"
    rule = f'purchase: {{}}, per_count: {{points: 1}}, condition: "{condition}"'
    assert faults_of_rule(rule) == []
