"""Trees, who helped them, and their harvests."""

from __future__ import annotations

from datetime import date, datetime

from laurel_kit.database import Connection
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from laurel_benefits.domain.harvests import Harvest
from laurel_benefits.domain.ids import HarvestId, MemberId, MemberKey
from laurel_benefits.domain.trees import Tree
from laurel_benefits.storage.documents import Documents
from laurel_benefits.storage.members import key_values, of_member
from laurel_benefits.storage.tree_tables import HARVEST, TREE, TREE_HELP

HARVESTS = Documents[Harvest](Harvest)


async def find_tree(connection: Connection, member: MemberKey) -> Tree:
    """The member's tree; a new one where there is none yet."""
    row = (await connection.execute(select(TREE).where(of_member(TREE, member)))).one_or_none()
    if row is None:
        return Tree(member=member)
    return Tree(
        member=member,
        tree_no=row.tree_no,
        drops=row.drops,
        growth_hundredths=row.growth_hundredths,
        ripe_time=row.ripe_time,
    )


async def record_tree(connection: Connection, tree: Tree) -> None:
    """Store a tree as it now is; the member is locked."""
    values = {
        "tree_no": tree.tree_no,
        "drops": tree.drops,
        "growth_hundredths": tree.growth_hundredths,
        "ripe_time": tree.ripe_time,
    }
    row = insert(TREE).values(**key_values(tree.member), **values)
    await connection.execute(row.on_conflict_do_update(constraint=TREE.primary_key, set_=values))


async def helpers_of(connection: Connection, member: MemberKey, day: date) -> int:
    """How many have helped the member's tree on a day."""
    counted = (
        select(func.count())
        .select_from(TREE_HELP)
        .where(of_member(TREE_HELP, member), TREE_HELP.c.day == day)
    )
    helpers: int = (await connection.execute(counted)).scalar_one()
    return helpers


async def has_helped(
    connection: Connection, member: MemberKey, day: date, helper_id: MemberId
) -> bool:
    """Whether somebody has helped the member's tree on a day."""
    chosen = select(TREE_HELP.c.helper_id).where(
        of_member(TREE_HELP, member),
        TREE_HELP.c.day == day,
        TREE_HELP.c.helper_id == helper_id,
    )
    return (await connection.execute(chosen)).one_or_none() is not None


async def insert_help(
    connection: Connection,
    member: MemberKey,
    *,
    day: date,
    helper_id: MemberId,
    device_id: str,
    drops: int,
    help_time: datetime,
) -> None:
    """Store a help; the key says that a helper counts once a day."""
    await connection.execute(
        insert(TREE_HELP).values(
            **key_values(member),
            day=day,
            helper_id=helper_id,
            device_id=device_id,
            drops=drops,
            help_time=help_time,
        )
    )


async def record_harvest(connection: Connection, harvest: Harvest) -> None:
    """Store a harvest as it now is; the member is locked."""
    row = insert(HARVEST).values(
        **key_values(harvest.member),
        harvest_id=harvest.harvest_id,
        tree_no=harvest.tree_no,
        harvest=HARVESTS.write(harvest),
        state=harvest.state,
    )
    changed = {"harvest": row.excluded.harvest, "state": row.excluded.state}
    await connection.execute(
        row.on_conflict_do_update(constraint=HARVEST.primary_key, set_=changed)
    )


async def find_harvest(
    connection: Connection, member: MemberKey, harvest_id: HarvestId
) -> Harvest | None:
    """The member's harvest of that name."""
    chosen = select(HARVEST.c.harvest).where(
        of_member(HARVEST, member), HARVEST.c.harvest_id == harvest_id
    )
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return HARVESTS.read(found) if found is not None else None
