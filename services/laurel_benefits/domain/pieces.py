"""Pieces of the lines of an order, and their part of what the line costs, spends and earns.

A line gives back what it took, piece by piece: after so many of its pieces the floor of their share
has come back, and all of it with the last one (E12). So however an order is divided, its parts come
to the order exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.ids import CampaignId, LineId


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """So many pieces of a line."""

    line_id: LineId
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPart:
    """What a campaign gives for pieces of a line."""

    campaign_id: CampaignId
    points: int


def part_of(total: int, *, pieces: int, before: int, quantity: int) -> int:
    """What `quantity` of the pieces of a line have of a total, after `before` of them went."""
    return total * (before + quantity) // pieces - total * before // pieces
