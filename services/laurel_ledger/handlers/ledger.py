"""What every handler works with: the engine, the books, the programs, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from laurel_kit.clock import Clock
from laurel_kit.database import Database
from laurel_kit.interceptors.call import current_call
from laurel_kit.operations import Operations
from laurel_kit.programs.registry import ProgramRegistry, Revision

from laurel_ledger.config import LedgerSettings
from laurel_ledger.domain.assets import AdjustmentRules, Asset, ExchangeRate, ProgramAccount, Terms
from laurel_ledger.domain.errors import AssetNotFound
from laurel_ledger.engine.posting import PostingEngine
from laurel_ledger.engine.reading import AccountReader
from laurel_ledger.storage.books import BooksStore
from laurel_ledger.storage.connections import Connections


class Model(Protocol):
    """What a revision of a program says to the ledger."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """Its assets by id."""
        ...

    @property
    def accounts(self) -> Mapping[str, ProgramAccount]:
        """The program's own accounts by id."""
        ...

    @property
    def adjustments(self) -> AdjustmentRules:
        """Who may change balances by hand, and why."""
        ...

    @property
    def exchanges(self) -> Mapping[tuple[str, str], ExchangeRate]:
        """The rates by which points are exchanged."""
        ...


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One service's handlers share one of these."""

    database: Database
    connections: Connections
    store: BooksStore
    engine: PostingEngine
    reader: AccountReader
    programs: ProgramRegistry[Model]
    clock: Clock
    operations: Operations
    settings: LedgerSettings
    _terms: dict[tuple[str, str], Terms] = field(default_factory=dict)

    async def terms_at(self, program_id: str, instant: datetime) -> Terms:
        """What the program says at an instant. Raises ProgramNotFound."""
        revision = self.programs.cached(program_id, instant)
        if revision is None:
            async with self.database.read() as connection:
                revision = await self.programs.at(connection, program_id, instant)
        key = (program_id, revision.revision_id)
        if key not in self._terms:
            self._terms[key] = _terms_of(revision)
        return self._terms[key]

    async def require_asset(self, program_id: str, asset_id: str) -> Terms:
        """What the program says now, which must be something of the asset. Raises AssetNotFound."""
        terms = await self.terms_at(program_id, self.clock.now())
        if asset_id not in terms.assets:
            raise AssetNotFound(program_id=program_id, asset_id=asset_id)
        return terms

    def time_left(self) -> float:
        """Seconds until the present caller gives up, or the longest a write may take."""
        call = current_call()
        remaining = call.time_remaining() if call else None
        longest = self.settings.write_deadline_max.total_seconds()
        return longest if remaining is None else min(remaining, longest)


def _terms_of(revision: Revision[Model]) -> Terms:
    return Terms(
        program_id=revision.program_id,
        revision_id=revision.revision_id,
        time_zone=revision.time_zone,
        assets=revision.model.assets,
        accounts=revision.model.accounts,
        adjustments=revision.model.adjustments,
        exchanges=revision.model.exchanges,
    )
