"""Adds up what a membership has brought its member."""

from __future__ import annotations

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberKey, MembershipId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.savings import Savings, savings_of
from laurel_benefits.domain.terms import find_term
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.storage import memberships, orders, uses


async def get_savings(
    member: MemberKey, membership_id: MembershipId, *, resources: Resources
) -> Savings:
    """What a membership has brought, all as of one instant. Raises TermNotFound."""
    async with resources.database.snapshot() as connection:
        held = await memberships.all_memberships(connection, member)
        return await gather_savings(connection, find_term(held, membership_id))


async def gather_savings(connection: Connection, membership: Membership) -> Savings:
    """What a membership has brought so far."""
    member, membership_id = membership.member, membership.membership_id
    return savings_of(
        membership,
        await uses.uses_by_membership(connection, member, membership_id),
        rebate_orders=await orders.count_rebate_orders(connection, member, membership_id),
    )
