"""What a membership has brought its member, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from laurel_benefits.domain.decisions import AmountOff, ShareOff
from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.uses import BenefitUse, UseState


class SavingKind(StrEnum):
    """What a line is about."""

    REBATE = "REBATE"
    FROZEN_REBATE = "FROZEN_REBATE"
    BENEFIT = "BENEFIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingLine:
    """One thing that a membership has brought."""

    kind: SavingKind
    benefit_id: BenefitId | None = None
    """Which benefit; None where it is a rebate."""
    times: int
    """How many orders or uses it comes from."""
    points: int = 0
    amount_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """All of it, beside what the membership cost."""

    membership: Membership
    lines: tuple[SavingLine, ...]

    @property
    def saved_fen(self) -> int:
        """What was saved, in money."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def net_fen(self) -> int:
        """What was saved beyond the price; below zero while the price was more."""
        return self.saved_fen - self.membership.price_fen


def savings_of(
    membership: Membership, uses: Iterable[BenefitUse], *, rebate_orders: int
) -> Savings:
    """Rebates, taken at the worth of a point, and uses of benefits that were not given back.

    What a trial has frozen saves nothing before it is released. `rebate_orders` is how many orders
    have earned a rebate.
    """
    counted = [use for use in uses if use.state is UseState.USED]
    lines = [rebate_line(membership, rebate_orders), *benefit_lines(counted)]
    return Savings(membership=membership, lines=tuple(line for line in lines if line.times))


def rebate_line(membership: Membership, orders: int) -> SavingLine:
    """What came back of what was paid."""
    points = membership.rebate_granted_points
    if membership.frozen:
        return SavingLine(kind=SavingKind.FROZEN_REBATE, times=orders, points=points)
    return SavingLine(
        kind=SavingKind.REBATE,
        times=orders,
        points=points,
        amount_fen=points * membership.terms.point_value_fen,
    )


def benefit_lines(uses: Sequence[BenefitUse]) -> list[SavingLine]:
    """One line for each benefit; one that is no money counts its uses only."""
    return [
        SavingLine(
            kind=SavingKind.BENEFIT,
            benefit_id=benefit_id,
            times=sum(use.benefit_id == benefit_id for use in uses),
            amount_fen=sum(amount_of(use) for use in uses if use.benefit_id == benefit_id),
        )
        for benefit_id in sorted({use.benefit_id for use in uses})
    ]


def amount_of(use: BenefitUse) -> int:
    """What one use took off a price; a share without an order is not known."""
    match use.value:
        case AmountOff():
            return use.value.amount_off_fen
        case ShareOff():
            return use.value.taken_off_fen or 0
    return 0
