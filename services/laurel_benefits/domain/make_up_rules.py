"""How cards that make up for missed days are earned and used, as a program says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpRules:
    """How cards are earned, and how they are used."""

    earned_every_days: int
    held_max: int
    lifetime_days: int
    days_back_max: int
