"""What points may pay of an order: by goods, share, step, means of payment and balance (E1 to E9).

Nothing is rounded but the share, down, and what is used falls on the lines by what they cost, so
that returns can give back exactly what a line took (E12).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.values import floor_basis_points, split_largest_remainder

from laurel_benefits.domain.decisions import (
    Decision,
    PointsGiven,
    Reason,
    ReasonCode,
    evidence_of,
    near_miss_of,
)
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.gates import judge_risk
from laurel_benefits.domain.ids import RevisionId
from laurel_benefits.domain.programs import SpendingClass, SpendingRules
from laurel_benefits.domain.risks import MemberRisk, risk_at
from laurel_benefits.domain.standings import NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a member has to spend, and what it owes."""

    available_points: int
    debt_points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingCase:
    """An order before points, and what is known of the member."""

    lines: tuple[OrderLine, ...]
    """With what is payable for them before points."""
    payment_methods: tuple[str, ...]
    requested_points: int
    balance: Balance
    risk: MemberRisk | None
    rules: SpendingRules
    now: datetime
    program_revision: RevisionId
    coupon_reasons: tuple[Reason, ...] = ()
    """Why coupons of the order cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines with the same rules for points; without a class points pay nothing of them."""

    kind: SpendingClass | None
    positions: tuple[int, ...]
    goods_classes: tuple[str, ...]
    amount_fen: int
    weights: tuple[int, ...]
    """By what points fall on its lines: their cost, or what their sellers let points pay."""
    share_points: int
    """What the share comes to: a point pays a fen."""

    @property
    def points_max(self) -> int:
        """The most points that may pay of it, whatever the member has (E3, E4, E6)."""
        if self.kind is None or self.amount_fen < self.kind.amount_min_fen:
            return 0
        return self.share_points - self.share_points % self.kind.step_points

    @property
    def limits(self) -> tuple[Reason, ...]:
        """Why it is not more."""
        return tuple(judge_group(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """How many points may pay of an order, and how those asked for fall on its lines."""

    decision: Decision
    usable_points: int
    limits: tuple[Reason, ...]
    groups: tuple[Group, ...]
    line_points: tuple[int, ...]
    """For each line; all zero where the decision is a no."""

    @property
    def points(self) -> int:
        """Points that are used."""
        return sum(self.line_points)


def decide_spending(case: SpendingCase) -> Spending:
    """Whether the points asked for may be used, how many could be, and what they pay."""
    groups = groups_of(case)
    limits = tuple(judge_order(case))
    usable = 0 if limits else sum(fill(groups, most_usable(case)))
    refused = tuple(refusals(case, groups, limits))
    points = case.requested_points if not refused else 0
    reasons = tuple(dict.fromkeys((*refused, *case.coupon_reasons)))
    decision = Decision(
        allowed=not reasons,
        reasons=reasons,
        value=PointsGiven(points=usable),
        evidence=evidence_of(NOT_ASKED, None, case.now, risk_state=risk_at(case.risk, case.now)),
        near_miss=near_miss_of(reasons, PointsGiven(points=usable)),
        degraded=False,
        program_revision=case.program_revision,
    )
    short = (*judge_cap(case, groups), *judge_balance(case, groups)) if not limits else ()
    return Spending(
        decision=decision,
        usable_points=usable,
        limits=limits + short,
        groups=groups,
        line_points=allocate(case.lines, groups, fill(groups, points)),
    )


def groups_of(case: SpendingCase) -> tuple[Group, ...]:
    """The lines by their rules, in the order of the program; excluded goods last (E8)."""
    kinds: list[SpendingClass | None] = [*case.rules.classes, None]
    found = (group_of(case.lines, kind, case.rules) for kind in kinds)
    return tuple(group for group in found if group.positions)


def group_of(lines: Sequence[OrderLine], kind: SpendingClass | None, rules: SpendingRules) -> Group:
    """The lines that a class of rules is for, or those that none is for."""
    named = {word for each in rules.classes for word in each.goods_classes}
    positions = tuple(
        position
        for position, line in enumerate(lines)
        if (line.goods_class in kind.goods_classes if kind else line.goods_class not in named)
    )
    chosen = [lines[position] for position in positions]
    amount_fen = sum(line.paid_fen for line in chosen)
    weights, share_points = shares_of(chosen, kind, amount_fen)
    return Group(
        kind=kind,
        positions=positions,
        goods_classes=tuple(dict.fromkeys(line.goods_class for line in chosen)),
        amount_fen=amount_fen,
        weights=weights,
        share_points=share_points,
    )


def shares_of(
    lines: Sequence[OrderLine], kind: SpendingClass | None, amount_fen: int
) -> tuple[tuple[int, ...], int]:
    """By what points fall on lines, and what the share comes to: of all, or line by line (J3)."""
    costs = tuple(line.paid_fen for line in lines)
    if kind is None:
        return costs, 0
    if kind.seller_share is None:
        return costs, floor_basis_points(amount_fen, kind.share_max_bps)
    shares = tuple(
        floor_basis_points(line.paid_fen, kind.share_of(line.points_share_bps)) for line in lines
    )
    return shares, sum(shares)


def most_usable(case: SpendingCase) -> int:
    """What the member has, as far as one order may use it (J3)."""
    cap, available = case.rules.order_points_max, case.balance.available_points
    return available if cap is None else min(available, cap)


def fill(groups: Sequence[Group], points: int) -> list[int]:
    """So many points on the groups, as far as they go: the largest steps first, each in its steps.

    Smaller steps fill what larger ones leave, so nothing is refused that some division could pay.
    """
    parts = [0] * len(groups)
    order = sorted(range(len(groups)), key=lambda place: -step_of(groups[place]))
    for place in order:
        step = step_of(groups[place])
        parts[place] = min(groups[place].points_max, points - points % step)
        points -= parts[place]
    return parts


def step_of(group: Group) -> int:
    """In which multiples points pay of a group."""
    return group.kind.step_points if group.kind else 1


def allocate(
    lines: Sequence[OrderLine], groups: Sequence[Group], parts: Sequence[int]
) -> tuple[int, ...]:
    """The points of each group over its lines, by what they cost or may take (E12, J3, X4)."""
    points = [0] * len(lines)
    for group, part in zip(groups, parts, strict=True):
        shares = split_largest_remainder(part, group.weights)
        for position, share in zip(group.positions, shares, strict=True):
            points[position] = share
    return tuple(points)


def judge_order(case: SpendingCase) -> Iterator[Reason]:
    """What keeps the whole order from points: a block (B11), debt (E18), means of payment (E9)."""
    yield from judge_risk(case.risk, case.now)
    if case.balance.debt_points:
        yield Reason(
            code=ReasonCode.IN_DEBT, subject="balance", required=0, actual=-case.balance.debt_points
        )
    for method in case.payment_methods:
        if method in case.rules.excluded_payment_methods:
            yield Reason(code=ReasonCode.PAYMENT_EXCLUDED, subject=method)


def judge_group(group: Group) -> Iterator[Reason]:
    """Why points pay no more of a group."""
    if group.kind is None:
        for word in group.goods_classes:
            yield Reason(code=ReasonCode.ITEM_EXCLUDED, subject=word)
    elif group.amount_fen < group.kind.amount_min_fen:
        yield Reason(
            code=ReasonCode.ORDER_TOO_SMALL,
            subject="amount",
            required=group.kind.amount_min_fen,
            actual=group.amount_fen,
        )
    else:
        yield Reason(
            code=ReasonCode.SHARE_EXCEEDED,
            subject="points",
            required=group.share_points,
            actual=group.amount_fen,
        )
        if group.points_max < group.share_points:
            yield Reason(
                code=ReasonCode.NOT_A_MULTIPLE,
                subject="points",
                required=group.kind.step_points,
                actual=group.share_points,
            )


def judge_cap(case: SpendingCase, groups: Sequence[Group]) -> Iterator[Reason]:
    """Whether one order may use fewer than its goods would take (J3)."""
    cap, most = case.rules.order_points_max, sum(group.points_max for group in groups)
    if cap is not None and cap < most:
        yield Reason(code=ReasonCode.ORDER_CAP, subject="points", required=cap, actual=most)


def judge_balance(case: SpendingCase, groups: Sequence[Group]) -> Iterator[Reason]:
    """Whether the member has less than the order would take."""
    most = sum(group.points_max for group in groups)
    if case.rules.order_points_max is not None:
        most = min(most, case.rules.order_points_max)
    available = case.balance.available_points
    if available < most:
        yield Reason(
            code=ReasonCode.BALANCE_TOO_LOW, subject="balance", required=most, actual=available
        )


def refusals(
    case: SpendingCase, groups: Sequence[Group], limits: tuple[Reason, ...]
) -> Iterator[Reason]:
    """Everything that speaks against the points asked for; asking for none is always right."""
    points = case.requested_points
    if not points:
        return
    yield from limits
    most = sum(group.points_max for group in groups)
    if points > most:
        if not most:
            yield from (reason for group in groups for reason in judge_nothing(group))
        yield Reason(code=ReasonCode.SHARE_EXCEEDED, subject="points", required=most, actual=points)
    elif sum(fill(groups, points)) < points:
        step = max(step_of(group) for group in groups if group.points_max)
        yield Reason(code=ReasonCode.NOT_A_MULTIPLE, subject="points", required=step, actual=points)
    cap = case.rules.order_points_max
    if cap is not None and points > cap:
        yield Reason(code=ReasonCode.ORDER_CAP, subject="points", required=cap, actual=points)
    if points > case.balance.available_points:
        yield Reason(
            code=ReasonCode.BALANCE_TOO_LOW,
            subject="balance",
            required=points,
            actual=case.balance.available_points,
        )


def judge_nothing(group: Group) -> Iterator[Reason]:
    """Why points pay nothing at all of a group."""
    telling = {ReasonCode.ITEM_EXCLUDED, ReasonCode.ORDER_TOO_SMALL}
    yield from (reason for reason in group.limits if reason.code in telling)
