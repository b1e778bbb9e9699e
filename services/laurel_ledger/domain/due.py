"""What falls due in an account, posted before anything else happens to it.

So an answer is exact at its instant whether or not a sweeper ran: holds that lapsed, points that
are void, and what is owed once there are points to repay it from.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from laurel_ledger.domain import accounts
from laurel_ledger.domain.accounts import BREAKAGE, Account, AccountKey, Movement
from laurel_ledger.domain.hold_decisions import lapse
from laurel_ledger.domain.holds import lapsing
from laurel_ledger.domain.pages import MICROSECOND, Page
from laurel_ledger.domain.transactions import Transaction, TransactionType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def settle_due(page: Page, key: AccountKey, program_revision: str) -> Account:
    """Post what is due, each as a transaction: lapsed holds, expiries by their time (E21), and at
    last what can be repaid. Answers the account after them, in which nothing is due.

    What a hold frees expires before the next one lapses: void points would hide what is owed.
    """
    account = page.account(key)
    while account.holds and (hold := lapsing(account, page.moment)):
        name = name_of_own(replace(account, version=account.version + 1), page.moment)
        page.keep_hold(
            *lapse(account, hold, name=name, program_revision=program_revision, now=page.moment)
        )
        account = _expire_lots(page, key, program_revision)
    account = _expire_lots(page, key, program_revision)
    if account.withheld:
        account = _repay_due(page, account, program_revision)
    return account


def settle_giver(page: Page, key: AccountKey, program_revision: str) -> Account:
    """Post what is due in an account that points are to leave for another one.

    They come there a microsecond later. What is void by then is void before they leave: nobody gets
    points that cannot be spent any more (I16).
    """
    account = settle_due(page, key, program_revision)
    while any(lot.expire_time == page.moment + MICROSECOND for lot in account.lots):
        page.moment += MICROSECOND
        account = settle_due(page, key, program_revision)
    return account


def _expire_lots(page: Page, key: AccountKey, program_revision: str) -> Account:
    """Post the expiries of lots that are due, by their time."""
    account = page.account(key)
    while (expire_time := account.due_time(page.moment)) is not None:
        account, movements = accounts.expire(account, expire_time)
        if not movements:  # Spent before it was void: the lot closes, nothing happens.
            page.accounts[key] = account
            continue
        amount = -sum(movement.amount for movement in movements)
        _keep_own(
            page,
            account,
            TransactionType.EXPIRY,
            amount,
            movements,
            counter_account_id=BREAKAGE,
            effective_time=expire_time,
            program_revision=program_revision,
        )
    return account


def _repay_due(page: Page, account: Account, program_revision: str) -> Account:
    """Repay what is owed from points that have become active meanwhile (E18)."""
    account, movements = accounts.repay(account, now=page.moment)
    if movements:
        _keep_own(
            page,
            account,
            TransactionType.REPAYMENT,
            -sum(movement.amount for movement in movements),
            movements,
            counter_account_id="",
            effective_time=page.moment,
            program_revision=program_revision,
        )
    return account


def _keep_own(
    page: Page,
    account: Account,
    type_: TransactionType,
    amount: int,
    movements: tuple[Movement, ...],
    *,
    counter_account_id: str,
    effective_time: datetime,
    program_revision: str,
) -> None:
    """Write a transaction that nobody asked for."""
    transaction = Transaction(
        key=account.key,
        request_id=name_of_own(account, page.moment),
        type=type_,
        amount=amount,
        counter_account_id=counter_account_id,
        version=account.version,
        posted_after=account.posted,
        movements=movements,
        commit_time=page.moment,
        effective_time=effective_time,
        reason="",
        labels={},
        program_revision=program_revision,
    )
    page.keep(transaction, account)


def name_of_own(account: Account, moment: datetime) -> str:
    """A UUIDv7 for what nobody asked for: its instant and, for chance, a digest of its entry.

    So the same books and the same instant always give the same name.
    """
    content = f"{account.key.program_id}/{account.key.member_id}/{account.key.asset_id}"
    digest = hashlib.sha256(f"{content}/{account.version}".encode()).hexdigest()
    milliseconds = (moment - EPOCH) // MILLISECOND
    stamp = f"{milliseconds:012x}"
    variant = "89ab"[int(digest[3], 16) % 4]
    return f"{stamp[:8]}-{stamp[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"
