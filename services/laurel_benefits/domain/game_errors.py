"""What check-ins, wallets and trees refuse."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_benefits.domain.errors import BenefitsError
from laurel_benefits.domain.ids import FruitId, ProgramId, WaterTaskId


@dataclass(eq=False, kw_only=True)
class CheckInNotFound(BenefitsError):
    """Nobody can check in to the program."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class WalletNotFound(BenefitsError):
    """No member of the program has a wallet."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class OrchardNotFound(BenefitsError):
    """No member of the program has a tree."""

    program_id: ProgramId


@dataclass(eq=False, kw_only=True)
class WaterTaskNotFound(BenefitsError):
    """The orchard has no such task."""

    task_id: WaterTaskId


@dataclass(eq=False, kw_only=True)
class FruitNotFound(BenefitsError):
    """No tree of the orchard bears it."""

    fruit_id: FruitId
