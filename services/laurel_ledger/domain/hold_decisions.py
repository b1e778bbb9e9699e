"""What becomes of a draft for a hold: the transaction, the account and the hold after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from laurel_ledger.domain import holds
from laurel_ledger.domain.accounts import Account, Hold, HoldState, void_at
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.changes import HoldEvent
from laurel_ledger.domain.errors import AccountNotFound, AmountTooLarge, AssetNotFound
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    HoldDraft,
    Transaction,
    TransactionType,
)


def check_hold_draft(draft: HoldDraft, terms: Terms) -> None:
    """What can be said without the account: asset, account, amount, in this order."""
    if draft.type is TransactionType.HOLD:
        asset = terms.assets.get(draft.asset_id)
        if asset is None:
            raise AssetNotFound(program_id=draft.program_id, asset_id=draft.asset_id)
        if draft.amount is not None and draft.amount > asset.amount_max:
            raise AmountTooLarge(
                asset_id=draft.asset_id, amount=draft.amount, amount_max=asset.amount_max
            )
    if draft.type is TransactionType.CAPTURE:
        kind = COUNTER_KIND[draft.type]
        account = terms.accounts.get(draft.counter_account_id)
        if account is None or account.kind is not kind:
            raise AccountNotFound(
                program_id=draft.program_id, account_id=draft.counter_account_id, kind=kind.name
            )


def decide_hold(
    account: Account, draft: HoldDraft, hold: Hold | None, *, terms: Terms, now: datetime
) -> tuple[Transaction, Account, Hold]:
    """Change a hold as asked; nothing of the account is due. `hold` is None for one to place.

    Raises what says how the hold ended, CaptureExceedsHold, InsufficientPoints.
    """
    changed = _change(account, draft, hold, now)
    return _record(draft, account, changed, program_revision=terms.revision_id, now=now)


def lapse(
    account: Account, hold: Hold, *, name: str, program_revision: str, now: datetime
) -> tuple[Transaction, Account, Hold]:
    """Release a hold whose lifetime is over, as a transaction that the ledger posts by itself."""
    changed = holds.release(account, hold, HoldState.LAPSED, now=now)
    draft = HoldDraft(
        program_id=account.key.program_id,
        request_id=name,
        type=TransactionType.LAPSE,
        member_id=account.key.member_id,
        hold_id=hold.hold_id,
        asset_id=account.key.asset_id,
    )
    return _record(draft, account, changed, program_revision=program_revision, now=now)


def _change(account: Account, draft: HoldDraft, hold: Hold | None, now: datetime) -> holds.Changed:
    if hold is None:
        assert draft.amount, "the contract wants the amount and lifetime of a hold to place"
        assert draft.lifetime, "the contract wants the amount and lifetime of a hold to place"
        return holds.place(
            account, hold_id=draft.hold_id, amount=draft.amount, lifetime=draft.lifetime, now=now
        )
    holds.check_open(hold)
    if draft.type is TransactionType.CAPTURE:
        amount = hold.remaining if draft.amount is None else draft.amount
        return holds.capture(account, hold, amount, final=draft.final, now=now)
    if draft.type is TransactionType.RELEASE:
        return holds.release(account, hold, HoldState.RELEASED, now=now)
    assert draft.lifetime, "the contract wants the lifetime of an extension"
    return holds.extend(account, hold, draft.lifetime, now=now)


def _record(
    draft: HoldDraft,
    before: Account,
    changed: holds.Changed,
    *,
    program_revision: str,
    now: datetime,
) -> tuple[Transaction, Account, Hold]:
    """The transaction of a change: an entry of its own, whatever it was made of."""
    after, hold, movements = changed
    after = replace(after, version=before.version + 1)
    amounts = {
        TransactionType.HOLD: hold.amount,
        TransactionType.CAPTURE: before.posted - after.posted,
        TransactionType.EXTENSION: hold.remaining,
    }
    transaction = Transaction(
        key=before.key,
        request_id=draft.request_id,
        type=draft.type,
        amount=amounts.get(draft.type, before.held - after.held),
        counter_account_id=draft.counter_account_id,
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=draft.program_revision or program_revision,
        given=draft.given,
        hold=HoldEvent(
            hold=hold,
            held_after=after.held,
            lifetime=draft.lifetime,
            final=draft.final,
            expiring=void_at(after, now),
        ),
    )
    return transaction, after, hold
