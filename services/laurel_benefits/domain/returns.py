"""Goods that go back: what comes back of points and money, and what is taken of what was earned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.errors import AlreadyReturned, OrderLineNotFound
from laurel_benefits.domain.ids import CampaignId, LineId, OrderKey, RequestId
from laurel_benefits.domain.line_rewards import LineReward
from laurel_benefits.domain.names import name_of
from laurel_benefits.domain.orders import (
    Grant,
    GrantKind,
    GrantState,
    Order,
    Telling,
    TellingState,
)
from laurel_benefits.domain.pieces import CampaignPart, Pieces, part_of
from laurel_benefits.domain.reservations import Checkout, Step, request_id_of
from laurel_benefits.domain.rooms import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLine:
    """Pieces of a line that went back, with their part of everything."""

    line_id: LineId
    quantity: int
    points: int
    """Points that paid for them."""
    paid_fen: int
    """Other money that paid for them."""
    base_points: int
    """Points they earned, by kind."""
    rebate_points: int
    campaigns: tuple[CampaignPart, ...] = ()

    @property
    def earned_points(self) -> int:
        """All they earned."""
        return self.base_points + self.rebate_points + self.campaign_points

    @property
    def campaign_points(self) -> int:
        """What campaigns gave for them."""
        return sum(each.points for each in self.campaigns)

    def of_campaign(self, campaign_id: CampaignId | None) -> int:
        """What one campaign gave for them."""
        return sum(each.points for each in self.campaigns if each.campaign_id == campaign_id)


class ReturnStepKind(StrEnum):
    """What the ledger is asked for, in this order (E17)."""

    RESTORE = "RESTORE"
    """Spent points go back to their lots."""
    TAKE_OR_OWE = "TAKE_OR_OWE"
    """Earned points go, and what is not there is owed."""
    TAKE = "TAKE"
    """Earned points go as far as they are there; what is not is cut from the money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStep:
    """One reversal of the ledger, and what came of it."""

    kind: ReturnStepKind
    reversed_request_id: RequestId
    ledger_request_id: RequestId
    points: int
    done: bool = False
    moved_points: int = 0
    """Points that came back or were taken."""
    lost_points: int = 0
    """Spent points whose lot was void (E15)."""
    missing_points: int = 0
    """Earned points that were not there and are not owed."""
    owed_points: int = 0
    refusal: str = ""

    @property
    def took_points(self) -> bool:
        """Whether earned points went back to who had paid for them, be it as a debt."""
        return self.kind is not ReturnStepKind.RESTORE and self.moved_points + self.owed_points > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStepOutcome:
    """What the ledger answered for good."""

    moved_points: int = 0
    lost_points: int = 0
    missing_points: int = 0
    owed_points: int = 0
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReturn:
    """Goods of an order that went back at once, and how far that is carried out."""

    key: OrderKey
    return_no: int
    """Its place among the returns of the order, from 1."""
    lines: tuple[ReturnedLine, ...]
    steps: tuple[ReturnStep, ...]
    frozen_points: int
    """Earned points that were still frozen and are given to nobody."""
    telling: Telling
    reason: str
    return_time: datetime
    create_time: datetime

    @property
    def points(self) -> int:
        """Points that paid for the goods."""
        return sum(line.points for line in self.lines)

    @property
    def refund_fen(self) -> int:
        """Other money that paid for the goods."""
        return sum(line.paid_fen for line in self.lines)

    @property
    def cut_fen(self) -> int:
        """What is cut from it for points that were not there: a point is a fen (E16, X2)."""
        return sum(step.missing_points for step in self.steps)

    @property
    def settled(self) -> bool:
        """Whether the ledger has done everything."""
        return all(step.done for step in self.steps)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.settled and self.telling.state is not TellingState.PENDING

    def moved(self, kinds: Iterable[ReturnStepKind]) -> int:
        """Points that were moved by steps of some kinds."""
        chosen = frozenset(kinds)
        return sum(step.moved_points for step in self.steps if step.kind in chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCase:
    """An order with what went back of it before, and what goes back now."""

    order: Order
    checkout: Checkout | None
    earlier: tuple[OrderReturn, ...]
    wanted: tuple[Pieces, ...]
    """Nothing named is everything that is left."""
    reason: str
    now: datetime
    rewards: Sequence[LineReward] = ()
    """What reviews of the lines were paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenCut:
    """Points of a frozen grant that nobody will get."""

    grant: Grant
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedReturn:
    """A return before it is carried out, and what it changes here."""

    order_return: OrderReturn
    given_back: tuple[Counted, ...]
    """What caps and budgets have again, below zero."""
    rebate_points: int
    """What the cap of the membership's term has again (F12)."""
    frozen: tuple[FrozenCut, ...]


def decide_return(case: ReturnCase) -> DecidedReturn:
    """What goes back. Raises OrderLineNotFound, AlreadyReturned."""
    gone = returned_quantities(case.earlier)
    lines = tuple(returned_line(case, pieces, gone) for pieces in pieces_of(case, gone))
    return_no = len(case.earlier) + 1
    key = OrderKey(member=case.order.member, order_id=case.order.draft.order_id)
    claims = claims_of(case, lines)
    frozen = tuple(
        FrozenCut(grant=grant, points=points)
        for grant, points in claims
        if grant.state is GrantState.FROZEN
    )
    taken = [
        (grant.ledger_request_id, points)
        for grant, points in claims
        if grant.state is not GrantState.FROZEN
    ]
    taken += reward_claims(case, lines, gone)
    order_return = OrderReturn(
        key=key,
        return_no=return_no,
        lines=lines,
        steps=tuple(steps_of(case, lines, taken, key, return_no)),
        frozen_points=sum(each.points for each in frozen),
        telling=Telling(activity_id=name_of(key, f"return/{return_no}"), position=0),
        reason=case.reason,
        return_time=max(case.now, case.order.complete_time),
        create_time=case.now,
    )
    return DecidedReturn(
        order_return=order_return,
        given_back=tuple(counted_back(case.order, lines)),
        rebate_points=sum(points for grant, points in claims if grant.kind is GrantKind.REBATE),
        frozen=frozen,
    )


def returned_quantities(earlier: Iterable[OrderReturn]) -> Mapping[LineId, int]:
    """How many pieces of each line went back before."""
    gone: dict[LineId, int] = {}
    for order_return in earlier:
        for line in order_return.lines:
            gone[line.line_id] = gone.get(line.line_id, 0) + line.quantity
    return gone


def everything_returned(order: Order, went_back: Iterable[OrderReturn]) -> bool:
    """Whether nothing of an order is left."""
    gone = returned_quantities(went_back)
    return all(gone.get(line.line_id, 0) == line.quantity for line in order.draft.lines)


def earned_of_kept_line(order: Order, line_id: LineId, went_back: Iterable[OrderReturn]) -> int:
    """What a line has earned that its cap covers: everything but a rebate (D4).

    Raises OrderLineNotFound, and AlreadyReturned where nothing of it is left.
    """
    order_id = order.draft.order_id
    for line, earning in zip(order.draft.lines, order.line_earnings, strict=True):
        if line.line_id != line_id:
            continue
        if returned_quantities(went_back).get(line_id, 0) == line.quantity:
            raise AlreadyReturned(order_id=order_id, line_id=line_id, requested=1, left=0)
        return earning.capped_points
    raise OrderLineNotFound(order_id=order_id, line_id=line_id)


def pieces_of(case: ReturnCase, gone: Mapping[LineId, int]) -> tuple[Pieces, ...]:
    """What goes back, no more than is left."""
    left = {
        line.line_id: line.quantity - gone.get(line.line_id, 0) for line in case.order.draft.lines
    }
    everything = (Pieces(line_id=line_id, quantity=rest) for line_id, rest in left.items() if rest)
    wanted = case.wanted or tuple(everything)
    if not wanted:
        raise AlreadyReturned(order_id=case.order.draft.order_id, line_id="", requested=0, left=0)
    for pieces in wanted:
        if pieces.line_id not in left:
            raise OrderLineNotFound(order_id=case.order.draft.order_id, line_id=pieces.line_id)
        if pieces.quantity > left[pieces.line_id]:
            raise AlreadyReturned(
                order_id=case.order.draft.order_id,
                line_id=pieces.line_id,
                requested=pieces.quantity,
                left=left[pieces.line_id],
            )
    return wanted


def returned_line(case: ReturnCase, pieces: Pieces, gone: Mapping[LineId, int]) -> ReturnedLine:
    """The part of everything that some pieces of a line have."""
    draft = case.order.draft
    place = next(place for place, line in enumerate(draft.lines) if line.line_id == pieces.line_id)
    line = draft.lines[place]
    earning = case.order.line_earnings[place]
    points = case.checkout.paid.points_left(line.line_id) if case.checkout else 0
    before = gone.get(line.line_id, 0)

    def part(total: int) -> int:
        return part_of(total, pieces=line.quantity, before=before, quantity=pieces.quantity)

    return ReturnedLine(
        line_id=line.line_id,
        quantity=pieces.quantity,
        points=part(points),
        paid_fen=part(line.paid_fen),
        base_points=part(earning.base_points),
        rebate_points=part(earning.rebate_points),
        campaigns=tuple(
            CampaignPart(campaign_id=each.campaign_id, points=part(each.points))
            for each in earning.campaigns
        ),
    )


def claims_of(case: ReturnCase, lines: Sequence[ReturnedLine]) -> list[tuple[Grant, int]]:
    """What is taken of each grant: no more than it has left.

    What the ledger refused for good, or a trial lost, was never given.
    """
    taken = taken_before(case.earlier)
    claims = [
        (grant, min(earned_by(grant, lines), grant.points - taken.get(grant.ledger_request_id, 0)))
        for grant in case.order.grants
        if grant.state not in {GrantState.REFUSED, GrantState.FORFEITED}
    ]
    return [(grant, points) for grant, points in claims if points > 0]


def reward_claims(
    case: ReturnCase, lines: Sequence[ReturnedLine], gone: Mapping[LineId, int]
) -> list[tuple[RequestId, int]]:
    """What is taken of what reviews of the lines were paid, by their pieces (D7, E16).

    A review that was paid after some pieces had gone back is paid for all of the line: what is left
    of it goes with the last piece.
    """
    pieces = {line.line_id: line.quantity for line in lines}
    bought = {line.line_id: line for line in case.order.draft.lines}
    taken = taken_before(case.earlier)
    claims: list[tuple[RequestId, int]] = []
    for reward in case.rewards:
        if quantity := pieces.get(reward.line_id, 0):
            line, name = bought[reward.line_id], reward.ledger_request_id
            left = reward.points - taken.get(name, 0)
            before = gone.get(reward.line_id, 0)
            last = before + quantity == line.quantity
            share = part_of(reward.points, pieces=line.quantity, before=before, quantity=quantity)
            part = left if last else share
            claims.append((name, min(part, left)))
    return [(name, points) for name, points in claims if points > 0]


def taken_before(earlier: Iterable[OrderReturn]) -> dict[RequestId, int]:
    """What returns of an order have taken of each posting."""
    taken: dict[RequestId, int] = {}
    for order_return in earlier:
        for step in order_return.steps:
            name = step.reversed_request_id
            taken[name] = taken.get(name, 0) + step.points
    return taken


def earned_by(grant: Grant, lines: Iterable[ReturnedLine]) -> int:
    """What lines earned of the kind of a grant."""
    match grant.kind:
        case GrantKind.BASE:
            return sum(line.base_points for line in lines)
        case GrantKind.REBATE:
            return sum(line.rebate_points for line in lines)
    return sum(line.of_campaign(grant.campaign_id) for line in lines)


def steps_of(
    case: ReturnCase,
    lines: Sequence[ReturnedLine],
    claims: Sequence[tuple[RequestId, int]],
    key: OrderKey,
    return_no: int,
) -> Iterator[ReturnStep]:
    """What the ledger is asked for: restore, then take what money could not make good, then rest.

    What is missing in the end is first cut from the money and then owed (E17). How much is there is
    not known yet, so what exceeds the money is taken first, and owed where it is not there; the
    rest is taken after it, and no more of it can be missing than there is money.
    """
    restored = sum(line.points for line in lines)
    if restored and case.checkout:
        yield ReturnStep(
            kind=ReturnStepKind.RESTORE,
            reversed_request_id=request_id_of(case.checkout, Step.CAPTURE),
            ledger_request_id=RequestId(name_of(key, f"return/{return_no}/restore")),
            points=restored,
        )
    money = sum(line.paid_fen for line in lines)
    beyond = max(sum(points for _, points in claims) - money, 0)
    owed: list[ReturnStep] = []
    cut: list[ReturnStep] = []
    for earned, points in claims:
        first = min(points, beyond)
        beyond -= first
        owed += taking(ReturnStepKind.TAKE_OR_OWE, earned, first, key, return_no)
        cut += taking(ReturnStepKind.TAKE, earned, points - first, key, return_no)
    yield from owed
    yield from cut


def taking(
    kind: ReturnStepKind, earned: RequestId, points: int, key: OrderKey, return_no: int
) -> list[ReturnStep]:
    """A step that takes points of what was earned; none for no points."""
    if not points:
        return []
    purpose = f"return/{return_no}/{kind}/{earned}"
    step = ReturnStep(
        kind=kind,
        reversed_request_id=earned,
        ledger_request_id=RequestId(name_of(key, purpose)),
        points=points,
    )
    return [step]


def counted_back(order: Order, lines: Iterable[ReturnedLine]) -> Iterator[Counted]:
    """What caps and budgets have again for lines that went back; merchants, what is taken.

    What the ledger refused was given back when it did.
    """
    kept = [without_refused(line, order.grants) for line in lines]
    capped = sum(line.base_points + line.campaign_points for line in kept)
    for each in order.counted:
        of_campaign = sum(line.of_campaign(each.campaign_id) for line in kept)
        points = capped if each.covers_base else of_campaign
        if points:
            yield replace(each, points=-min(points, each.points))


def without_refused(line: ReturnedLine, grants: Iterable[Grant]) -> ReturnedLine:
    """The line as it counts against caps and budgets: without what the ledger refused for good."""
    refused = [grant for grant in grants if grant.state is GrantState.REFUSED]
    if not refused:
        return line
    campaign_ids = {grant.campaign_id for grant in refused}
    base_refused = any(grant.kind is GrantKind.BASE for grant in refused)
    return replace(
        line,
        base_points=0 if base_refused else line.base_points,
        campaigns=tuple(each for each in line.campaigns if each.campaign_id not in campaign_ids),
    )


def room_of_refused(
    order: Order, grant: Grant, went_back: Iterable[OrderReturn]
) -> tuple[int, tuple[Counted, ...]]:
    """What a grant that the ledger refused for good had taken and nobody has given back since.

    Its points, and what caps and budgets have again of them, below zero. Returns that were decided
    before the ledger was asked have given back their part.
    """
    points = grant.points - taken_before(went_back).get(grant.ledger_request_id, 0)
    counted = tuple(
        replace(each, points=-min(points, each.points))
        for each in order.counted
        if points and (each.covers_base or each.campaign_id == grant.campaign_id)
    )
    return points, () if grant.kind is GrantKind.REBATE else counted


def after_return_step(
    order_return: OrderReturn, ledger_request_id: RequestId, outcome: ReturnStepOutcome
) -> OrderReturn:
    """The return after the ledger answered a step; what was recorded before stays."""
    steps = tuple(
        replace(
            step,
            done=True,
            moved_points=outcome.moved_points,
            lost_points=outcome.lost_points,
            missing_points=outcome.missing_points,
            owed_points=outcome.owed_points,
            refusal=outcome.refusal,
        )
        if step.ledger_request_id == ledger_request_id and not step.done
        else step
        for step in order_return.steps
    )
    return replace(order_return, steps=steps)
