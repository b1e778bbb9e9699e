"""The assets of a program with the totals of its own accounts."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_ledger.domain.accounts import BREAKAGE, AccountKind
from laurel_ledger.domain.assets import Asset, ProgramAccount, Terms
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.accounts import OwnTotal, own_totals


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTotal:
    """One of the program's own accounts and what it has of an asset."""

    account: ProgramAccount
    posted: int

    def budget_left_of(self, asset_id: str) -> int | None:
        """How many points of that asset it may still issue; None for no limit."""
        budget = self.account.budgets.get(asset_id)
        return None if budget is None else max(0, budget + self.posted)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTotals:
    """An asset with the program's own accounts of it."""

    program_id: str
    program_revision: str
    asset: Asset
    accounts: tuple[AccountTotal, ...]

    @property
    def outstanding(self) -> int:
        """What all members have together: entries sum to zero, so it is the other side."""
        return -sum(each.posted for each in self.accounts)


async def get_asset(program_id: str, asset_id: str, *, ledger: Ledger) -> AssetTotals:
    """One asset with its totals. Raises AssetNotFound."""
    terms = await ledger.require_asset(program_id, asset_id)
    return _with_totals(terms, terms.assets[asset_id], await _totals(program_id, ledger))


async def list_assets(program_id: str, *, ledger: Ledger) -> tuple[AssetTotals, ...]:
    """Every asset of a program with its totals, in the order of the program file."""
    terms = await ledger.terms_at(program_id, ledger.clock.now())
    totals = await _totals(program_id, ledger)
    return tuple(_with_totals(terms, asset, totals) for asset in terms.assets.values())


async def _totals(program_id: str, ledger: Ledger) -> list[OwnTotal]:
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        return list(await own_totals(connection, program_id, shards=shards))


def _with_totals(terms: Terms, asset: Asset, totals: list[OwnTotal]) -> AssetTotals:
    """Declared accounts in their order, then those of older revisions, then breakage."""
    posted = {
        (each.kind, each.account_id): each.posted
        for each in totals
        if each.asset_id == asset.asset_id
    }
    breakage = ProgramAccount(
        account_id=BREAKAGE, kind=AccountKind.BREAKAGE, display_name="Expired points"
    )
    declared = {(each.kind, each.account_id): each for each in terms.accounts.values()}
    older = {
        (kind, name): ProgramAccount(account_id=name, kind=kind, display_name=name)
        for kind, name in sorted(posted)
        if kind is not AccountKind.BREAKAGE and (kind, name) not in declared
    }
    accounts = declared | older | {(AccountKind.BREAKAGE, BREAKAGE): breakage}
    return AssetTotals(
        program_id=terms.program_id,
        program_revision=terms.revision_id,
        asset=asset,
        accounts=tuple(
            AccountTotal(account=account, posted=posted.get(key, 0))
            for key, account in accounts.items()
        ),
    )
