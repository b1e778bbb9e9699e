"""What this service itself knows of a member when it decides on benefits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.domain.memberships import Membership
from laurel_benefits.domain.risks import MemberRisk
from laurel_benefits.domain.rulings import Ruling

UseCounts = Mapping[tuple[BenefitId, str], int]
"""How often a benefit was used in a period, by the benefit and the key of the period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Memberships, rulings, counted uses and the judgement of a member, all as of one instant."""

    running: tuple[Membership, ...] = ()
    """The memberships whose term holds."""
    rulings: Mapping[BenefitId, Ruling] = field(default_factory=dict)
    """The latest ruling on each benefit, also one that is over."""
    used: UseCounts = field(default_factory=dict)
    risk: MemberRisk | None = None
    """The latest judgement, also one that is over."""

    def grant_of(self, benefit_id: BenefitId, now: datetime) -> Ruling | None:
        """The grant by which the member has a benefit."""
        ruling = self.rulings.get(benefit_id)
        return ruling if ruling and ruling.grants_at(now) else None

    def withholding_of(self, benefit_id: BenefitId, now: datetime) -> Ruling | None:
        """The ruling by which the member may not have a benefit."""
        ruling = self.rulings.get(benefit_id)
        return ruling if ruling and ruling.withholds_at(now) else None
