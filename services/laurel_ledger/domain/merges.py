"""Merging accounts: everything of one member's account goes on in another member's, and it closes.

Lots come as they are, with their funder and expiry and whatever they wait for; what is due of
either account is posted before. What is open of the account that closes stands against it: holds,
unless they are to be released, frozen points, debt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_ledger.domain import accounts, invariants
from laurel_ledger.domain.account_changes import (
    ChangeDraft,
    check_change,
    check_standing,
    decide_change,
)
from laurel_ledger.domain.accounts import CLEARING, Account, AccountKey, Lot, Movement
from laurel_ledger.domain.assets import AMOUNT_MAX, Terms
from laurel_ledger.domain.changes import CarriedLot, Transfer
from laurel_ledger.domain.due import name_of_own, settle_due, settle_giver
from laurel_ledger.domain.errors import (
    AccountNotMergeable,
    BalanceLimitExceeded,
    RequestIdReused,
)
from laurel_ledger.domain.hold_decisions import decide_hold
from laurel_ledger.domain.pages import MICROSECOND, Books, Page
from laurel_ledger.domain.posting import Decision
from laurel_ledger.domain.standings import AccountChange
from laurel_ledger.domain.transactions import (
    HoldDraft,
    RequestKey,
    Transaction,
    TransactionType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeDraft:
    """A merge that somebody wants."""

    closing: ChangeDraft
    """Of the account whose points go on."""
    request_id: str
    to_member_id: str
    release_holds: bool

    @property
    def target_key(self) -> AccountKey:
        """The account in which they go on."""
        return self.closing.key._replace(member_id=self.to_member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a merge comes to."""

    decision: Decision
    change: AccountChange
    account: Account
    """The one that is closed."""
    given: Transaction | None
    """Of the points that left; None when there were none."""
    received: Transaction | None


def decide_merge(books: Books, draft: MergeDraft, terms: Terms, now: datetime) -> Merged:
    """Carry all points of an account into another one and close it, from `now` on.

    Raises EtagMismatch, AccountClosed, AccountSuspended, RequestIdReused, AccountNotMergeable,
    BalanceLimitExceeded (beyond 10^15 only), in this order.
    """
    page = Page(over=books, moment=now, skew_max=timedelta(0))
    key = draft.closing.key
    check_change(page.account(key), draft.closing)
    check_standing(page.account(draft.target_key), TransactionType.MERGE_IN)
    if page.record(RequestKey(key.program_id, key.member_id, draft.request_id)):
        raise RequestIdReused(request_id=draft.request_id, mismatched_fields="effect")
    settle_due(page, draft.target_key, terms.revision_id)
    settle_giver(page, key, terms.revision_id)
    if draft.release_holds:
        _release_holds(page, key, terms)
    _check_mergeable(page.account(key))
    given = received = None
    if page.account(key).posted:
        given, received = _carry(page, draft, terms)
    change = decide_change(page.account(key), draft.closing, page.moment)
    records = tuple(page.records.values())
    invariants.check_batch(books.accounts, page.accounts, records, now=now)
    decision = Decision(
        outcomes=(),
        records=records,
        request_keys=page.records.keys(),
        accounts=page.accounts,
        holds=tuple(page.holds.values()),
    )
    account = page.account(key)
    return Merged(decision=decision, change=change, account=account, given=given, received=received)


def _release_holds(page: Page, key: AccountKey, terms: Terms) -> None:
    """End every hold, each as a transaction; what is void by then expires at once."""
    for hold in page.account(key).holds:
        account = page.account(key)
        name = name_of_own(replace(account, version=account.version + 1), page.moment)
        release = HoldDraft(
            program_id=key.program_id,
            request_id=name,
            type=TransactionType.RELEASE,
            member_id=key.member_id,
            hold_id=hold.hold_id,
            asset_id=key.asset_id,
        )
        page.keep_hold(*decide_hold(account, release, hold, terms=terms, now=page.moment))
        settle_giver(page, key, terms.revision_id)


def _check_mergeable(account: Account) -> None:
    frozen = sum(lot.remaining for lot in account.lots if lot.kept)
    if account.held or frozen or account.owed:
        raise AccountNotMergeable(
            member_id=account.key.member_id,
            asset_id=account.key.asset_id,
            held=account.held,
            frozen=frozen,
            debt=account.owed,
        )


def _carry(page: Page, draft: MergeDraft, terms: Terms) -> tuple[Transaction, Transaction]:
    """All points leave the one account and come into the other, a transaction of each."""
    source, target = page.account(draft.closing.key), page.account(draft.target_key)
    now, amount = page.moment, source.posted
    if target.posted + amount > AMOUNT_MAX:
        raise BalanceLimitExceeded(
            asset_id=target.key.asset_id,
            posted=target.posted,
            amount=amount,
            balance_max=AMOUNT_MAX,
        )
    order = accounts.spending_order(lot for lot in source.lots if lot.remaining)
    giver, taken = accounts.take(source, amount, order)
    later = now + MICROSECOND
    taker, put, carried = _receive(target, order, now=later)
    name = name_of_own(taker, later)
    given = _side(
        giver,
        draft,
        TransactionType.MERGE_OUT,
        taken,
        now=now,
        amount=amount,
        name=draft.request_id,
        revision_id=terms.revision_id,
        other=Transfer(member_id=draft.to_member_id, request_id=name),
    )
    received = _side(
        taker,
        draft,
        TransactionType.MERGE_IN,
        put,
        now=later,
        amount=amount,
        name=name,
        revision_id=terms.revision_id,
        other=Transfer(member_id=source.key.member_id, request_id=draft.request_id, lots=carried),
    )
    page.keep(given, giver)
    page.keep(received, taker)
    return given, received


def _receive(
    target: Account, lots: list[Lot], *, now: datetime
) -> tuple[Account, tuple[Movement, ...], tuple[CarriedLot, ...]]:
    """Each lot goes on in one of its own; what is owed is repaid from them as one entry."""
    after, movements, carried = target, [], []
    for lot in lots:
        child = replace(
            lot,
            lot_no=after.lots_opened + 1,
            create_time=now,
            earned=lot.remaining,
            consumed=0,
            parent_lot_no=None,
        )
        after = replace(after.with_lot(child), posted=after.posted + child.earned)
        movements.append(accounts.movement_of(child, child.earned, position=0))
        if child.active_time is not None or child.activation_key is not None:
            carried.append(
                CarriedLot(child.lot_no, child.active_time, child.activation_key, child.activated)
            )
    after, repaid = accounts.repay(after, now=now)
    after = replace(after, version=target.version + 1)
    return after, (*movements, *repaid), tuple(carried)


def _side(
    after: Account,
    draft: MergeDraft,
    type_: TransactionType,
    movements: tuple[Movement, ...],
    *,
    now: datetime,
    amount: int,
    name: str,
    revision_id: str,
    other: Transfer,
) -> Transaction:
    return Transaction(
        key=after.key,
        request_id=name,
        type=type_,
        amount=amount,
        counter_account_id=CLEARING,
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=now,
        reason=draft.closing.reason,
        labels={},
        program_revision=revision_id,
        transfer=other,
    )
