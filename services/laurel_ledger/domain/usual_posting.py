"""The usual posting, done at once: an earning or spending that asks for nothing special, of an
account in which nothing is special.

The same decision as that of `posting`, which asks one question after the other of every draft and
account. Here all of them are asked together, and whoever is not surely a usual case is left to that
one, every refusal too. A property test holds both equal.
"""

from __future__ import annotations

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import Account, AccountKind, Lot, Movement
from laurel_ledger.domain.assets import Asset, Terms, expiry_of
from laurel_ledger.domain.changes import Given
from laurel_ledger.domain.pages import Page
from laurel_ledger.domain.standings import USUAL
from laurel_ledger.domain.transactions import Draft, Transaction, TransactionType

Filled = tuple[Account, tuple[Movement, ...]]
"""An account after a movement of points, and what moved."""


def post_usual(page: Page, draft: Draft, terms: Terms) -> tuple[Transaction, Account] | None:
    """The transaction of a draft and the account after it; None where it may be no usual one."""
    type_, now = draft.type, page.moment
    earning = type_ is TransactionType.EARN
    counter = terms.accounts.get(draft.counter_account_id)
    asset = terms.assets.get(draft.asset_id)
    if (
        (not earning and type_ is not TransactionType.SPEND)
        or asset is None
        or counter is None
        or counter.kind is not (AccountKind.FUNDING if earning else AccountKind.REDEMPTION)
        or counter.budgets
        or draft.amount > asset.amount_max
        or draft.expire_time is not None
        or draft.effective_time is not None
        or draft.active_time is not None
        or draft.activation_key is not None
        or draft.spending is not None
        or draft.cost is not None
        or draft.conditions is not None
        or draft.program_id in page.closed_until
    ):
        return None
    account = page.account(draft.account_key)
    if not _has_only_points(account, page):
        return None
    moved = _earn(account, draft, terms, asset, page) if earning else _spend(account, draft.amount)
    if moved is None:
        return None
    account, movements = moved
    transaction = Transaction(
        key=account.key,
        request_id=draft.request_id,
        type=type_,
        amount=draft.amount,
        counter_account_id=draft.counter_account_id,
        version=account.version,
        posted_after=account.posted,
        movements=movements,
        commit_time=now,
        effective_time=now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=draft.program_revision or terms.revision_id,
        given=Given.PROGRAM_REVISION if draft.program_revision else Given.NOTHING,
    )
    return transaction, account


def _has_only_points(account: Account, page: Page) -> bool:
    """Whether an account was never changed, and all its lots are of points to spend: nothing is
    held, frozen, awaited, owed or due.
    """
    if account.held or account.holds or account.standing is not USUAL:
        return False
    now, points = page.moment, 0
    for lot in account.lots:
        end = lot.expire_time
        if (
            lot.expired
            or lot.reserved
            or lot.freeze_key is not None
            or lot.active_time is not None
            or lot.activation_key is not None
            or lot.activated
            or (end is not None and end <= now)
        ):
            return False
        points += lot.earned - lot.consumed
    return points == account.posted


def _earn(account: Account, draft: Draft, terms: Terms, asset: Asset, page: Page) -> Filled | None:
    """Points come into the lot of their funder and expiry, or into a new one."""
    amount, funding_account_id = draft.amount, draft.counter_account_id
    now = page.moment
    expire_time = expiry_of(asset, now, terms.time_zone)
    if account.posted + amount > asset.balance_max or (
        expire_time is not None and expire_time <= now
    ):
        return None
    lots_opened, lots = account.lots_opened, account.lots
    for place, found in enumerate(lots):
        if found.funding_account_id == funding_account_id and found.expire_time == expire_time:
            position = found.earned
            lot = found.with_counters(earned=position + amount, consumed=found.consumed)
            lots = (*lots[:place], lot, *lots[place + 1 :])
            break
    else:
        position = 0
        lots_opened += 1
        lot = Lot(
            lot_no=lots_opened,
            funding_account_id=funding_account_id,
            expire_time=expire_time,
            create_time=now,
            earned=amount,
        )
        lots = (*lots, lot)
    after = Account(
        key=account.key,
        posted=account.posted + amount,
        version=account.version + 1,
        lots_opened=lots_opened,
        lots=lots,
    )
    return after, (accounts.movement_of(lot, amount, position=position),)


def _spend(account: Account, amount: int) -> Filled | None:
    """Points go out, soonest expiry first; None when there are too few."""
    if amount > account.posted:
        return None
    filled = [lot for lot in account.lots if lot.earned > lot.consumed]
    if len(filled) > 1:
        filled = accounts.spending_order(filled)
    return accounts.take(account, amount, filled)
