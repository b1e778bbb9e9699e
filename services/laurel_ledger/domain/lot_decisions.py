"""What becomes of a draft for lots, by name or key: to activate, freeze, thaw, void or extend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import BREAKAGE, Account, Lot, Movement, Pin
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.changes import LotChange
from laurel_ledger.domain.errors import (
    AssetNotFound,
    ExpiryNotAfterActive,
    LotNotFound,
    LotsNotFound,
)
from laurel_ledger.domain.transactions import (
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
"""Which lots can be changed so; which can be extended depends on the new expiry."""

Changed = tuple[Account, tuple[Movement, ...]]


def decide_lots(
    account: Account, draft: LotDraft, *, terms: Terms, now: datetime
) -> tuple[Transaction, Account]:
    """Change lots as asked; nothing of the account is due.

    Points that come to be spent repay first what is owed; points that are held stay in their holds.
    Raises AssetNotFound, ExpiryNotAfterActive, LotNotFound, LotsNotFound.
    """
    if draft.asset_id not in terms.assets:
        raise AssetNotFound(program_id=draft.program_id, asset_id=draft.asset_id)
    if draft.expire_time is not None and draft.expire_time <= now:
        raise ExpiryNotAfterActive(expire_time=draft.expire_time, current_time=now)
    chosen = _chosen(account, draft, now)
    after, movements = _change(account, draft, chosen, now)
    after = replace(after, version=account.version + 1)
    voiding = draft.type is TransactionType.VOIDING
    if draft.type is TransactionType.LOT_EXTENSION:
        parts = tuple(Pin(each.lot_no, each.amount) for each in movements if each.amount > 0)
    else:
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
    found = [lot for lot in account.lots if _meant(lot, draft) and _fits(lot, draft, now)]
    if not found:
        raise LotsNotFound(asset_id=draft.asset_id, member_id=draft.member_id)
    return accounts.spending_order(found)


def _fits(lot: Lot, draft: LotDraft, now: datetime) -> bool:
    """Whether a lot can be changed so. Points are never cut short: only later is an extension."""
    if draft.expire_time is None:
        return FITTING[draft.type](lot, now)
    return lot.free > 0 and lot.expire_time is not None and lot.expire_time < draft.expire_time


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
    if draft.expire_time is not None:
        return accounts.carry(account, chosen, expire_time=draft.expire_time, now=now)
    changed = {lot.lot_no: _changed(lot, draft.type, draft.freeze_key) for lot in chosen}
    return accounts.repay(accounts.after_moving(account, changed, 0), now=now)


def with_changes(account: Account, changes: Iterable[tuple[TransactionType, LotChange]]) -> Account:
    """An account whose lots are as they were opened, after some changes of them in their order."""
    lots = {lot.lot_no: lot for lot in account.lots}
    for type_, change in changes:
        for lot_no, _ in change.lots:
            if lot := lots.get(lot_no):
                source = lots.get(lot.parent_lot_no or 0)
                if type_ is TransactionType.LOT_EXTENSION and source is not None:
                    lots[lot_no] = _like(lot, source)
                else:
                    lots[lot_no] = _changed(lot, type_, change.freeze_key)
    return replace(account, lots=tuple(lots.values()))


def _like(lot: Lot, source: Lot) -> Lot:
    """A lot that opened as another one was: its wait over or not, frozen or not."""
    return replace(lot, activated=source.activated, freeze_key=source.freeze_key)


def _changed(lot: Lot, type_: TransactionType, freeze_key: str) -> Lot:
    if type_ is TransactionType.FREEZE:
        return replace(lot, freeze_key=freeze_key)
    if type_ is TransactionType.THAW:
        return replace(lot, freeze_key=None)
    return replace(lot, activated=True) if type_ is TransactionType.ACTIVATION else lot
