"""The rules of tiers: what publications make of them, what overrides lay over them, policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from laurel_kit.calendar import day_start
from laurel_kit.programs.loading import examine
from laurel_scoring.domain.errors import LevelNotFound, OverrideEndInvalid, OverrideNotFound
from laurel_scoring.domain.tier_policies import Fall
from laurel_scoring.domain.tiers import (
    NOTHING_HELD,
    Cause,
    Holding,
    Ladder,
    Override,
    decide_move,
    decide_override,
    holding_of_balance,
    outlook_of,
    outlook_of_balance,
)
from laurel_scoring.wire.program import SECTION

from tests.support.programs import program_text
from tests.support.tiers import LEVELS, due_of, ladder, publication

NOW = datetime(2026, 3, 10, tzinfo=UTC)
YEAR = timedelta(days=366)


def played(ladder: Ladder, *levels: str) -> tuple[Holding, list[tuple[int, str, str]]]:
    """What is held after a publication a month, and the moves: month, cause, level after."""
    held, moves = NOTHING_HELD, []
    for number, level_id in enumerate(levels):
        move = decide_move(held, publication(number, level_id), ladder)
        if move:
            held = move.holding
            level = ladder.level(held.position).level_id
            moves.append((number, move.cause.value, level))
    return held, moves


def test_a_level_without_a_term_follows_each_publication() -> None:
    _, moves = played(ladder(), "bronze", "gold", "gold", "silver", "bronze")
    assert moves == [(1, "reached", "gold"), (3, "fell", "silver"), (4, "fell", "bronze")]


def test_a_term_holds_the_level_and_then_reassesses_a16_a17() -> None:
    terms = {"gold": 3, "silver": 3}
    held, moves = played(ladder(terms=terms), "gold", "bronze", "bronze", "silver", "bronze")
    assert moves == [(0, "reached", "gold"), (3, "fell", "silver")]
    assert (held.since_time, held.until_time) == (due_of(3), due_of(6))


def test_a_higher_level_starts_a_new_term_at_once_a19() -> None:
    held, moves = played(ladder(terms={"gold": 12, "silver": 12}), "silver", "silver", "gold")
    assert moves == [(0, "reached", "silver"), (2, "reached", "gold")]
    assert (held.since_time, held.until_time) == (due_of(2), due_of(14))


def test_a_term_that_is_over_is_renewed_while_the_score_reaches_it_a17() -> None:
    held, moves = played(ladder(terms={"gold": 2}), "gold", "bronze", "gold", "bronze")
    assert moves == [(0, "reached", "gold"), (2, "renewed", "gold")]
    assert (held.since_time, held.until_time) == (due_of(0), due_of(4))


def test_a_claw_back_ends_a_term_where_the_policy_says_so_a20() -> None:
    policy = ladder(terms={"gold": 12}, falls_within_term=True)
    _, moves = played(policy, "gold", "silver")
    assert moves == [(0, "reached", "gold"), (1, "fell", "silver")]


def test_one_level_down_takes_a_step_a_publication() -> None:
    _, moves = played(ladder(fall=Fall.ONE_LEVEL_DOWN), "diamond", "bronze", "bronze", "silver")
    assert [level for _, _, level in moves] == ["diamond", "gold", "silver"]


def test_a_grace_keeps_the_level_and_ends_well_or_not() -> None:
    policy = ladder(grace_days=40)
    held, moves = played(policy, "gold", "bronze", "bronze")
    assert moves == [(0, "reached", "gold"), (1, "grace_began", "gold")]
    assert held.grace_until_time is not None
    assert held.sure_until == held.grace_until_time == due_of(1) + timedelta(days=40)
    _, recovered = played(policy, "gold", "bronze", "gold")
    assert recovered[-1] == (2, "recovered", "gold")
    _, fell = played(policy, "gold", "bronze", "bronze", "bronze")
    assert fell[-1] == (3, "fell", "bronze")


def test_a_correction_takes_back_the_level_it_gave_and_no_other() -> None:
    policy = ladder(terms={"gold": 12})
    held, _ = played(policy, "bronze", "gold")
    corrected = decide_move(held, publication(1, "silver", run=2), policy)
    assert corrected is not None
    assert corrected.cause is Cause.CORRECTED
    assert policy.level(corrected.holding.position).level_id == "silver"
    assert decide_move(held, publication(2, "silver", run=2), policy) is None


def test_an_outlook_tells_what_is_missing_and_what_keeps_the_level() -> None:
    policy = ladder()
    held, _ = played(policy, "gold")
    month = publication(1, "gold").month
    outlook = outlook_of(
        held, 1500, policy.level(2), month=month, due_time=due_of(1), ladder=policy
    )
    assert outlook.next_level == policy.level(4)
    assert (outlook.missing_for_next, outlook.missing_to_keep) == (1500, 500)
    assert outlook.move is not None
    assert outlook.move.cause is Cause.FELL


def test_nothing_is_missing_above_the_highest_level() -> None:
    policy = ladder()
    held, _ = played(policy, LEVELS[-1])
    month = publication(1, LEVELS[-1]).month
    outlook = outlook_of(
        held, 3000, policy.level(4), month=month, due_time=due_of(1), ladder=policy
    )
    assert (outlook.next_level, outlook.missing_for_next, outlook.missing_to_keep) == (None, 0, 0)
    assert outlook.move is None


def test_of_levels_by_rank_an_outlook_says_the_score_only_k1() -> None:
    plain = ladder()
    ranked = replace(plain, levels=(*plain.levels[:3], replace(plain.levels[3], rank_size=1)))
    held, _ = played(plain, "gold")
    month = publication(1, "gold").month
    outlook = outlook_of(held, 10, plain.level(1), month=month, due_time=due_of(1), ladder=ranked)
    assert (outlook.value, outlook.move, outlook.next_level) == (10, None, None)
    assert (outlook.missing_for_next, outlook.missing_to_keep) == (0, 0)


@pytest.mark.parametrize(
    ("after", "value_after", "cause", "missing"),
    [("silver", 1500, Cause.FELL, 500), ("gold", 2500, Cause.RENEWED, 0)],
)
def test_an_outlook_of_a_balance_is_of_the_end_of_its_term_a17(
    after: str, value_after: int, cause: Cause, missing: int
) -> None:
    policy = ladder()
    end = date(2027, 1, 1)
    held = holding_of_balance(replace(policy.level(3), term_months=12), end, policy.zone)
    assert held.since_time == day_start(date(2026, 1, 1), policy.zone)
    then = holding_of_balance(policy.level(LEVELS.index(after) + 1), None, policy.zone)
    outlook = outlook_of_balance(
        held, value=2600, after=then, value_after=value_after, ladder=policy
    )
    assert outlook.due_time == held.until_time == day_start(end, policy.zone)
    assert (outlook.missing_for_next, outlook.missing_to_keep) == (400, missing)
    assert outlook.move is not None
    assert outlook.move.cause is cause


def laid(**fields: Any) -> Override:
    known = {
        "override_id": "o",
        "level_id": "gold",
        "reason": "r",
        "made_by": "a",
        "start_time": NOW - timedelta(days=1),
        "end_time": NOW + timedelta(days=1),
    }
    return Override(**{**known, **fields})


def decided(level_id: str, end_time: datetime | None, standing: Override | None = None) -> datetime:
    return decide_override(
        level_id, end_time, standing=standing, ladder=ladder(), now=NOW, lifetime_max=YEAR
    )


def test_an_override_ends_after_now_and_within_the_limit() -> None:
    assert decided("gold", NOW + YEAR) == NOW + YEAR
    for end_time in (NOW, NOW + YEAR + timedelta(microseconds=1)):
        with pytest.raises(OverrideEndInvalid):
            decided("gold", end_time)
    with pytest.raises(LevelNotFound):
        decided("platinum", NOW + YEAR)


def test_only_an_override_that_counts_can_be_lifted() -> None:
    assert decided("", None, laid()) == NOW
    for standing in (None, laid(end_time=NOW), laid(level_id="", end_time=NOW)):
        with pytest.raises(OverrideNotFound):
            decided("", None, standing)


JD = program_text()
POLICY = "    - {model_id: jingxiang, fall: reassess}\n"
GROWTH = "    - {model_id: chengzhang}\n"


@pytest.mark.parametrize(
    ("policies", "path", "says"),
    [
        ([("x", "")], "tier_policies[0].model_id", "no model 'x'"),
        ([("jingxiang", ""), ("jingxiang", "")], "tier_policies[1].model_id", "already"),
        (
            [("jingxiang", "terms: [{level_id: L9, months: 1}]")],
            "tier_policies[0].terms[0].level_id",
            "no level 'L9'",
        ),
        (
            [("jingxiang", "terms: [{level_id: L1, months: 1}]")],
            "tier_policies[0].terms[0].level_id",
            "lowest",
        ),
        (
            [("jingxiang", "terms: [{level_id: L2, months: 1}, {level_id: L2, months: 2}]")],
            "tier_policies[0].terms[1].level_id",
            "already",
        ),
        ([("jingxiang", ""), ("chengzhang", "grace_days: 1")], "tier_policies[1]", "own"),
        (
            [("jingxiang", "falls_within_term: true")],
            "tier_policies[0].falls_within_term",
            "no level has a term",
        ),
    ],
)
def test_a_wrong_tier_policy_is_found(
    policies: list[tuple[str, str]], path: str, says: str
) -> None:
    lines = (f"    - {{model_id: {model}, {rest}}}\n" for model, rest in policies)
    assert POLICY in JD
    found = [
        each
        for each in examine(JD.replace(GROWTH, "").replace(POLICY, "".join(lines)), SECTION).faults
        if each.path.startswith("scoring")
    ]
    assert [(each.path, says in each.message) for each in found] == [(f"scoring.{path}", True)]


def test_tiers_of_a_model_without_a_settlement_are_a_fault() -> None:
    text = JD.replace("      settlement: {day_of_month: 2}  # C1\n", "")
    (found,) = [e for e in examine(text, SECTION).faults if e.path.startswith("scoring.tier")]
    assert "no settlement" in found.message
