"""What campaigns of merchants give to orders, and what of it goes back to the merchants (H3, H6).

A merchant's account is lowered in the commit of the decision and raised in the commit that records
what the ledger took back: so it is what its funding account is there.
"""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import MemberKey, RequestId
from laurel_benefits.domain.merchants import EntryKind, MerchantEntry
from laurel_benefits.domain.orders import Earned, Grant, Order
from laurel_benefits.domain.returns import OrderReturn, ReturnStep
from laurel_benefits.handlers.merchants import return_points
from laurel_benefits.storage import merchants


async def charge_merchants(connection: Connection, order: Order, earned: Earned) -> None:
    """Lower the accounts of merchants by what an order earns of them, grant by grant.

    An account that was nobody's when the order was decided is charged to nobody.
    """
    accounts = {each.account_id for each in earned.counted if each.account_id}
    held = await merchants.merchants_of_accounts(
        connection, order.member.program_id, accounts, lock=True
    )
    by_account = {merchant.funding_account_id: merchant for merchant in held}
    for grant in order.merchant_grants:
        if merchant := by_account.get(grant.funding_account_id):
            by_account[merchant.funding_account_id], _ = await merchants.record_entry(
                connection, merchant, charge_of(order, grant)
            )


def charge_of(order: Order, grant: Grant) -> MerchantEntry:
    """What a grant takes from its merchant, before it is numbered."""
    return MerchantEntry(
        position=0,
        kind=EntryKind.GRANT,
        points=-grant.points,
        balance_points=0,
        reference=f"order {order.draft.order_id}",
        entry_time=order.create_time,
        member_id=order.member.member_id,
        ledger_request_id=grant.ledger_request_id,
    )


async def give_back_refused(
    connection: Connection, member: MemberKey, grant: Grant, *, refusal: str, now: datetime
) -> None:
    """Give a merchant what the ledger refused to give a member."""
    givers = await merchants.givers_of(connection, member.program_id, [grant.ledger_request_id])
    for merchant_id in givers.values():
        await return_points(
            connection,
            member.program_id,
            merchant_id,
            points=grant.points,
            reference=refusal,
            now=now,
            member_id=member.member_id,
        )


async def give_back_returned(
    connection: Connection, before: OrderReturn, after: OrderReturn, *, now: datetime
) -> None:
    """Give merchants what the ledger has taken back since: what is owed too, not what was cut from
    the money, for that money stays with the shop.
    """
    member = after.key.member
    done = taken_since(before, after)
    givers = await merchants.givers_of(connection, member.program_id, done)
    for reversed_id, steps in done.items():
        for step in steps if reversed_id in givers else ():
            await return_points(
                connection,
                member.program_id,
                givers[reversed_id],
                points=step.moved_points + step.owed_points,
                reference=f"return {after.return_no} of order {after.key.order_id}",
                now=now,
                member_id=member.member_id,
                ledger_request_id=step.ledger_request_id,
            )


def taken_since(before: OrderReturn, after: OrderReturn) -> dict[RequestId, list[ReturnStep]]:
    """The steps that have taken points since, by the posting they took them of."""
    done: dict[RequestId, list[ReturnStep]] = {}
    for earlier, step in zip(before.steps, after.steps, strict=True):
        if step.done and not earlier.done and step.took_points:
            done.setdefault(step.reversed_request_id, []).append(step)
    return done
