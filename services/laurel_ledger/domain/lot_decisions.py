"""What becomes of a draft for lots: activated, frozen, thawed or voided, by name or by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import BREAKAGE, Account, Lot, Movement, Pin
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.errors import AssetNotFound, LotNotFound, LotsNotFound
from laurel_ledger.domain.transactions import (
    LotChange,
    LotDraft,
    Transaction,
    TransactionType,
)

Fits = Callable[[Lot, datetime], bool]

FITTING: dict[TransactionType, Fits] = {
    TransactionType.ACTIVATION: lambda lot, now: lot.remaining > 0 and lot.pending(now),
    TransactionType.FREEZE: lambda lot, _: lot.remaining > 0 and not lot.frozen,
    TransactionType.THAW: lambda lot, _: lot.remaining > 0 and lot.frozen,
    TransactionType.VOIDING: lambda lot, _: lot.free > 0,
}
"""Which lots can be changed so."""

Changed = tuple[Account, tuple[Movement, ...]]


def decide_lots(
    account: Account, draft: LotDraft, *, terms: Terms, now: datetime
) -> tuple[Transaction, Account]:
    """Change lots as asked; nothing of the account is due.

    Points that come to be spent repay first what is owed; points that are held stay in their holds.
    Raises AssetNotFound, LotNotFound, LotsNotFound.
    """
    if draft.asset_id not in terms.assets:
        raise AssetNotFound(program_id=draft.program_id, asset_id=draft.asset_id)
    chosen = _chosen(account, draft, now)
    after, movements = _change(account, draft, chosen, now)
    after = replace(after, version=account.version + 1)
    voiding = draft.type is TransactionType.VOIDING
    parts = tuple(Pin(lot.lot_no, lot.free if voiding else lot.remaining) for lot in chosen)
    transaction = Transaction(
        key=account.key,
        request_id=draft.request_id,
        type=draft.type,
        amount=sum(part.amount for part in parts),
        counter_account_id=BREAKAGE if voiding else "",
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=draft.program_revision or terms.revision_id,
        given=draft.given,
        lots=LotChange(
            lot_nos=draft.lot_nos,
            activation_key=draft.activation_key,
            freeze_key=draft.freeze_key,
            lots=parts,
        ),
    )
    return transaction, after


def _chosen(account: Account, draft: LotDraft, now: datetime) -> list[Lot]:
    """The lots that are meant and can be changed so, in the order of spending."""
    there = {lot.lot_no for lot in account.lots}
    for lot_no in draft.lot_nos:
        if lot_no not in there:
            raise LotNotFound(
                asset_id=draft.asset_id, member_id=draft.member_id, lot_id=str(lot_no)
            )
    fits = FITTING[draft.type]
    found = [lot for lot in account.lots if _meant(lot, draft) and fits(lot, now)]
    if not found:
        raise LotsNotFound(asset_id=draft.asset_id, member_id=draft.member_id)
    return accounts.spending_order(found)


def _meant(lot: Lot, draft: LotDraft) -> bool:
    """Whether a lot is one of those that are named, or has the key that is."""
    if draft.lot_nos and lot.lot_no not in draft.lot_nos:
        return False
    if draft.activation_key and lot.activation_key != draft.activation_key:
        return False
    freezing = draft.type is TransactionType.FREEZE
    return freezing or not draft.freeze_key or lot.freeze_key == draft.freeze_key


def _change(account: Account, draft: LotDraft, chosen: list[Lot], now: datetime) -> Changed:
    if draft.type is TransactionType.VOIDING:
        return accounts.take(account, sum(lot.free for lot in chosen), chosen)
    changed = {lot.lot_no: _changed(lot, draft.type, draft.freeze_key) for lot in chosen}
    return accounts.repay(accounts.after_moving(account, changed, 0), now=now)


def with_changes(account: Account, changes: Iterable[tuple[TransactionType, LotChange]]) -> Account:
    """An account whose lots are as they were opened, after some changes of them in their order."""
    lots = {lot.lot_no: lot for lot in account.lots}
    for type_, change in changes:
        for lot_no, _ in change.lots:
            if lot := lots.get(lot_no):
                lots[lot_no] = _changed(lot, type_, change.freeze_key)
    return replace(account, lots=tuple(lots.values()))


def _changed(lot: Lot, type_: TransactionType, freeze_key: str) -> Lot:
    if type_ is TransactionType.FREEZE:
        return replace(lot, freeze_key=freeze_key)
    if type_ is TransactionType.THAW:
        return replace(lot, freeze_key=None)
    return replace(lot, activated=True) if type_ is TransactionType.ACTIVATION else lot
