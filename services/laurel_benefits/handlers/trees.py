"""Grows trees: water comes in by tasks and helpers, and goes out by pours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from laurel_kit.calendar import business_day, day_end
from laurel_kit.database import Connection, LostRace
from laurel_kit.programs.registry import Revision

from laurel_benefits.domain.decisions import Decision
from laurel_benefits.domain.ids import MemberId, MemberKey, RevisionId, WaterTaskId
from laurel_benefits.domain.orchard_rules import Orchard, WaterTask
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.domain.trees import (
    TreeView,
    WaterCase,
    decide_watering,
    find_orchard,
    tier_of,
    view_of,
)
from laurel_benefits.domain.water import (
    HelpCase,
    TaskCase,
    TaskPeriod,
    decide_help,
    decide_task,
    find_task,
    period_of,
)
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.handlers.standings import see_standing
from laurel_benefits.storage import counters, trees
from laurel_benefits.storage.risks import latest_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Grove:
    """The orchard as a call finds it: the rules, and the day."""

    orchard: Orchard
    revision: Revision[BenefitsProgram]
    now: datetime

    @property
    def today(self) -> date:
        """The present business day."""
        return business_day(self.now, self.revision.time_zone)

    @property
    def day_end(self) -> datetime:
        """When it is over."""
        return day_end(self.today, self.revision.time_zone)

    @property
    def program_revision(self) -> RevisionId:
        """The revision that decides."""
        return RevisionId(self.revision.revision_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task, and how often it still gives water now."""

    task: WaterTask
    period: TaskPeriod
    used: int

    @property
    def left(self) -> int:
        """Times that are left; none where a limit was lowered."""
        return max(self.period.limit - self.used, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSight:
    """A tree with what gives it water, and how fast it grows now."""

    view: TreeView
    tasks: tuple[TaskView, ...]
    speed_percent: int
    degraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectWater:
    """A task that was done."""

    key: WriteKey
    task_id: WaterTaskId
    subject: str
    duration: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedWater:
    """The decision, and the tree with its drops."""

    decision: Decision
    drops: int
    view: TreeView
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterTree:
    """Water for a tree."""

    key: WriteKey
    pours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WateredTree:
    """The decision, and the tree that has grown."""

    decision: Decision
    pours: int
    units: int
    speed_percent: int
    view: TreeView
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpTree:
    """A friend who helps."""

    key: WriteKey
    helper_id: MemberId
    device_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpedTree:
    """The decision, and what the help brought."""

    decision: Decision
    drops: int
    bonus: bool
    view: TreeView
    replayed: bool = False


async def get_tree(member: MemberKey, *, resources: Resources) -> TreeSight:
    """A member's tree. Raises OrchardNotFound; never fails because scoring does."""
    grove = await grove_of(member, resources)
    orchard, zone = grove.orchard, grove.revision.time_zone
    sight = await see_standing(
        member, orchard.score_model_id, orchard.score_source, resources=resources
    )
    async with resources.database.snapshot() as connection:
        view = await view_tree(connection, member, grove)
        tasks = [
            await view_task(connection, member, task, period_of(task, grove.now, zone))
            for task in orchard.tasks.values()
        ]
    return TreeSight(
        view=view,
        tasks=tuple(tasks),
        speed_percent=tier_of(orchard, sight).speed_percent,
        degraded=sight.degraded,
    )


async def collect_water(command: CollectWater, *, resources: Resources) -> CollectedWater:
    """Give the drops of a task. Raises OrchardNotFound, WaterTaskNotFound."""
    member = command.key.member
    grove = await grove_of(member, resources)
    task = find_task(grove.orchard, command.task_id)

    async def decide(connection: Connection) -> CollectedWater:
        case = await task_case(connection, command, task, grove)
        decision = decide_task(case)
        if decision.allowed:
            tree = await trees.find_tree(connection, member)
            await trees.record_tree(connection, tree.with_drops(task.drops))
            await count_task(connection, command, case)
        view = await view_tree(connection, member, grove)
        drops = task.drops if decision.allowed else 0
        return CollectedWater(decision=decision, drops=drops, view=view)

    return await answer_once(command.key, CollectedWater, decide, resources=resources)


async def water_tree(command: WaterTree, *, resources: Resources) -> WateredTree:
    """Pour water on a tree. Raises OrchardNotFound; never fails because scoring does."""
    member = command.key.member
    grove = await grove_of(member, resources)
    sight = await see_standing(
        member, grove.orchard.score_model_id, grove.orchard.score_source, resources=resources
    )

    async def decide(connection: Connection) -> WateredTree:
        case = WaterCase(
            orchard=grove.orchard,
            tree=await trees.find_tree(connection, member),
            pours=command.pours,
            sight=sight,
            risk=await latest_risk(connection, member),
            now=grove.now,
            program_revision=grove.program_revision,
        )
        watering = decide_watering(case)
        if watering.decision.allowed:
            await trees.record_tree(connection, watering.tree)
        return WateredTree(
            decision=watering.decision,
            pours=watering.pours,
            units=watering.units,
            speed_percent=watering.speed_percent,
            view=await view_tree(connection, member, grove),
        )

    return await answer_once(command.key, WateredTree, decide, resources=resources)


async def help_tree(command: HelpTree, *, resources: Resources) -> HelpedTree:
    """Let a friend bring water to a tree. Raises OrchardNotFound.

    The write is one of the member whose tree it is; of the helper nothing is written.
    """
    member = command.key.member
    grove = await grove_of(member, resources)

    async def decide(connection: Connection) -> HelpedTree:
        case = await help_case(connection, command, grove)
        decision = decide_help(case)
        if decision.allowed:
            tree = await trees.find_tree(connection, member)
            await trees.record_tree(connection, tree.with_drops(case.drops))
            await record_help(connection, command, case, grove)
        return HelpedTree(
            decision=decision,
            drops=case.drops if decision.allowed else 0,
            bonus=decision.allowed and case.bonus,
            view=await view_tree(connection, member, grove),
        )

    return await answer_once(command.key, HelpedTree, decide, resources=resources)


async def grove_of(member: MemberKey, resources: Resources) -> Grove:
    """The orchard of a member's program. Raises OrchardNotFound."""
    revision = await revision_now(member.program_id, resources)
    orchard = find_orchard(revision.model, member.program_id)
    return Grove(orchard=orchard, revision=revision, now=resources.clock.now())


async def view_tree(connection: Connection, member: MemberKey, grove: Grove) -> TreeView:
    """A member's tree as it now is."""
    tree = await trees.find_tree(connection, member)
    helpers = await trees.helpers_of(connection, member, grove.today)
    return view_of(tree, grove.orchard, helpers_today=helpers)


async def view_task(
    connection: Connection, member: MemberKey, task: WaterTask, period: TaskPeriod
) -> TaskView:
    """A task with what it has left."""
    used = await counters.used_by_member(connection, member, task_counter(task), period.key)
    return TaskView(task=task, period=period, used=used)


async def task_case(
    connection: Connection, command: CollectWater, task: WaterTask, grove: Grove
) -> TaskCase:
    """What a task that was done is decided on."""
    member = command.key.member
    view = await view_task(
        connection, member, task, period_of(task, grove.now, grove.revision.time_zone)
    )
    subject_used = await counters.used_by_member(
        connection, member, subject_counter(task, command.subject), grove.today.isoformat()
    )
    return TaskCase(
        task=task,
        period=view.period,
        used=view.used,
        subject=command.subject,
        subject_used=subject_used > 0,
        duration=command.duration,
        risk=await latest_risk(connection, member),
        now=grove.now,
        day_end=grove.day_end,
        program_revision=grove.program_revision,
    )


async def count_task(connection: Connection, command: CollectWater, case: TaskCase) -> None:
    """Count a task to the member, and what it was about."""
    member, task = command.key.member, case.task
    await counters.count_member(connection, member, task_counter(task), case.period.key)
    if task.distinct_subjects:
        day = case.period.key.partition("/")[0]
        await counters.count_member(connection, member, subject_counter(task, command.subject), day)


async def help_case(connection: Connection, command: HelpTree, grove: Grove) -> HelpCase:
    """What a help is decided on."""
    member, today = command.key.member, grove.today
    helper = MemberKey(program_id=member.program_id, member_id=command.helper_id)
    return HelpCase(
        rules=grove.orchard.help,
        member=member,
        helper_id=command.helper_id,
        helped=await trees.has_helped(connection, member, today, command.helper_id),
        helpers_today=await trees.helpers_of(connection, member, today),
        device_helps=await counters.used_of_program(
            connection, member.program_id, device_counter(command), today.isoformat()
        ),
        risk=await latest_risk(connection, member),
        helper_risk=await latest_risk(connection, helper),
        now=grove.now,
        day_end=grove.day_end,
        program_revision=grove.program_revision,
    )


async def record_help(
    connection: Connection, command: HelpTree, case: HelpCase, grove: Grove
) -> None:
    """Store a help, and count it to its device; who finds the device used up decides again."""
    assert case.rules is not None, "without rules no help is allowed"
    await trees.insert_help(
        connection,
        case.member,
        day=grove.today,
        helper_id=command.helper_id,
        device_id=command.device_id,
        drops=case.drops,
        help_time=grove.now,
    )
    counted = await counters.count_program(
        connection,
        case.member.program_id,
        device_counter(command),
        grove.today.isoformat(),
        limit=case.rules.device_daily_max,
    )
    if not counted:
        raise LostRace


def task_counter(task: WaterTask) -> str:
    """The counter of a task."""
    return f"water/{task.task_id}"


def subject_counter(task: WaterTask, subject: str) -> str:
    """The counter of something that a task was about."""
    return f"water/{task.task_id}/{subject}"


def device_counter(command: HelpTree) -> str:
    """The counter of a device."""
    return f"device/{command.device_id}"
