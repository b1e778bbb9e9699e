"""A simulated ledger: the real decision, and everything around it made of lists and chance.

One seed is one run. The store, the clock, the wire and who is next are simulated: messages are
lost, doubled and overtaken, the process ends before or after it has stored a batch, the clock steps
forward and back. Every answer is compared with a second ledger that shares no code with the first.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import Account, AccountKey, Hold
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.holds import without_lapsed
from laurel_ledger.domain.posting import Books, Decision, Posted, decide_batch
from laurel_ledger.domain.transactions import Record, RequestKey, Transaction

from tests.simulation.requests import Asked, Chooser, Mix
from tests.support.ledger import NOON, PROGRAM, SKEW
from tests.unit.ledger.test_oracle import HOUR, NaiveLedger, answer_of

CLIENTS = 6
BATCH_MAX = 8
NOT_KEPT = (("missing",), ("void",))
"""Refusals that say nothing about the same request at another time."""
MICROSECOND = timedelta(microseconds=1)


class Anomaly(AssertionError):
    """The ledger did what it may not do."""


@dataclass
class Store:
    """What survives the process."""

    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    records: dict[RequestKey, Record] = field(default_factory=dict)
    reversed_amounts: dict[RequestKey, int] = field(default_factory=dict)
    holds: dict[RequestKey, Hold] = field(default_factory=dict)
    last_commit: datetime = NOON
    position: int = 0
    trace: bytes = b""

    @property
    def books(self) -> Books:
        """What a batch is decided upon."""
        return Books(
            accounts=self.accounts,
            records=self.records,
            reversed_amounts=self.reversed_amounts,
            holds=self.holds,
        )

    def keep(self, decision: Decision) -> None:
        """All of a batch."""
        self.accounts |= decision.accounts
        for record in decision.records:
            self.keep_record(record)
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
        if isinstance(record, Transaction) and record.reversal is not None:
            key = record.draft.reversed_key
            self.reversed_amounts[key] = self.reversed_amounts.get(key, 0) + record.amount


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
        self.hour = 0
        self.latest = NOON
        self.step_back = 0 * HOUR
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
        self.check_books()

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
            self.step_back = HOUR * self.chance.choice((1, 24, 9000))
        else:
            self.step_back = 0 * HOUR
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
        decision = decide_batch(self.store.books, groups, now=now, skew_max=SKEW)
        if self.happens(self.mix.ending_before):
            return
        self.store.keep(decision)
        self.commands += sum(len(asked.requests) for _, asked in batch)
        for (number, asked), outcomes in zip(batch, decision.outcomes, strict=True):
            self.to_callers.append(
                (number, asked, self.compare(asked, outcomes, (now - NOON) // HOUR))
            )
        if self.happens(self.mix.ending_after):
            self.to_callers.clear()

    def now(self) -> datetime:
        """What the clock says, and after every commit before.

        Not before an earlier batch either: the second ledger does not turn time back.
        """
        clock = NOON + HOUR * self.hour - self.step_back
        self.latest = max(clock, self.latest, self.store.last_commit + MICROSECOND)
        return self.latest

    def compare(self, asked: Asked, outcomes: tuple, hour: int) -> list[tuple]:
        """The answers, which the second ledger gives too; of an atomic group that failed it hears
        nothing.
        """
        if asked.atomic and not isinstance(outcomes[0], Posted):
            self.answers["atomic refused"] += 1
            return []
        answers = [answer_of(each) for each in outcomes]
        self.answers.update(answer[0] for answer in answers)
        for request, answer in zip(asked.requests, answers, strict=True):
            expected = self.naive.post(*request, hour)
            if answer != expected:
                raise Anomaly(f"seed {self.seed}: {request} was {answer}, not {expected}")
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
        for (member, name, what), answer in zip(asked.requests, answers, strict=True):
            kept = self.naive.outcomes.get((member, name))
            if answer in NOT_KEPT or not kept or kept[0] != what:
                continue
            if kept[1] != answer:
                raise Anomaly(f"seed {self.seed}: {name} was told {answer}, it is {kept[1]}")

    def check_books(self) -> None:
        """In the end both ledgers hold the same, and every account is the sum of its entries."""
        sums: dict[AccountKey, int] = {}
        for record in self.store.records.values():
            if isinstance(record, Transaction):
                sums[record.key] = sums.get(record.key, 0) + record.signed_amount
        for key, account in self.store.accounts.items():
            self.check_account(account, sums.get(key, 0))

    def check_account(self, account: Account, entries: int) -> None:
        """One account against the other ledger."""
        member = account.key.member_id
        heaps = self.naive.heaps.get(member, [])
        now = self.now()
        self.naive.lapse(member, (now - NOON) // HOUR)
        self.naive.expire(heaps, (now - NOON) // HOUR)
        found = balance_at(account, now)
        left = sum(heap.left for heap in heaps)
        held = sum(heap.left for heap in heaps if heap.held)
        owed = self.naive.debts.get(member, 0)
        if (found.posted, found.held, found.debt) != (left - owed, held, owed):
            raise Anomaly(f"seed {self.seed}: {found}, but {left} are left and {held} held")
        funders = Counter(heap.funder for heap in heaps if heap.left)
        lots = funders_of(without_lapsed(account, now), now)
        if lots != funders:
            raise Anomaly(f"seed {self.seed}: of {lots}, but should be of {funders}")
        if account.posted != entries:
            raise Anomaly(f"seed {self.seed}: {account.posted} posted, entries say {entries}")


def funders_of(account: Account, now: datetime) -> Counter[str]:
    """Whose points an account holds, without those that are void."""
    found: Counter[str] = Counter()
    for lot in account.lots:
        void = lot.expired or lot.due(now)
        found[lot.funding_account_id] += lot.reserved if void else lot.remaining
    return +found
