"""Memberships of shops: joined once, and read by any shop in which they count (H8)."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberKey, ShopId
from laurel_benefits.domain.merchant_errors import ShopMembershipNotFound
from laurel_benefits.domain.merchants import ShopMembership, check_external, find_shop_program
from laurel_benefits.handlers.eligibility import revision_now
from laurel_benefits.handlers.repeats import WriteKey, answer_once
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import merchants


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinShop:
    """Who wants to join where."""

    key: WriteKey
    shop_id: ShopId
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedShop:
    """The membership."""

    membership: ShopMembership
    replayed: bool = False


async def join_shop(command: JoinShop, *, resources: Resources) -> JoinedShop:
    """Join a shop; who has joined stays a member as before. Raises ShopProgramNotFound,
    ExternalIdMissing.
    """
    member = command.key.member
    revision = await revision_now(member.program_id, resources)
    shop_program = find_shop_program(revision.model, command.shop_id)
    check_external(shop_program, command.shop_id, command.external_id)

    async def decide(connection: Connection) -> JoinedShop:
        wanted = ShopMembership(
            member=member,
            shop_program_id=shop_program.shop_program_id,
            kind=shop_program.kind,
            joined_shop_id=command.shop_id,
            external_id=command.external_id,
            join_time=resources.clock.now(),
        )
        return JoinedShop(membership=await merchants.join_shop(connection, wanted))

    return await answer_once(command.key, JoinedShop, decide, resources=resources)


async def get_shop_membership(
    member: MemberKey, shop_id: ShopId, *, resources: Resources
) -> ShopMembership:
    """By what a member belongs to a shop. Raises ShopProgramNotFound, ShopMembershipNotFound."""
    revision = await revision_now(member.program_id, resources)
    shop_program = find_shop_program(revision.model, shop_id)
    async with resources.database.read() as connection:
        found = await merchants.find_shop_membership(
            connection, member, shop_program.shop_program_id
        )
    if found is None:
        raise ShopMembershipNotFound(shop_id=shop_id)
    return found
