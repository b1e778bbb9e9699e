"""What a line would earn, on its way through the stages: ten-thousandths of a point."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit.values import BASIS_POINTS_WHOLE

from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.ids import CampaignId
from laurel_benefits.domain.rooms import Room

ONE_POINT = BASIS_POINTS_WHOLE
"""Ten-thousandths in a point: a rate of 1 basis point gives one of them for each fen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonus:
    """What a campaign adds to a line, in ten-thousandths of a point."""

    campaign: Campaign
    amount: int

    def within(self, room: Room) -> bool:
        """Whether a room covers it."""
        return room.covers(self.campaign.campaign_id, self.campaign.funding_account_id)

    def whole(self) -> Bonus:
        """The same without its fraction of a point."""
        kept = floored(self.amount)
        return self if kept == self.amount else replace(self, amount=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What a line would earn, in ten-thousandths of a point."""

    ordinary: int = 0
    """The base points a rebate stands in for: campaigns multiply them all the same."""
    base: int = 0
    rebate: int = 0
    bonuses: tuple[Bonus, ...] = ()
    bonus_total: int = 0
    """What the bonuses come to; kept, for it is asked for after each of hundreds of campaigns."""

    @property
    def total(self) -> int:
        """All together."""
        return self.capped + self.rebate

    @property
    def capped(self) -> int:
        """What caps cover: everything but a rebate, which has a cap of its own."""
        return self.base + self.bonus_total

    def by_campaign(self) -> dict[CampaignId, int]:
        """What each campaign adds."""
        return {each.campaign.campaign_id: each.amount for each in self.bonuses}

    def with_bonus(self, bonus: Bonus) -> Amounts:
        """The same and one more."""
        return Amounts(
            ordinary=self.ordinary,
            base=self.base,
            rebate=self.rebate,
            bonuses=(*self.bonuses, bonus),
            bonus_total=self.bonus_total + bonus.amount,
        )

    def within(self, room: Room) -> int:
        """What a room covers."""
        bonuses = sum(each.amount for each in self.bonuses if each.within(room))
        return bonuses + self.base if room.covers_base else bonuses

    def less(self, excess: int, room: Room | None = None) -> Amounts:
        """The same without so much of what a room covers: the last bonuses first, then base."""
        kept: list[Bonus] = []
        for bonus in reversed(self.bonuses):
            meant = room is None or bonus.within(room)
            cut = min(excess, bonus.amount) if meant else 0
            excess -= cut
            kept.append(replace(bonus, amount=bonus.amount - cut))
        return replace(
            self,
            base=self.base - excess,
            bonuses=tuple(reversed(kept)),
            bonus_total=sum(bonus.amount for bonus in kept),
        )

    def whole(self) -> Amounts:
        """The same without fractions of a point, each kind by itself (X3)."""
        bonuses = tuple(each.whole() for each in self.bonuses)
        return replace(
            self,
            base=floored(self.base),
            rebate=floored(self.rebate),
            bonuses=bonuses,
            bonus_total=sum(each.amount for each in bonuses),
        )


NOTHING = Amounts()


def floored(amount: int) -> int:
    """An amount without its fraction of a point."""
    return amount - amount % ONE_POINT
