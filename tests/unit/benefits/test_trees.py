"""Trees of the orchard: stages, speeds, water, helpers and harvests (L2, L5 to L9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.game_errors import FruitNotFound, OrchardNotFound, WaterTaskNotFound
from laurel_benefits.domain.harvests import (
    HarvestCase,
    HarvestState,
    decide_harvest,
    find_fruit,
    make_harvest,
    next_tree,
)
from laurel_benefits.domain.ids import (
    FruitId,
    HarvestId,
    MemberId,
    ProgramId,
    RequestId,
    WaterTaskId,
)
from laurel_benefits.domain.orchard_rules import Orchard
from laurel_benefits.domain.risks import MemberRisk, RiskDraft, RiskState, decide_risk
from laurel_benefits.domain.standings import NOT_ASKED, Score, Sight, Standing
from laurel_benefits.domain.trees import Tree, WaterCase, decide_watering, find_orchard, view_of
from laurel_benefits.domain.water import (
    HelpCase,
    TaskCase,
    decide_help,
    decide_task,
    find_task,
    period_of,
)

from tests.support.benefits_games import games
from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, jd

SPEEDS = {"L1": 100, "L2": 105, "L3": 110, "L4": 120, "L5": 130}
MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)


def orchard() -> Orchard:
    return find_orchard(games(), ProgramId("pinduoduo"))


def seen(level_id: str) -> Sight:
    score = Score(
        model_id=orchard().score_model_id,
        value=0,
        level_id=level_id,
        level_position=1,
        live=True,
        as_of_time=NOON,
        program_revision=REVISION,
    )
    return Sight(
        standing=Standing(
            score=score,
            attributes=frozenset(),
            credit_score=None,
            credit_stars=None,
            seen_time=NOON,
        )
    )


def tree(units: int = 0, drops: int = 0) -> Tree:
    return Tree(member=MEMBER, drops=drops, growth_hundredths=units * 100)


def water(grown: Tree, pours: int = 1, sight: Sight = NOT_ASKED, risk: MemberRisk | None = None):
    return decide_watering(
        WaterCase(
            orchard=orchard(),
            tree=grown,
            pours=pours,
            sight=sight,
            risk=risk,
            now=NOON,
            program_revision=REVISION,
        )
    )


def blocked() -> MemberRisk:
    draft = RiskDraft(member=MEMBER, state=RiskState.BLOCKED, reason="", maker="", expire_time=None)
    return decide_risk(draft, None, NOON)


@pytest.mark.parametrize(
    ("units", "stage", "next_units"),
    [
        (0, "小芽", 100),
        (99, "小芽", 100),
        (100, "小苗", 300),
        (299, "小苗", 300),
        (300, "树苗", 700),
        (700, "开花", 1200),
        (1200, "结果", 2000),
        (1999, "结果", 2000),
        (2000, "", 2000),
    ],
)
def test_a_tree_goes_through_its_stages_l5(units: int, stage: str, next_units: int) -> None:
    view = view_of(tree(units), orchard(), helpers_today=0)
    assert (view.stage_name, view.next_units, view.ripe) == (stage, next_units, units >= 2000)


@pytest.mark.parametrize(
    ("level", "units"),
    [
        ("L1", [10, 10, 10, 10]),
        ("L2", [10, 11, 10, 11]),
        ("L3", [11, 11, 11, 11]),
        ("L4", [12, 12, 12, 12]),
        ("L5", [13, 13, 13, 13]),
        ("unheard-of", [10, 10, 10, 10]),
    ],
)
def test_a_pour_grows_by_the_speed_of_the_level_with_carried_hundredths_l7(
    level: str, units: list[int]
) -> None:
    grown, found = tree(drops=40), []
    for _ in units:
        watering = water(grown, sight=seen(level))
        grown = watering.tree
        found.append(watering.units)
    assert found == units
    assert grown.drops == 0


@given(
    level=st.sampled_from(sorted(SPEEDS)),
    parts=st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=12),
)
def test_pours_come_to_the_same_however_they_are_divided_l7(level: str, parts: list[int]) -> None:
    whole = water(tree(drops=10_000), pours=sum(parts), sight=seen(level)).tree
    grown = tree(drops=10_000)
    for part in parts:
        grown = water(grown, pours=part, sight=seen(level)).tree
    assert grown == whole
    assert grown.units == sum(parts) * 10 * SPEEDS[level] // 100
    assert grown.carried_hundredths == sum(parts) * 10 * SPEEDS[level] % 100


def test_no_more_is_poured_than_makes_a_tree_ripe() -> None:
    watering = water(tree(1985, drops=1000), pours=100)
    assert (watering.pours, watering.units, watering.tree.drops) == (2, 20, 980)
    assert watering.tree.ripe(orchard())
    refused = water(watering.tree)
    assert [each.code for each in refused.decision.reasons] == [ReasonCode.TREE_RIPE]
    assert refused.tree == watering.tree


@pytest.mark.parametrize(("drops", "allowed"), [(29, False), (30, True)])
def test_three_pours_take_thirty_drops_l6(drops: int, allowed: bool) -> None:
    watering = water(tree(drops=drops), pours=3)
    assert watering.decision.allowed is allowed
    if not allowed:
        (reason,) = watering.decision.reasons
        assert (reason.code, reason.missing) == (ReasonCode.BALANCE_TOO_LOW, 1)


def test_a_tree_grows_at_full_speed_while_scoring_is_away() -> None:
    watering = water(tree(drops=10), sight=Sight(standing=None, degraded=True))
    assert (watering.units, watering.decision.degraded) == (10, True)
    assert watering.decision.allowed
    assert [each.code for each in watering.decision.reasons] == [ReasonCode.DEGRADED_DATA]


def task_case(task_id: str, now: datetime = NOON, **options: object) -> TaskCase:
    task = find_task(orchard(), WaterTaskId(task_id))
    case = TaskCase(
        task=task,
        period=period_of(task, now, SHANGHAI),
        used=0,
        subject="friend-1",
        subject_used=False,
        duration=timedelta(minutes=1),
        risk=None,
        now=now,
        day_end=MIDNIGHT,
        program_revision=REVISION,
    )
    return replace(case, **options)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (task_case("share"), None),
        (task_case("share", used=2), None),
        (task_case("share", used=3), ReasonCode.QUOTA_USED),
        (task_case("share", subject_used=True), ReasonCode.COOLDOWN),
        (task_case("share", subject=""), ReasonCode.ATTRIBUTE_MISSING),
        (task_case("browse", subject=""), None),
        (task_case("browse", duration=timedelta(seconds=59)), ReasonCode.AMOUNT_TOO_SMALL),
        (task_case("browse", duration=None), ReasonCode.AMOUNT_TOO_SMALL),
        (task_case("login"), None),
        (task_case("login", used=1), ReasonCode.QUOTA_USED),
        (task_case("share", risk=blocked()), ReasonCode.RISK_BLOCKED),
    ],
)
def test_a_task_gives_water_as_often_as_it_may_l6(case: TaskCase, code: ReasonCode | None) -> None:
    decision = decide_task(case)
    assert [each.code for each in decision.reasons] == ([code] if code else [])


@pytest.mark.parametrize(
    ("hour", "key", "next_hour"),
    [
        (0, "", 7),
        (7, "2026-03-10/7", 12),
        (9, "", 12),
        (13, "2026-03-10/12", 18),
        (20, "2026-03-10/18", 31),
        (21, "", 31),
    ],
)
def test_logging_in_gives_water_in_its_windows_l6(hour: int, key: str, next_hour: int) -> None:
    midnight = MIDNIGHT - timedelta(days=1)
    case = task_case("login", now=midnight + timedelta(hours=hour))
    assert case.period.key == key
    assert case.period.next_time == midnight + timedelta(hours=next_hour)
    (*reasons,) = decide_task(case).reasons
    assert [each.code for each in reasons] == ([] if key else [ReasonCode.OUTSIDE_WINDOW])


def help_case(**options: object) -> HelpCase:
    case = HelpCase(
        rules=orchard().help,
        member=MEMBER,
        helper_id=MemberId("m-2"),
        helped=False,
        helpers_today=0,
        device_helps=0,
        risk=None,
        helper_risk=None,
        now=NOON,
        day_end=MIDNIGHT,
        program_revision=REVISION,
    )
    return replace(case, **options)


@pytest.mark.parametrize(
    ("case", "code", "subject"),
    [
        (help_case(), None, ""),
        (help_case(helped=True), ReasonCode.COOLDOWN, "helper"),
        (help_case(helper_id=MEMBER.member_id), ReasonCode.SELF_HELP, "helper"),
        (help_case(device_helps=2), None, ""),
        (help_case(device_helps=3), ReasonCode.QUOTA_USED, "device"),
        (help_case(helpers_today=14), None, ""),
        (help_case(helpers_today=15), ReasonCode.QUOTA_USED, "helpers"),
        (help_case(risk=blocked()), ReasonCode.RISK_BLOCKED, "member"),
        (help_case(helper_risk=blocked()), ReasonCode.RISK_BLOCKED, "helper"),
    ],
)
def test_a_helper_counts_once_a_day_and_never_for_their_own_tree_l9(
    case: HelpCase, code: ReasonCode | None, subject: str
) -> None:
    reasons = [(each.code, each.subject) for each in decide_help(case).reasons]
    assert reasons == ([(code, subject)] if code else [])


@pytest.mark.parametrize(("helpers", "drops"), [(0, 5), (4, 5), (5, 35), (6, 5)])
def test_the_sixth_helper_brings_a_bonus_l6(helpers: int, drops: int) -> None:
    assert help_case(helpers_today=helpers).drops == drops


def test_without_rules_nobody_can_help() -> None:
    assert not decide_help(help_case(rules=None)).allowed


def harvest_case(units: int = 2000, **options: object) -> HarvestCase:
    case = HarvestCase(
        orchard=orchard(),
        tree=tree(units, drops=7),
        fruit=find_fruit(orchard(), FruitId("orange")),
        address="home",
        stock_left=1,
        sight=NOT_ASKED,
        risk=None,
        now=NOON,
        program_revision=REVISION,
    )
    return replace(case, **options)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (harvest_case(), None),
        (harvest_case(1999), ReasonCode.TREE_NOT_RIPE),
        (harvest_case(address=""), ReasonCode.ATTRIBUTE_MISSING),
        (harvest_case(stock_left=0), ReasonCode.STOCK_EXHAUSTED),
        (harvest_case(risk=blocked()), ReasonCode.RISK_BLOCKED),
    ],
)
def test_a_ripe_tree_gives_a_parcel_to_an_address_l8(
    case: HarvestCase, code: ReasonCode | None
) -> None:
    reasons = [each.code for each in decide_harvest(case).reasons]
    assert reasons == ([code] if code else [])


@pytest.mark.parametrize(("level", "grams"), [("L1", 2500), ("L4", 2750), ("L5", 3000)])
def test_a_higher_level_has_a_bigger_harvest_l2(level: str, grams: int) -> None:
    case = harvest_case(sight=seen(level))
    harvest = make_harvest(case, harvest_id=HarvestId("h"), ledger_request_id=RequestId("r"))
    assert (harvest.grams, harvest.points) == (grams, 0)
    assert (harvest.state, harvest.ledger_request_id) == (HarvestState.TAKEN, "")


def test_after_the_harvest_a_new_tree_begins_with_the_drops_that_are_left_l8() -> None:
    assert next_tree(tree(2003, drops=7)) == Tree(member=MEMBER, tree_no=2, drops=7)


def test_what_a_program_does_not_have_is_not_found() -> None:
    with pytest.raises(OrchardNotFound):
        find_orchard(jd(), ProgramId("jd"))
    with pytest.raises(WaterTaskNotFound):
        find_task(orchard(), WaterTaskId("dance"))
    with pytest.raises(FruitNotFound):
        find_fruit(orchard(), FruitId("durian"))
