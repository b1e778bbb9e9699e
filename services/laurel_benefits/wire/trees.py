"""Trees: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import games_pb2 as pb

from laurel_benefits.domain.harvests import Harvest
from laurel_benefits.domain.ids import FruitId, MemberId, WaterTaskId
from laurel_benefits.domain.trees import TreeView
from laurel_benefits.handlers.harvests import HarvestedTree, HarvestTree
from laurel_benefits.handlers.trees import (
    CollectedWater,
    CollectWater,
    HelpedTree,
    HelpTree,
    TaskView,
    TreeSight,
    WateredTree,
    WaterTree,
)
from laurel_benefits.wire.decisions import write_decision
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import write_instant


def write_get_tree(seen: TreeSight) -> pb.GetTreeResponse:
    """A tree with what gives it water."""
    return pb.GetTreeResponse(
        tree=write_tree(seen.view),
        tasks=[write_task(task) for task in seen.tasks],
        speed_percent=seen.speed_percent,
        degraded=seen.degraded,
    )


def write_tree(view: TreeView) -> pb.Tree:
    """A member's tree."""
    tree = view.tree
    return pb.Tree(
        program_id=tree.member.program_id,
        member_id=tree.member.member_id,
        tree_no=tree.tree_no,
        stage_id=view.stage_id,
        stage_name=view.stage_name,
        units=tree.units,
        carried_hundredths=tree.carried_hundredths,
        next_units=view.next_units,
        ripe=view.ripe,
        drops=tree.drops,
        helpers_today=view.helpers_today,
    )


def write_task(view: TaskView) -> pb.TaskState:
    """Something that gives water."""
    return pb.TaskState(
        task_id=view.task.task_id,
        display_name=view.task.display_name,
        drops=view.task.drops,
        left=view.left,
        available_from=None if view.left else write_instant(view.period.next_time),
    )


def read_collect_water(request: pb.CollectWaterRequest) -> CollectWater:
    """The command in a request."""
    timed = request.HasField("duration")
    return CollectWater(
        key=read_write_key(request),
        task_id=WaterTaskId(request.task_id),
        subject=request.subject,
        duration=request.duration.ToTimedelta() if timed else None,
    )


def write_collect_water(answer: CollectedWater) -> pb.CollectWaterResponse:
    """The answer to a task that was done."""
    return pb.CollectWaterResponse(
        decision=write_decision(answer.decision),
        drops=answer.drops,
        tree=write_tree(answer.view),
        replayed=answer.replayed,
    )


def read_water_tree(request: pb.WaterTreeRequest) -> WaterTree:
    """The command in a request."""
    return WaterTree(key=read_write_key(request), pours=request.pours)


def write_water_tree(answer: WateredTree) -> pb.WaterTreeResponse:
    """The answer to water."""
    return pb.WaterTreeResponse(
        decision=write_decision(answer.decision),
        pours=answer.pours,
        units=answer.units,
        speed_percent=answer.speed_percent,
        tree=write_tree(answer.view),
        replayed=answer.replayed,
    )


def read_help_tree(request: pb.HelpTreeRequest) -> HelpTree:
    """The command in a request."""
    return HelpTree(
        key=read_write_key(request),
        helper_id=MemberId(request.helper_id),
        device_id=request.device_id,
    )


def write_help_tree(answer: HelpedTree) -> pb.HelpTreeResponse:
    """The answer to a help."""
    return pb.HelpTreeResponse(
        decision=write_decision(answer.decision),
        drops=answer.drops,
        bonus=answer.bonus,
        tree=write_tree(answer.view),
        replayed=answer.replayed,
    )


def read_harvest_tree(request: pb.HarvestTreeRequest) -> HarvestTree:
    """The command in a request."""
    return HarvestTree(
        key=read_write_key(request),
        fruit_id=FruitId(request.fruit_id),
        address=request.address,
    )


def write_harvest_tree(answer: HarvestedTree) -> pb.HarvestTreeResponse:
    """The answer to a wish for a fruit."""
    return pb.HarvestTreeResponse(
        decision=write_decision(answer.decision),
        harvest=write_harvest(answer.harvest) if answer.harvest else None,
        tree=write_tree(answer.view),
        replayed=answer.replayed,
    )


def write_harvest(harvest: Harvest) -> pb.Harvest:
    """The fruit of a tree."""
    return pb.Harvest(
        program_id=harvest.member.program_id,
        member_id=harvest.member.member_id,
        harvest_id=harvest.harvest_id,
        tree_no=harvest.tree_no,
        fruit_id=harvest.fruit_id,
        grams=harvest.grams,
        points=harvest.points,
        asset_id=harvest.asset_id,
        address=harvest.address,
        state=pb.HarvestState.Value(f"HARVEST_STATE_{harvest.state.value}"),
        refusal=harvest.refusal,
        ledger_request_id=harvest.ledger_request_id,
        harvest_time=write_instant(harvest.harvest_time),
        program_revision=harvest.program_revision,
    )
