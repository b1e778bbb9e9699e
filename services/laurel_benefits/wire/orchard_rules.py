"""The orchard of a program: from the message to the model, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel.program.v1 import games_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.ids import FruitId, ScoreModelId, WaterTaskId
from laurel_benefits.domain.orchard_rules import (
    PERCENT,
    Fruit,
    HelpRules,
    HourWindow,
    Orchard,
    TierSpeed,
    TreeStage,
    WaterTask,
    stage_faults,
    window_faults,
)
from laurel_benefits.domain.program_checks import Fault, not_one_of, repeated
from laurel_benefits.wire.gates import read_source
from laurel_benefits.wire.reference_faults import asset_faults, funding_faults, model_faults

ORCHARD = "benefits.orchard"


def read_orchard(message: pb.OrchardRules) -> Orchard:
    """The whole game."""
    tasks = [read_task(task) for task in message.tasks]
    fruits = [read_fruit(fruit) for fruit in message.fruits]
    return Orchard(
        score_model_id=ScoreModelId(message.score_model_id),
        score_source=read_source(message.score_source),
        pour_drops=message.pour_drops,
        pour_units=message.pour_units,
        stages=read_stages(message.stages),
        ripe_units=message.ripe_units,
        tier_speeds={each.level_id: read_speed(each) for each in message.tier_speeds},
        tasks={task.task_id: task for task in tasks},
        help=read_help(message.help) if message.HasField("help") else None,
        fruits={fruit.fruit_id: fruit for fruit in fruits},
    )


def read_stages(messages: Sequence[pb.TreeStage]) -> tuple[TreeStage, ...]:
    """The stages of a tree."""
    return tuple(
        TreeStage(
            stage_id=stage.stage_id,
            display_name=stage.display_name,
            from_units=stage.from_units,
        )
        for stage in messages
    )


def read_speed(message: pb.TierSpeed) -> TierSpeed:
    """What a level brings."""
    return TierSpeed(
        speed_percent=message.speed_percent, harvest_percent=message.harvest_percent or PERCENT
    )


def read_task(message: pb.WaterTask) -> WaterTask:
    """Something that gives water."""
    timed = message.HasField("least_duration")
    return WaterTask(
        task_id=WaterTaskId(message.task_id),
        display_name=message.display_name,
        drops=message.drops,
        daily_max=message.daily_max,
        windows=read_windows(message.windows),
        distinct_subjects=message.distinct_subjects,
        least_duration=message.least_duration.ToTimedelta() if timed else None,
    )


def read_windows(messages: Sequence[pb.HourWindow]) -> tuple[HourWindow, ...]:
    """Hours of the day."""
    return tuple(HourWindow(from_hour=each.from_hour, to_hour=each.to_hour) for each in messages)


def read_help(message: pb.HelpRules) -> HelpRules:
    """What helpers bring."""
    return HelpRules(
        drops=message.drops,
        bonus_helpers=message.bonus_helpers,
        bonus_drops=message.bonus_drops,
        helpers_daily_max=message.helpers_daily_max,
        device_daily_max=message.device_daily_max,
    )


def read_fruit(message: pb.Fruit) -> Fruit:
    """What a ripe tree gives."""
    return Fruit(
        fruit_id=FruitId(message.fruit_id),
        display_name=message.display_name,
        grams=message.grams,
        points=message.points,
        asset_id=message.asset_id,
        funding_account_id=message.funding_account_id,
        stock=message.stock or None,
    )


def orchard_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with the game."""
    orchard = program.benefits.orchard
    model_id, source = orchard.score_model_id, orchard.score_source
    yield from model_faults(program, model_id, ORCHARD, source=source)
    yield from speed_faults(program, orchard)
    if orchard.stages:
        yield from stage_faults(read_stages(orchard.stages), orchard.ripe_units, ORCHARD)
    stage_ids = [stage.stage_id for stage in orchard.stages]
    yield from repeated(f"{ORCHARD}.stages", "stage_id", stage_ids)
    yield from repeated(f"{ORCHARD}.tasks", "task_id", [each.task_id for each in orchard.tasks])
    for position, task in enumerate(orchard.tasks):
        yield from task_faults(task, f"{ORCHARD}.tasks[{position}]")
    fruit_ids = [fruit.fruit_id for fruit in orchard.fruits]
    yield from repeated(f"{ORCHARD}.fruits", "fruit_id", fruit_ids)
    for position, fruit in enumerate(orchard.fruits):
        yield from fruit_faults(program, fruit, f"{ORCHARD}.fruits[{position}]")


def speed_faults(program: Program, orchard: pb.OrchardRules) -> Iterator[Fault]:
    """Levels that the model does not have, or that stand twice."""
    levels = {
        model.model_id: [level.level_id for level in model.levels]
        for model in program.scoring.models
    }
    path = f"{ORCHARD}.tier_speeds"
    names = [each.level_id for each in orchard.tier_speeds]
    yield from repeated(path, "level_id", names)
    what = f"level of {orchard.score_model_id}"
    known = levels.get(orchard.score_model_id)
    if known is None:  # The model itself is a fault of its own.
        return
    for position, level_id in enumerate(names):
        yield from not_one_of(f"{path}[{position}].level_id", level_id, known, what=what)


def task_faults(task: pb.WaterTask, path: str) -> Iterator[Fault]:
    """Windows that are none, and a number of times that they contradict."""
    yield from window_faults(read_windows(task.windows), f"{path}.windows")
    if task.windows and task.daily_max != 1:
        yield f"{path}.daily_max", "must be 1 with windows: each gives water once"


def fruit_faults(program: Program, fruit: pb.Fruit, path: str) -> Iterator[Fault]:
    """A fruit that is nothing, and points that nobody pays."""
    if not fruit.grams and not fruit.points:
        yield path, "must have grams or points"
    if fruit.points:
        yield from asset_faults(program, f"{path}.asset_id", fruit.asset_id)
        account = fruit.funding_account_id
        yield from funding_faults(program, f"{path}.funding_account_id", account)
