"""A simulated ledger: the real decision, and everything around it made of lists and chance.

One seed is one run. The store, the clock, the wire and who is next are simulated: messages are
lost, doubled and overtaken, the process ends before or after it has stored a batch, the clock steps
forward and back, a sweeper comes by, budgets run out, accounts are suspended, limited, merged and
closed. Every answer is compared with a second ledger that shares no code with the first, and so is
every lot it leaves.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from laurel_ledger.domain import chain
from laurel_ledger.domain.account_changes import decide_change
from laurel_ledger.domain.accounts import Account, AccountKey, Hold, Lot
from laurel_ledger.domain.allowances import Allowances
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.budgets import AllowanceShort
from laurel_ledger.domain.errors import LedgerError
from laurel_ledger.domain.merges import MergeDraft, decide_merge
from laurel_ledger.domain.posting import (
    Books,
    Decision,
    DueAccount,
    Group,
    Outcome,
    Posted,
    decide_batch,
)
from laurel_ledger.domain.transactions import (
    Record,
    RequestKey,
    ReversalDraft,
    Transaction,
)

from tests.simulation.budget import Budget
from tests.simulation.requests import BUDGETED, HOUR, MEMBERS, Asked, Chooser, Mix
from tests.support.ledger import NOON, PROGRAM, SKEW, TERMS
from tests.support.naive_account import NaiveAccount
from tests.support.naive_drafts import (
    ASSET,
    MICROSECOND,
    answer_of,
    change_of,
    home_of,
    instant_of,
    key_of,
    naive_instant,
)
from tests.support.naive_ledger import OTHER_POINTS, PASSING, NaiveLedger

CLIENTS = 6
BATCH_MAX = 8
CLOSING, MERGING = 0.03, 0.05
"""The shares of changes of accounts that close them, or would have them go on in another one."""
HOMES = (*MEMBERS, *(member + OTHER_POINTS for member in MEMBERS))


MERGES = {
    "AccountClosed": "closed",
    "AccountSuspended": "suspended",
    "AccountNotMergeable": "open points",
}


class Anomaly(AssertionError):
    """The ledger did what it may not do."""


@dataclass
class Store:
    """What survives the process."""

    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    """With their open lots."""
    closed_lots: dict[AccountKey, dict[int, Lot]] = field(default_factory=dict)
    records: dict[RequestKey, Record] = field(default_factory=dict)
    reversed_amounts: dict[RequestKey, int] = field(default_factory=dict)
    reversed_lines: dict[RequestKey, dict[str, int]] = field(default_factory=dict)
    holds: dict[RequestKey, Hold] = field(default_factory=dict)
    entries: Counter[AccountKey] = field(default_factory=Counter)
    last_commit: datetime = NOON
    position: int = 0
    trace: bytes = b""
    budget: Budget | None = None

    def books_for(self, groups: list[Group], allowances: Allowances | None = None) -> Books:
        """What a batch is decided upon: with void lots only where something is given back."""
        accounts: dict[AccountKey, Account] = self.accounts
        for group in groups:
            for command in group.commands:
                if isinstance(command.draft, ReversalDraft):
                    original = self.records.get(command.draft.reversed_key)
                    if isinstance(original, Transaction):
                        accounts = self.with_lots_of(original, accounts)
        return Books(
            accounts=accounts,
            records=self.records,
            reversed_amounts=self.reversed_amounts,
            reversed_lines=self.reversed_lines,
            holds=self.holds,
            allowances=allowances,
        )

    def decide(self, groups: list[Group], now: datetime) -> Decision:
        """What a batch comes to; where the allowance of a shard is too small, upon all of them,
        which are divided anew when it is kept.
        """
        if self.budget is None:
            return decide_batch(self.books_for(groups), groups, now=now, skew_max=SKEW)
        self.budget.short = False
        books = self.books_for(groups, self.budget.apart())
        try:
            return decide_batch(books, groups, now=now, skew_max=SKEW)
        except AllowanceShort:
            self.budget.short = True
        books = replace(books, allowances=self.budget.together())
        return decide_batch(books, groups, now=now, skew_max=SKEW)

    def with_lots_of(
        self, original: Transaction, accounts: dict[AccountKey, Account]
    ) -> dict[AccountKey, Account]:
        """The accounts, with the closed lots among those whose points a transaction moved, and
        among those that they were carried into.
        """
        closed = self.closed_lots.get(original.key, {})
        account = accounts.get(original.key)
        if not closed or account is None:
            return accounts
        there = {lot.lot_no: lot for lot in account.lots}
        wanted = {each.lot_no for each in original.movements}
        for lot in sorted([*closed.values(), *account.lots], key=lambda lot: lot.lot_no):
            if lot.parent_lot_no in wanted:
                wanted.add(lot.lot_no)
        void = sorted(wanted & closed.keys() - there.keys())
        lots = (*account.lots, *(closed[lot_no] for lot_no in void))
        return {**accounts, original.key: replace(account, lots=lots)}

    def keep(self, decision: Decision) -> None:
        """All of a batch."""
        for key, account in decision.accounts.items():
            self.closed_lots.setdefault(key, {}).update(
                (lot.lot_no, lot) for lot in account.lots if lot.expired
            )
            self.accounts[key] = account.without_expired_lots()
        for record in decision.records:
            self.keep_record(record)
        if self.budget is not None and not self.budget.agrees():
            raise Anomaly("a shard has issued more than its allowance (I15)")
        for hold in decision.holds:
            self.holds[RequestKey(PROGRAM, hold.key.member_id, hold.hold_id)] = hold

    def keep_record(self, record: Record) -> None:
        """One record, and what it adds to the trace."""
        if record.request_key in self.records:
            raise Anomaly(f"{record.request_key} has two outcomes")
        self.position += 1
        self.records[record.request_key] = record
        self.last_commit = record.commit_time
        leaf = chain.leaf_of(record, shard_id=0, position=self.position)
        self.trace = sha256(self.trace + leaf).digest()
        if self.budget is not None:
            self.budget.keep(record)
        if isinstance(record, Transaction):
            self.entries[record.key] += record.signed_amount
            if record.reversal is not None:
                self.keep_reversal(record)

    def keep_reversal(self, transaction: Transaction) -> None:
        """How much of something has been reversed, and of each of its lines."""
        key = transaction.draft.reversed_key
        self.reversed_amounts[key] = self.reversed_amounts.get(key, 0) + transaction.amount
        if transaction.reversal and (done := transaction.reversal.of_lines):
            self.reversed_lines[key] = {name: before + now for name, before, now in done.lines}


@dataclass
class Caller:
    """A client that asks until it is told, then asks for something else."""

    asked: Asked | None = None


@dataclass
class World:
    """A run."""

    seed: int
    commands: int = 0
    """Requests that reached the ledger."""
    told: int = 0
    """Requests whose callers were told."""
    faults: int = 0

    answers: Counter[str] = field(default_factory=Counter)
    """How often the ledger answered what."""

    def __post_init__(self) -> None:
        """Draw the run's own habits."""
        self.chance = Random(self.seed)
        self.mix = Mix.draw(self.chance)
        self.chooser = Chooser(self.chance, self.mix)
        self.store = Store()
        self.naive = NaiveLedger()
        if self.mix.budget is not None:
            self.store.budget = Budget(self.mix.budget)
            self.naive.budgets[BUDGETED] = self.mix.budget
        self.hour = 0
        self.latest = NOON
        self.step_back = timedelta()
        self.callers = [Caller() for _ in range(CLIENTS)]
        self.to_ledger: deque[tuple[int, Asked]] = deque()
        self.to_callers: deque[tuple[int, Asked, list]] = deque()

    def run(self, commands: int) -> None:
        """Go on until so many requests have reached the ledger; then everybody is told."""
        while self.commands < commands:
            self.turn()
        self.mix = self.mix.without_faults()
        while any(caller.asked for caller in self.callers):
            self.turn(asking=False)
        self.check_end()

    def turn(self, *, asking: bool = True) -> None:
        """Whoever is next does something."""
        number = self.chance.randrange(CLIENTS)
        caller = self.callers[number]
        if caller.asked is None and asking:
            caller.asked = self.chooser.next(self.naive, self.hour)
        if caller.asked is not None:
            self.send(number, caller.asked)
        if self.chance.random() < self.mix.waiting:
            self.wait()
        if self.chance.random() < self.mix.changing:
            self.change()
        if self.chance.random() < self.mix.sweeping:
            self.sweep(self.chance.choice(HOMES))
        if len(self.to_ledger) >= self.chance.randrange(1, BATCH_MAX) or not asking:
            self.serve()
        while self.to_callers:
            self.deliver(*self.to_callers.popleft())

    def send(self, number: int, asked: Asked) -> None:
        """A request goes out: it may be lost, doubled, or overtaken by others."""
        for _ in range(1 + self.happens(self.mix.doubling)):
            if self.happens(self.mix.losing):
                continue
            if self.happens(self.mix.overtaking):
                self.to_ledger.appendleft((number, asked))
            else:
                self.to_ledger.append((number, asked))

    def wait(self) -> None:
        """Time passes, or the clock is set back."""
        if self.happens(self.mix.stepping_back):
            self.step_back = self.chance.choice((1, 24, 9000)) * HOUR * MICROSECOND
        else:
            self.step_back = timedelta()
            self.hour += self.chance.randrange(1, 6)

    def happens(self, probability: float) -> bool:
        """Whether a fault happens now."""
        if not probability or self.chance.random() >= probability:
            return False
        self.faults += 1
        return True

    def serve(self) -> None:
        """A batch is decided and stored; the process may end before that, or after it."""
        batch = [self.to_ledger.popleft() for _ in range(min(len(self.to_ledger), BATCH_MAX))]
        if not batch:
            return
        groups = [asked.group for _, asked in batch]
        now = self.now()
        decision = self.store.decide(groups, now)
        if self.happens(self.mix.ending_before):
            return
        self.store.keep(decision)
        self.commands += sum([len(asked.requests) for _, asked in batch])
        for (number, asked), outcomes in zip(batch, decision.outcomes, strict=True):
            self.to_callers.append((number, asked, self.compare(asked, outcomes, now)))
        self.check_accounts(decision)
        if self.happens(self.mix.ending_after):
            self.to_callers.clear()

    def sweep(self, home: str) -> None:
        """What is due in an account is posted, and nothing else; a balance says so before."""
        key, now = key_of(home), self.now()
        found = balance_at(self.store.books_for([]).account(key), now)
        due = Group(due=(DueAccount(key=key, program_revision=TERMS.revision_id),))
        decision = self.store.decide([due], now)
        self.store.keep(decision)
        naive = self.naive.account(home)
        naive.settle(naive_instant(now))
        self.check_accounts(decision)
        expected = (naive.posted, naive.held, naive.debt, naive.available(naive_instant(now)))
        if (found.posted, found.held, found.debt, found.available) != expected:
            raise Anomaly(f"seed {self.seed}: {found} was read, not {expected}")

    def change(self) -> None:
        """Somebody changes an account; what is due in one that is to be closed is posted first."""
        member = self.chance.choice(MEMBERS)
        if self.chance.random() < MERGING:
            self.merge(member)
            return
        kind = self.chance.choice(("suspend", "resume", "resume", "limit"))
        if self.chance.random() < CLOSING:
            kind = "close"
        named = self.chance.sample(("balance_max", "earn_max", "spend_max"), 2)
        limits = {name: self.chance.choice((4, 16, 64, 500)) for name in named}
        if kind == "close":
            self.sweep(member)
        now, key = self.now(), AccountKey(PROGRAM, member, ASSET)
        account = self.store.accounts.get(key) or Account(key=key)
        answer = "changed"
        try:
            change = decide_change(account, change_of(member, kind, limits), now)
            self.store.accounts[key] = replace(account, standing=change.standing)
        except LedgerError as refusal:
            answer = {"AccountClosed": "closed", "AccountNotEmpty": "not empty"}[
                type(refusal).__name__
            ]
        expected = self.naive.change_account(member, kind, limits, naive_instant(now))
        self.answers[f"account {answer}"] += 1
        if answer != expected:
            raise Anomaly(f"seed {self.seed}: {kind} of {member} was {answer}, not {expected}")

    def merge(self, member: str) -> None:
        """Somebody's account is to go on in another one's."""
        into = self.chance.choice([each for each in MEMBERS if each != member])
        releasing, now = self.chance.random() < 0.5, self.now()
        draft = MergeDraft(
            closing=change_of(member, "close", {}),
            request_id=f"merge-{self.store.position}",
            to_member_id=into,
            release_holds=releasing,
        )
        try:
            merged = decide_merge(self.store.books_for([]), draft, self.chooser.terms, now)
        except LedgerError as refusal:
            answer = MERGES[type(refusal).__name__]
        else:
            answer = "merged"
            self.store.keep(merged.decision)
            closed = replace(merged.account, standing=merged.change.standing)
            self.store.accounts[draft.closing.key] = closed.without_expired_lots()
        expected = self.naive.merge(member, into, releasing=releasing, now=naive_instant(now))
        self.answers[f"merge {answer}"] += 1
        if answer != expected:
            raise Anomaly(f"seed {self.seed}: {member} into {into}: {answer}, not {expected}")
        if answer == "merged":
            self.check_accounts(merged.decision)

    def now(self) -> datetime:
        """What the clock says, and after every commit before.

        Not before an earlier batch either: the second ledger does not turn time back.
        """
        clock = NOON + self.hour * HOUR * MICROSECOND - self.step_back
        self.latest = max(clock, self.latest, self.store.last_commit + MICROSECOND)
        return self.latest

    def compare(self, asked: Asked, outcomes: tuple[Outcome, ...], now: datetime) -> list[tuple]:
        """The answers, which the second ledger gives too; of an atomic group that failed it hears
        nothing.
        """
        if asked.atomic and not isinstance(outcomes[0], Posted):
            self.answers["atomic refused"] += 1
            return []
        answers = []
        for request, outcome in zip(asked.requests, outcomes, strict=True):
            posted = isinstance(outcome, Posted)
            moment = outcome.transaction.commit_time if posted else now
            answer = answer_of(outcome)
            expected = self.naive.post(*request, naive_instant(moment))
            if answer != expected:
                raise Anomaly(f"seed {self.seed}: {request} was {answer}, not {expected}")
            answers.append(answer)
            self.answers[answer[0]] += 1
            if answer[0] == "posted":
                self.answers[f"posted {request[2].kind}"] += 1
        return answers

    def deliver(self, number: int, asked: Asked, answers: list) -> None:
        """An answer arrives, unless it is lost on the way; a late one is of no interest."""
        caller = self.callers[number]
        if self.happens(self.mix.losing) or caller.asked is not asked:
            return
        caller.asked = None
        self.told += len(asked.requests)
        self.check_told(asked, answers)

    def check_told(self, asked: Asked, answers: list) -> None:
        """What a caller was told is what its request id stands for."""
        if asked.atomic:
            return
        for (member, name, wish), answer in zip(asked.requests, answers, strict=True):
            kept = self.naive.outcomes.get((member, name))
            if answer[0] in PASSING or not kept or kept[0] != wish:
                continue
            if kept[1] != answer:
                raise Anomaly(f"seed {self.seed}: {name} was told {answer}, it is {kept[1]}")

    def check_accounts(self, decision: Decision) -> None:
        """Accounts that changed are the same in both ledgers, point by point."""
        for key in decision.accounts:
            self.check_account(self.store.accounts[key], self.naive.account(home_of(key)))

    def check_account(self, account: Account, naive: NaiveAccount) -> None:
        """One account against the other ledger's."""
        found = (account.posted, account.held, account.owed)
        expected = (naive.posted, naive.held, naive.debt)
        if found != expected:
            raise Anomaly(f"seed {self.seed}: {account.key} is {found}, not {expected}")
        if account.posted != self.store.entries[account.key]:
            raise Anomaly(f"seed {self.seed}: {account.key} is not the sum of its entries")
        lots = lots_of(account)
        pockets = pockets_of(naive)
        if lots != pockets:
            raise Anomaly(f"seed {self.seed}: {account.key} has {lots}, not {pockets}")

    def check_end(self) -> None:
        """In the end nothing is due any more in any account, and both hold the same."""
        for home in HOMES:
            self.sweep(home)
            if account := self.store.accounts.get(key_of(home)):
                self.check_account(account, self.naive.account(home))


def lots_of(account: Account) -> dict[int, tuple]:
    """What is in the lots of an account."""
    return {
        lot.lot_no: (
            *(lot.funding_account_id, lot.expire_time, lot.active_time, lot.activation_key),
            *(lot.activated, lot.freeze_key, lot.remaining, lot.reserved),
        )
        for lot in account.lots
        if lot.earned > lot.consumed
    }


def pockets_of(naive: NaiveAccount) -> dict[int, tuple]:
    """The same of the other ledger."""
    return {
        each.no: (
            *(each.funder, instant_of(each.expiry), instant_of(each.wait), each.key),
            *(each.woken, each.case, each.left, each.pinned),
        )
        for each in naive.pockets
        if each.left
    }
