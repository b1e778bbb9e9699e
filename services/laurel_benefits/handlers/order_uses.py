"""Benefits that were used in orders come back with them, in the transaction of the order.

The member is locked by the caller.
"""

from __future__ import annotations

from datetime import datetime

from laurel_kit.database import Connection

from laurel_benefits.domain.ids import OrderKey
from laurel_benefits.domain.orders import Order
from laurel_benefits.domain.returns import everything_returned
from laurel_benefits.domain.uses import decide_reversal
from laurel_benefits.storage import returns, uses

CANCELLED, RETURNED = "the order was cancelled", "all goods of the order were returned"
"""Why uses came back."""


async def give_back_uses(
    connection: Connection, key: OrderKey, *, reason: str, now: datetime
) -> None:
    """Give back what was used in an order and still counts."""
    for use in await uses.uses_in_order(connection, key):
        await uses.record_reversal(connection, decide_reversal(use, reason=reason, now=now))


async def give_back_uses_of_returned(connection: Connection, order: Order, now: datetime) -> None:
    """Give back what was used in an order of which nothing is left."""
    key = OrderKey(member=order.member, order_id=order.draft.order_id)
    if everything_returned(order, await returns.returns_of(connection, key)):
        await give_back_uses(connection, key, reason=RETURNED, now=now)
