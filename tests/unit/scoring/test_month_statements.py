"""Which models have a statement of their own, and which are left to the evaluator."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_scoring.domain.models import (
    FromEngagements,
    Level,
    PerCount,
    ScoreModel,
    TermEnd,
    Window,
)
from laurel_scoring.storage.month_statements import plan_months
from laurel_scoring.wire.conditions import compile_of

from tests.support.scoring_courses import StarsBelow
from tests.support.scoring_worlds import model, rule, shipped

REVIEW = rule(source=FromEngagements(kinds=frozenset({"review"})), award=PerCount(points=1))


@pytest.mark.parametrize(
    ("model_id", "program_id"), [("taoqi", "taobao"), ("ant-rank", "alipay"), ("jingxiang", "jd")]
)
def test_models_that_are_settled_have_statements(model_id: str, program_id: str) -> None:
    statement = plan_months(shipped(model_id, program_id))
    assert statement is not None
    assert statement == plan_months(shipped(model_id, program_id)), "what is kept hangs on it"


def asked(text: str) -> ScoreModel:
    return model(rule(condition=compile_of(text, "purchases")))


LEFT_OUT: dict[str, ScoreModel] = {
    "no schedule": model(rule(), settlement_day=None),
    "a running balance": model(rule(), at_term_end=TermEnd.DEDUCT),
    "a coefficient": replace(shipped("chengzhang"), at_term_end=None, settlement_day=2),
    "only from the first purchase on": model(replace(REVIEW, after_purchase=True)),
    "repeats": model(replace(REVIEW, repeat_order_days=15)),
    "articles that go back": model(replace(REVIEW, while_item_kept=True)),
    "conditions on articles": model(replace(REVIEW, reads_item=True)),
    "levels for buyers": model(
        rule(),
        levels=(
            Level(level_id="a", display_name="a", from_score=0, position=1),
            Level(level_id="b", display_name="b", from_score=0, position=2, after_purchase=True),
        ),
    ),
    "the size of a text": asked("size(category_id) > 2"),
    "the order of texts": asked('category_id < "b"'),
    "a loop": asked('payment_methods.exists(each, each == "online")'),
    "a backslash": asked('category_id == "\\\\"'),
    "a condition that is no expression": model(rule(condition=StarsBelow(1))),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_has_no_step_is_left_to_the_evaluator(name: str) -> None:
    assert plan_months(LEFT_OUT[name]) is None


def test_texts_of_an_author_stay_texts() -> None:
    statement = plan_months(asked("""category_id == "it's :so" && paid > 3"""))
    assert statement is not None
    assert r"line.category_id = 'it''s \:so'" in statement


def test_windows_of_rules_are_their_own() -> None:
    whole = rule(window=Window(months=None, live_until_now=False))
    assert plan_months(model(whole)) != plan_months(model(rule()))
