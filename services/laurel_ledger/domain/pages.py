"""What is known before a batch is decided, and the page on which its decisions are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from laurel_ledger.domain.accounts import Account, AccountKey, Hold
from laurel_ledger.domain.allowances import Allowances, Stripe
from laurel_ledger.domain.transactions import Record, RequestKey, Transaction

MICROSECOND = timedelta(microseconds=1)
"""Between two transactions of a batch: commit times of an account strictly increase (I12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is known before a batch: accounts its drafts name, outcomes of their request ids.

    For reversals also what they reverse, how much of it was reversed before, and its void lots.
    """

    accounts: Mapping[AccountKey, Account]
    records: Mapping[RequestKey, Record]
    reversed_amounts: Mapping[RequestKey, int] = field(default_factory=dict)
    reversed_lines: Mapping[RequestKey, Mapping[str, int]] = field(default_factory=dict)
    holds: Mapping[RequestKey, Hold] = field(default_factory=dict)
    closed_until: Mapping[str, datetime] = field(default_factory=dict)
    """When the last closed period of each program ended."""
    allowances: Allowances | None = None
    """What may be issued of budgets, where the batch draws on some."""

    def drawn_from(self, stripe: Stripe) -> int:  # noqa: ARG002  # As a page does.
        """How many points this batch has drawn from a budget: none before it."""
        return 0

    def account(self, key: AccountKey) -> Account:
        """The account; one that never was is empty."""
        return self.accounts.get(key) or Account(key=key)

    def record(self, key: RequestKey) -> Record | None:
        """What the request id stands for."""
        return self.records.get(key)

    def reversed_amount(self, key: RequestKey) -> int:
        """How many points of that transaction were reversed."""
        return self.reversed_amounts.get(key, 0)

    def reversed_lines_of(self, key: RequestKey) -> Mapping[str, int]:
        """How many points of each line of that transaction were reversed."""
        return self.reversed_lines.get(key, {})

    def hold(self, key: RequestKey) -> Hold | None:
        """The hold of that name."""
        return self.holds.get(key)


@dataclass(slots=True, kw_only=True)
class Page:
    """What has been decided so far, over what was known before; dropped whole on a failure."""

    over: Books | Page
    moment: datetime
    skew_max: timedelta
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    records: dict[RequestKey, Record] = field(default_factory=dict)
    reversed_amounts: dict[RequestKey, int] = field(default_factory=dict)
    reversed_lines: dict[RequestKey, Mapping[str, int]] = field(default_factory=dict)
    holds: dict[RequestKey, Hold] = field(default_factory=dict)
    drawn: dict[Stripe, int] = field(default_factory=dict)
    """Points drawn from budgets on this page, less those that came back."""

    def drawn_from(self, stripe: Stripe) -> int:
        """How many points this batch has drawn from a budget by now."""
        return self.drawn.get(stripe, 0) + self.over.drawn_from(stripe)

    @property
    def allowances(self) -> Allowances | None:
        """What may be issued of budgets, where the batch draws on some."""
        return self.over.allowances

    @property
    def closed_until(self) -> Mapping[str, datetime]:
        """When the last closed period of each program ended."""
        return self.over.closed_until

    def account(self, key: AccountKey) -> Account:
        """The account as it is by now."""
        return self.accounts.get(key) or self.over.account(key)

    def record(self, key: RequestKey) -> Record | None:
        """What the request id stands for by now."""
        return self.records.get(key) or self.over.record(key)

    def reversed_amount(self, key: RequestKey) -> int:
        """How many points of that transaction are reversed by now."""
        found = self.reversed_amounts.get(key)
        return self.over.reversed_amount(key) if found is None else found

    def reversed_lines_of(self, key: RequestKey) -> Mapping[str, int]:
        """How many points of each line of that transaction are reversed by now."""
        return self.reversed_lines.get(key) or self.over.reversed_lines_of(key)

    def hold(self, key: RequestKey) -> Hold | None:
        """The hold as it is by now."""
        return self.holds.get(key) or self.over.hold(key)

    def keep_hold(self, transaction: Transaction, account: Account, hold: Hold) -> None:
        """Write what was done to a hold, and the hold after it."""
        self.keep(transaction, account)
        self.holds[RequestKey(hold.key.program_id, hold.key.member_id, hold.hold_id)] = hold

    def keep(self, record: Record, account: Account) -> None:
        """Write a record and the account after it; the next one comes a microsecond later."""
        self.records[record.request_key] = record
        self.accounts[account.key] = account
        self.moment = record.commit_time + MICROSECOND

    def begin(self) -> Page:
        """A page on which a group is tried."""
        return Page(over=self, moment=self.moment, skew_max=self.skew_max)

    def take_over(self, tried: Page) -> None:
        """Keep what was tried."""
        self.accounts.update(tried.accounts)
        self.records.update(tried.records)
        self.reversed_amounts.update(tried.reversed_amounts)
        self.reversed_lines.update(tried.reversed_lines)
        self.holds.update(tried.holds)
        for stripe, amount in tried.drawn.items():
            self.drawn[stripe] = self.drawn.get(stripe, 0) + amount
        self.moment = tried.moment
