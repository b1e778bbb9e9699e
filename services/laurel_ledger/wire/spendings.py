"""What spendings say beyond their amount, between messages and values."""

from __future__ import annotations

from laurel.ledger.v1 import transactions_pb2 as pb

from laurel_ledger.domain.spendings import Line, LotPolicy, Spending, SpendShortfall


def read_spending(message: pb.Spend) -> Spending | None:
    """What is said of lines, of points that are too few and of which to take first; None when
    nothing is.
    """
    if not (message.shortfall or message.lines or message.lot_policy):
        return None
    shortfall = SpendShortfall(message.shortfall or SpendShortfall.REJECT)
    policy = LotPolicy(message.lot_policy or LotPolicy.SOONEST_EXPIRY)
    usual = shortfall is SpendShortfall.REJECT and policy is LotPolicy.SOONEST_EXPIRY
    if usual and not message.lines:
        return None
    lines = tuple(Line(each.line_id, each.amount) for each in message.lines)
    return Spending(requested=message.amount, shortfall=shortfall, lines=lines, lot_policy=policy)


def fill_spending(message: pb.Spending, spending: Spending, spent: int) -> None:
    """Write it where it is to stand."""
    message.requested = spending.requested
    message.shortfall = spending.shortfall.value  # type: ignore[assignment]  # Same numbers: a test.
    message.lot_policy = spending.lot_policy.value  # type: ignore[assignment]  # As above.
    for line, paid in zip(spending.lines, spending.lines_for(spent), strict=True):
        message.lines.add(line_id=line.line_id, requested=line.amount, amount=paid.amount)
