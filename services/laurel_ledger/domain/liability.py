"""What the program owes its members, by cohort, and how much of it will probably expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from laurel_kit.values import BASIS_POINTS_WHOLE, floor_basis_points


class BreakageBasis(IntEnum):
    """Where the rate of breakage comes from. The numbers are the contract's."""

    GIVEN = 1
    HISTORY = 2
    NO_HISTORY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Points of one funder that were issued in one month and become void at the end of another."""

    funding_account_id: str
    issue_month: date
    expire_month: date | None
    issued: int
    spent: int
    expired: int
    restored: int = 0
    reversed: int = 0
    carried_in: int = 0
    carried_out: int = 0

    @property
    def total(self) -> int:
        """Points that were to be spent or to expire as part of it."""
        return self.issued + self.carried_in - self.carried_out

    @property
    def outstanding(self) -> int:
        """What members still have of them, in the asset's unit."""
        return self.total + self.restored - self.spent - self.expired - self.reversed

    def breakage_at(self, rate_bps: int) -> int:
        """How many of the outstanding ones will expire, if that share of the issued ones does.

        Those that have expired are part of the share; what never expires never does.
        """
        if self.expire_month is None:
            return 0
        expected = floor_basis_points(max(0, self.total), rate_bps) - self.expired
        return max(0, min(self.outstanding, expected))


@dataclass(frozen=True, slots=True, kw_only=True)
class Liability:
    """What is owed, cohort by cohort and in total."""

    cohorts: tuple[Cohort, ...]
    rate_bps: int
    basis: BreakageBasis
    face_fen_per_10000: int = 0
    """What 10,000 points are worth, in fen; 0 where the program states no worth."""

    @property
    def outstanding(self) -> int:
        """Points that members have."""
        return sum(cohort.outstanding for cohort in self.cohorts)

    @property
    def breakage(self) -> int:
        """How many of them will probably expire."""
        return sum(cohort.breakage_at(self.rate_bps) for cohort in self.cohorts)

    def face_value_of(self, points: int) -> int | None:
        """What points are worth, in fen rounded down (D13); None where no worth is stated."""
        if not self.face_fen_per_10000:
            return None
        return floor_basis_points(points, self.face_fen_per_10000)

    @property
    def face_value(self) -> int | None:
        """What the outstanding points are worth, in fen."""
        return self.face_value_of(self.outstanding)

    @property
    def provision(self) -> int | None:
        """What is to be set aside: the worth of those that will probably not expire, in fen."""
        return self.face_value_of(self.outstanding - self.breakage)


def liability_of(
    cohorts: Sequence[Cohort],
    *,
    this_month: date,
    rate_bps: int | None,
    face_fen_per_10000: int = 0,
) -> Liability:
    """The liability by a given rate of breakage, or by that of the cohorts whose time is over.

    Without either nothing is expected to expire, which is the cautious side.
    """
    basis = BreakageBasis.GIVEN
    if rate_bps is None:
        rate_bps = rate_of_history(cohorts, this_month)
        basis = BreakageBasis.NO_HISTORY if rate_bps is None else BreakageBasis.HISTORY
    return Liability(
        cohorts=tuple(cohorts),
        rate_bps=rate_bps or 0,
        basis=basis,
        face_fen_per_10000=face_fen_per_10000,
    )


def rate_of_history(cohorts: Sequence[Cohort], this_month: date) -> int | None:
    """Which share expired of what could be spent until some month before this one, rounded down."""
    over = [each for each in cohorts if each.expire_month and each.expire_month < this_month]
    issued = sum(each.total for each in over)
    if issued <= 0:
        return None
    return sum(each.expired for each in over) * BASIS_POINTS_WHOLE // issued
