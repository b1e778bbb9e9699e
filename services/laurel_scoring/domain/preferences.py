"""What shops are told of the tastes of their customers: never of fewer than a group (C19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from laurel_kit.values import split_largest_remainder

from laurel_scoring.domain.errors import GroupTooSmall

# All of what is told, in percent.
WHOLE_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySpend:
    """What the customers of a shop spent on a category, in every shop."""

    category_id: str
    members: int
    paid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """The share of a category, in whole percent."""

    category_id: str
    share_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a shop is told: about so many members, and what they spend on."""

    members_about: int
    """Rounded down to whole groups."""
    categories: tuple[Preference, ...]


def preferences_of(
    spent: Sequence[CategorySpend], *, members: int, members_min: int
) -> Preferences:
    """The mix of categories, the largest share first, without those that too few bought.

    Shares are of what is told, in whole percent: nothing is said about what is left out. Raises
    GroupTooSmall when the shop has fewer customers than a group.
    """
    if members < members_min:
        raise GroupTooSmall(members_min=members_min)
    told = [each for each in spent if each.members >= members_min and each.paid > 0]
    told.sort(key=lambda each: (-each.paid, each.category_id))
    shares = split_largest_remainder(WHOLE_PERCENT, [each.paid for each in told]) if told else []
    return Preferences(
        members_about=members - members % members_min,
        categories=tuple(
            Preference(category_id=each.category_id, share_percent=share)
            for each, share in zip(told, shares, strict=True)
        ),
    )
