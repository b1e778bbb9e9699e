"""Parts of a paid order that are off before it is delivered, such as one of its sub-orders (M10).

They take with them their part of points, money, caps and budgets; the order goes on with the rest.
What they take comes to the order exactly, together with what is delivered and what goes back later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from laurel_kit.values import split_largest_remainder

from laurel_benefits.domain.drafts import OrderDraft, OrderLine, Payment
from laurel_benefits.domain.earning import CampaignPoints
from laurel_benefits.domain.errors import OrderLineCancelled, OrderLineNotFound
from laurel_benefits.domain.ids import LineId
from laurel_benefits.domain.pieces import Pieces, part_of
from laurel_benefits.domain.rooms import Counted, given_back, net_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePromise:
    """What a line of a reserved order counts against caps and budgets."""

    base_points: int
    campaigns: tuple[CampaignPoints, ...] = ()

    def counted_at(self, place: Counted) -> int:
        """What it counts at one place: a cap on everything, a merchant's account, a campaign."""
        if place.covers_base:
            return self.base_points + sum(each.points for each in self.campaigns)
        return sum(
            each.points
            for each in self.campaigns
            if (place.account_id and each.funding_account_id == place.account_id)
            or (not place.account_id and each.campaign_id == place.campaign_id)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledLine:
    """Pieces of a line that are off, with their part of points and money."""

    line_id: LineId
    quantity: int
    points: int
    paid_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """What of a paid order was called off at once."""

    cancellation_no: int
    """Its place among the cancellations of the reservation, from 1."""
    lines: tuple[CancelledLine, ...]
    freight_fen: int
    """The freight, which is off with the last of the goods."""
    freed: tuple[Counted, ...]
    """What caps and budgets have again, where goods are left; an end gives back all the rest."""
    reason: str
    cancel_time: datetime
    returned_points: int = 0
    """Points that are back in their lots."""
    forfeited_points: int = 0
    """Points whose lot was void by then (E15)."""
    refusal: str = ""
    """Why the ledger did not give them back, a reason of the ledger."""

    @property
    def points(self) -> int:
        """Points that had paid for what is off."""
        return sum(line.points for line in self.lines)

    @property
    def refund_fen(self) -> int:
        """Other money that had paid for it."""
        return sum(line.paid_fen for line in self.lines) + self.freight_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """An order as it was paid, and what of it is off by now."""

    draft: OrderDraft
    line_points: tuple[int, ...]
    promises: tuple[LinePromise, ...]
    counted: tuple[Counted, ...]
    cancellations: tuple[Cancellation, ...]

    @property
    def cancelled_quantities(self) -> Mapping[LineId, int]:
        """How many pieces of each line are off."""
        gone: dict[LineId, int] = {}
        for line in self.cancelled_lines:
            gone[line.line_id] = gone.get(line.line_id, 0) + line.quantity
        return gone

    @property
    def cancelled_lines(self) -> Iterator[CancelledLine]:
        """All that is off."""
        return (line for each in self.cancellations for line in each.lines)

    @property
    def counted_left(self) -> tuple[Counted, ...]:
        """What the rest of it still counts against caps and budgets."""
        freed = (part for each in self.cancellations for part in each.freed)
        return net_of((*self.counted, *given_back(freed)))

    def points_left(self, line_id: LineId) -> int:
        """Points that pay for what is left of a line."""
        paid = sum(
            points
            for line, points in zip(self.draft.lines, self.line_points, strict=True)
            if line.line_id == line_id
        )
        return paid - sum(line.points for line in self.cancelled_lines if line.line_id == line_id)

    def draft_left(self) -> OrderDraft:
        """The order as it goes on: the lines that are left, and what of each means pays them."""
        if not self.cancellations:
            return self.draft
        lines = tuple(self._lines_left())
        freight = self.draft.freight_fen - sum(each.freight_fen for each in self.cancellations)
        left = replace(self.draft, lines=lines, freight_fen=freight)
        return replace(left, payments=payments_over(self.draft.payments, left.due_fen))

    def _lines_left(self) -> Iterator[OrderLine]:
        gone = self.cancelled_quantities
        for line in self.draft.lines:
            if (quantity := line.quantity - gone.get(line.line_id, 0)) == 0:
                continue
            off = sum(
                each.paid_fen for each in self.cancelled_lines if each.line_id == line.line_id
            )
            yield replace(line, quantity=quantity, paid_fen=line.paid_fen - off)


def payments_over(payments: Sequence[Payment], due_fen: int) -> tuple[Payment, ...]:
    """What each means pays of what is left: its share, to the largest remainders (X4)."""
    parts = split_largest_remainder(due_fen, [each.amount_fen for each in payments])
    return tuple(
        replace(payment, amount_fen=part)
        for payment, part in zip(payments, parts, strict=True)
        if part
    )


def decide_part(
    paid: PaidOrder, wanted: Iterable[Pieces], *, reason: str, now: datetime
) -> Cancellation:
    """What is called off now; nothing named is everything that is left.

    Raises OrderLineNotFound, OrderLineCancelled.
    """
    gone = paid.cancelled_quantities
    chosen = pieces_of(paid, tuple(wanted), gone)
    whole = {each.line_id: each.quantity for each in chosen} == quantities_left(paid, gone)
    return Cancellation(
        cancellation_no=len(paid.cancellations) + 1,
        lines=tuple(cancelled_line(paid, pieces, gone) for pieces in chosen),
        freight_fen=paid.draft.freight_fen if whole else 0,
        freed=() if whole else tuple(freed_by(paid, chosen, gone)),
        reason=reason,
        cancel_time=now,
    )


def quantities_left(paid: PaidOrder, gone: Mapping[LineId, int]) -> dict[LineId, int]:
    """How many pieces of each line are left, where any are."""
    left = {line.line_id: line.quantity - gone.get(line.line_id, 0) for line in paid.draft.lines}
    return {line_id: quantity for line_id, quantity in left.items() if quantity}


def pieces_of(
    paid: PaidOrder, wanted: tuple[Pieces, ...], gone: Mapping[LineId, int]
) -> tuple[Pieces, ...]:
    """What is called off, no more than is left."""
    left = quantities_left(paid, gone)
    known = {line.line_id for line in paid.draft.lines}
    for pieces in wanted:
        if pieces.line_id not in known:
            raise OrderLineNotFound(order_id=paid.draft.order_id, line_id=pieces.line_id)
        if pieces.quantity > left.get(pieces.line_id, 0):
            raise OrderLineCancelled(
                order_id=paid.draft.order_id,
                line_id=pieces.line_id,
                requested=pieces.quantity,
                left=left.get(pieces.line_id, 0),
            )
    everything = (Pieces(line_id=line_id, quantity=rest) for line_id, rest in left.items())
    return wanted or tuple(everything)


def cancelled_line(paid: PaidOrder, pieces: Pieces, gone: Mapping[LineId, int]) -> CancelledLine:
    """The part of points and money that some pieces have."""
    place = place_of(paid, pieces.line_id)
    line, before = paid.draft.lines[place], gone.get(pieces.line_id, 0)

    def part(total: int) -> int:
        return part_of(total, pieces=line.quantity, before=before, quantity=pieces.quantity)

    return CancelledLine(
        line_id=line.line_id,
        quantity=pieces.quantity,
        points=part(paid.line_points[place]),
        paid_fen=part(line.paid_fen),
    )


def freed_by(
    paid: PaidOrder, chosen: Iterable[Pieces], gone: Mapping[LineId, int]
) -> Iterator[Counted]:
    """What caps and budgets have again for some pieces, never more than the order has of them."""
    if not paid.promises:
        return
    pieces = tuple(chosen)
    for counted in paid.counted_left:
        points = sum(counted_points(paid, each, gone, counted) for each in pieces)
        if points:
            yield replace(counted, points=min(points, counted.points))


def counted_points(
    paid: PaidOrder, pieces: Pieces, gone: Mapping[LineId, int], counted: Counted
) -> int:
    """What some pieces count against one cap or budget."""
    place = place_of(paid, pieces.line_id)
    return part_of(
        paid.promises[place].counted_at(counted),
        pieces=paid.draft.lines[place].quantity,
        before=gone.get(pieces.line_id, 0),
        quantity=pieces.quantity,
    )


def place_of(paid: PaidOrder, line_id: LineId) -> int:
    """Where a line stands in the order."""
    return next(place for place, line in enumerate(paid.draft.lines) if line.line_id == line_id)
