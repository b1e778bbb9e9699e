"""The decision against a second ledger, as simple as can be, that shares no code with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Posted, decide_batch
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.transactions import (
    HoldDraft,
    RequestKey,
    ReversalDraft,
    Transaction,
    TransactionType,
)

from tests.support.ledger import NOON, PROGRAM, SKEW, earn, group, spend

NEVER = None
HOUR = timedelta(minutes=61)
"""So long that neither days of grace nor holds ever end on the hour, when drafts arrive."""
DAY = timedelta(days=1) / HOUR
HALF = timedelta(minutes=30) / HOUR


@dataclass
class Heap:
    """Points that came at once; each a line in a list."""

    funder: str
    expiry: float | None
    left: int
    held: bool = False


@dataclass
class NaiveHold:
    """Single points set aside, in the order in which they will go."""

    points: list[Heap]
    end: float
    ended: str = ""


@dataclass
class NaiveLedger:
    """One list of heaps a member; hours instead of instants; everything by walking the list."""

    heaps: dict[str, list[Heap]] = field(default_factory=dict)
    taken: dict[tuple[str, str], list[tuple]] = field(default_factory=dict)
    undone: dict[tuple[str, str], int] = field(default_factory=dict)
    debts: dict[str, int] = field(default_factory=dict)
    pockets: dict[str, list[tuple]] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], tuple] = field(default_factory=dict)
    holds: dict[tuple[str, str], NaiveHold] = field(default_factory=dict)
    broken: int = 0

    def post(self, member: str, name: str, what: tuple, hour: int) -> tuple:
        if (member, name) in self.outcomes:
            earlier_what, answer = self.outcomes[member, name]
            return answer if earlier_what == what else ("reused",)
        kind, amount, detail = what
        heaps = self.heaps.setdefault(member, [])
        self.lapse(member, hour)
        if kind in ("hold", "capture", "release", "extend"):
            self.expire(heaps, hour)
            answer = self.change(member, name, what, hour)
            self.expire(heaps, hour)
            if answer != ("missing",):
                self.outcomes[member, name] = (what, answer)
            return answer
        if kind == "reverse":
            answer = self.reverse(member, amount, detail, hour)
            if answer != ("missing",):
                self.outcomes[member, name] = (what, answer)
            return answer
        if kind == "earn":
            funder, expiry = detail
            if expiry is not NEVER and expiry <= hour:
                self.expire(heaps, hour)
                return ("void",)
        self.expire(heaps, hour)
        if kind == "earn":
            for _ in range(amount):
                self.give(member, funder, expiry)
            answer = ("posted", self.posted(member))
        else:
            answer = self.spend(member, name, amount)
        self.outcomes[member, name] = (what, answer)
        return answer

    def expire(self, heaps: list[Heap], hour: int) -> None:
        for heap in heaps:
            if heap.expiry is not NEVER and heap.expiry <= hour and not heap.held:
                self.broken += heap.left
                heap.left = 0

    def lapse(self, member: str, hour: float) -> None:
        for (whose, _), hold in self.holds.items():
            if whose == member and not hold.ended and hold.end <= hour:
                self.free(member, hold, "expired", hour)

    def free(self, member: str, hold: NaiveHold, how: str, hour: float) -> None:
        """What is owed is repaid with points that are not void; the others are free again."""
        for point in hold.points:
            point.held = False
            void = point.expiry is not None and point.expiry <= hour
            if self.debts.get(member) and not void:
                self.debts[member] -= 1
                point.left = 0
        hold.points, hold.ended = [], how

    def change(self, member: str, name: str, what: tuple, hour: float) -> tuple:
        kind, amount, (target, length, final) = what
        if kind == "hold":
            have = max(0, self.available(member))
            if amount > have:
                return ("insufficient", have)
            points = [heap for heap in self.heaps[member] if heap.left and not heap.held]
            points = sorted(points, key=lambda heap: self.rank(member, heap))[:amount]
            for point in points:
                point.held = True
            self.holds[member, name] = NaiveHold(points, hour + length + HALF)
            return ("posted", self.posted(member))
        hold = self.holds.get((member, target))
        if hold is None:
            return ("missing",)
        if hold.ended:
            return (hold.ended,)
        if kind == "release":
            self.free(member, hold, "released", hour)
        elif kind == "extend":
            hold.end = max(hold.end, hour + length + HALF)
        else:
            return self.capture(member, name, hold, (amount, final), hour)
        return ("posted", self.posted(member))

    def capture(
        self, member: str, name: str, hold: NaiveHold, how_many: tuple, hour: float
    ) -> tuple:
        amount, final = how_many
        wanted = len(hold.points) if amount is None else amount
        if wanted > len(hold.points):
            return ("exceeds", len(hold.points))
        taken, hold.points = hold.points[:wanted], hold.points[wanted:]
        for point in taken:
            point.left, point.held = 0, False
        self.taken[member, name] = [(point.funder, point.expiry) for point in taken]
        if final or not hold.points:
            self.free(member, hold, "captured", hour)
        return ("posted", self.posted(member))

    def available(self, member: str) -> int:
        return self.posted(member) - sum(heap.left for heap in self.heaps[member] if heap.held)

    def posted(self, member: str) -> int:
        return sum(heap.left for heap in self.heaps[member]) - self.debts.get(member, 0)

    def give(self, member: str, funder: str, expiry: float | None) -> None:
        """One point comes, or goes at once to whom it is owed."""
        if (expiry, funder) not in self.pockets.setdefault(member, []):
            self.pockets[member].append((expiry, funder))
        if self.debts.get(member):
            self.debts[member] -= 1
        else:
            self.heaps[member].append(Heap(funder, expiry, 1))

    def rank(self, member: str, heap: Heap) -> tuple:
        expiry = heap.expiry if heap.expiry is not None else 1e9
        return (expiry, self.pockets[member].index((heap.expiry, heap.funder)))

    def spend(self, member: str, name: str, amount: int) -> tuple:
        have = self.available(member)
        if amount > have:
            return ("insufficient", max(0, have))
        self.taken[member, name] = self.take(member, amount, own=None)
        return ("posted", self.posted(member))

    def take(self, member: str, amount: int, own: tuple | None) -> list[tuple]:
        heaps = [heap for heap in self.heaps[member] if heap.left and not heap.held]
        heaps.sort(key=lambda h: ((h.expiry, h.funder) != own, *self.rank(member, h)))
        for heap in heaps[:amount]:
            heap.left = 0
        return [(heap.funder, heap.expiry) for heap in heaps[:amount]]

    def reverse(self, member: str, amount: int | None, terms: tuple, hour: int) -> tuple:
        name, late, shortfall = terms
        if self.outcomes.get((member, name), (None, ("no",)))[1][0] != "posted":
            return ("missing",)
        self.expire(self.heaps[member], hour)
        kind, whole, detail = self.outcomes[member, name][0]
        if kind not in ("earn", "spend", "capture"):
            return ("irreversible",)
        if kind == "capture":
            whole = len(self.taken[member, name])
        left = whole - self.undone.get((member, name), 0)
        wanted = left if amount is None else amount
        if wanted > left or not wanted:
            return ("exceeds", left)
        if kind != "earn":
            points = self.taken[member, name][:left][::-1][:wanted]
            return self.put_back(member, name, points, late, hour)
        return self.take_back(member, name, wanted, detail, shortfall)

    def put_back(self, member: str, name: str, points: list, late: str, hour: int) -> tuple:
        void = 0
        for funder, expiry in points:
            if expiry is None or expiry > hour:
                self.give(member, funder, expiry)
            elif late == "grace":
                self.give(member, funder, hour + DAY)
            elif late == "reissue":
                self.give(member, funder, None)
            else:
                void += 1
        self.undone[member, name] = self.undone.get((member, name), 0) + len(points)
        self.broken += void
        return ("posted", self.posted(member) + void)

    def take_back(self, member: str, name: str, wanted: int, detail: tuple, how: str) -> tuple:
        funder, expiry = detail
        have = max(0, self.available(member))
        there = min(have, wanted)
        if (how == "reject" and there < wanted) or (how == "clamp" and not there):
            return ("insufficient", have)
        self.take(member, there, own=(expiry, funder))
        done = there
        if how == "debt":
            self.debts[member] = self.debts.get(member, 0) + wanted - there
            done = wanted
        self.undone[member, name] = self.undone.get((member, name), 0) + done
        return ("posted", self.posted(member))


CHANGES = {
    "hold": TransactionType.HOLD,
    "capture": TransactionType.CAPTURE,
    "release": TransactionType.RELEASE,
    "extend": TransactionType.EXTENSION,
}


class LedgersAgree(RuleBasedStateMachine):
    """Random programs of earning, spending, repeating and waiting, in batches."""

    def __init__(self) -> None:
        super().__init__()
        self.naive = NaiveLedger()
        self.books = Books(accounts={}, records={})
        self.hour = 0
        self.posted: list[Transaction] = []

    member = st.sampled_from(["m-1", "m-2", "m-3"])
    earning = st.tuples(
        st.just("earn"),
        st.integers(1, 64),
        st.tuples(st.sampled_from(["platform", "merchant"]), st.none() | st.integers(1, 30)),
    )
    spending = st.tuples(st.just("spend"), st.integers(1, 150), st.just(None))
    reversing = st.tuples(
        st.just("reverse"),
        st.none() | st.integers(1, 60),
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["expire", "grace", "reissue"]),
            st.sampled_from(["reject", "clamp", "debt"]),
        ),
    )
    name = st.integers(0, 9)
    holding = st.tuples(
        st.just("hold"),
        st.integers(1, 60),
        st.tuples(st.just(""), st.integers(0, 12), st.just(False)),
    )
    capturing = st.tuples(
        st.just("capture"),
        st.none() | st.integers(1, 40),
        st.tuples(name, st.just(0), st.booleans()),
    )
    ending = st.tuples(
        st.sampled_from(["release", "extend"]),
        st.none(),
        st.tuples(name, st.integers(0, 12), st.just(False)),
    )
    changing = earning | spending | reversing | holding | capturing | ending
    request = st.tuples(member, st.integers(1, 60), changing)

    @rule(
        requests=st.lists(request, min_size=1, max_size=6),
        atomic=st.booleans(),
        twice=st.booleans(),
    )
    def post(self, requests: list, atomic: bool, twice: bool) -> None:
        requests = [self.aimed(*request) for request in requests]
        requests += requests[:twice]
        drafts = [self.draft(*request) for request in requests]
        groups = [group(*drafts, atomic=True)] if atomic else [group(each) for each in drafts]
        decision = decide_batch(self.books, groups, now=self.now(), skew_max=SKEW)
        if atomic and not isinstance(decision.outcomes[0][0], Posted):
            assert not decision.records
            return
        outcomes = decision.outcomes[0] if atomic else [each[0] for each in decision.outcomes]
        for (member, number, what), outcome in zip(requests, outcomes, strict=True):
            expected = self.naive.post(member, f"r-{number}", what, self.hour)
            assert answer_of(outcome) == expected
        self.take_over(decision)

    @rule(hours=st.integers(1, 12))
    def wait(self, hours: int) -> None:
        self.hour += hours

    @invariant()
    def balances_are_the_same(self) -> None:
        for account in self.books.accounts.values():
            heaps = self.naive.heaps.get(account.key.member_id, [])
            member = account.key.member_id
            self.naive.lapse(member, self.hour)
            self.naive.expire(heaps, self.hour)
            found = balance_at(account, self.now())
            owed = self.naive.debts.get(member, 0)
            held = sum(heap.left for heap in heaps if heap.held)
            left = sum(heap.left for heap in heaps)
            assert (found.posted, found.held, found.debt) == (left - owed, held, owed)
            assert found.available == left - held
            assert not (found.available and found.debt)

    @invariant()
    def entries_sum_to_the_balance_and_are_numbered(self) -> None:
        for account in self.books.accounts.values():
            own = [each for each in self.posted if each.key == account.key]
            assert [each.version for each in own] == list(range(1, len(own) + 1))
            assert sum(each.signed_amount for each in own) == account.posted
            times = [each.commit_time for each in own]
            assert times == sorted(set(times))

    @invariant()
    def every_point_that_left_a_lot_had_come_into_it(self) -> None:
        for key in {each.key for each in self.posted}:
            moved = [move for each in self.posted if each.key == key for move in each.movements]
            for lot_no in {move.lot_no for move in moved}:
                ins = [m for m in moved if m.lot_no == lot_no and m.amount > 0]
                outs = [m for m in moved if m.lot_no == lot_no and m.amount < 0]
                for moves in (ins, outs):
                    starts = [move.position for move in moves]
                    ends = [move.position + abs(move.amount) for move in moves]
                    assert starts == [0, *ends][: len(starts)]
                assert sum(m.amount for m in ins) >= -sum(m.amount for m in outs)

    def aimed(self, member: str, number: int, what: tuple) -> tuple:
        """A request that names, by how long ago it was, something that happened before."""
        kind, amount, detail = what
        if kind in ("capture", "release", "extend"):
            names = [name for whose, name in self.naive.holds if whose == member]
        elif kind == "reverse":
            names = [
                name
                for (whose, name), (_, answer) in self.naive.outcomes.items()
                if whose == member and answer[0] == "posted"
            ]
        else:
            return member, number, what
        target, *rest = detail
        name = names[-1 - target % len(names)] if names else f"r-{target}"
        return member, number, (kind, amount, (name, *rest))

    def draft(self, member: str, number: int, what: tuple):
        kind, amount, detail = what
        names = {"request_id": f"r-{number}", "member_id": member, "asset_id": "token"}
        if kind in ("hold", "capture", "release", "extend"):
            target, length, final = detail
            timed = kind in ("hold", "extend")
            return HoldDraft(
                program_id=PROGRAM,
                request_id=f"r-{number}",
                type=CHANGES[kind],
                member_id=member,
                hold_id=target or f"r-{number}",
                asset_id="token" if kind == "hold" else "",
                amount=amount,
                lifetime=HOUR * length + timedelta(minutes=30) if timed else None,
                final=final,
                counter_account_id="checkout" if kind == "capture" else "",
            )
        if kind == "reverse":
            reversed_, late, shortfall = detail
            return ReversalDraft(
                program_id=PROGRAM,
                request_id=f"r-{number}",
                member_id=member,
                reversed_request_id=reversed_,
                amount=amount,
                late_restore=LateRestore[late.upper()],
                grace_days=1 if late == "grace" else 0,
                shortfall=Shortfall[shortfall.upper()],
            )
        if kind == "spend":
            return spend(amount, **names)
        funder, expiry = detail
        void = None if expiry is None else NOON + HOUR * expiry
        return earn(amount, counter_account_id=funder, expire_time=void, **names)

    def now(self):
        """The hour, and after every commit before, as the books see to it."""
        latest = max((each.commit_time for each in self.books.records.values()), default=NOON)
        return max(NOON + HOUR * self.hour, latest + timedelta(microseconds=1))

    def take_over(self, decision) -> None:
        records = {record.request_key: record for record in decision.records}
        accounts = {**self.books.accounts, **decision.accounts}
        amounts = dict(self.books.reversed_amounts)
        for each in decision.records:
            if isinstance(each, Transaction) and each.reversal is not None:
                key = each.draft.reversed_key
                amounts[key] = amounts.get(key, 0) + each.amount
        self.books = Books(
            accounts=accounts,
            records={**self.books.records, **records},
            reversed_amounts=amounts,
            holds=self.books.holds
            | {
                RequestKey(PROGRAM, each.key.member_id, each.hold_id): each
                for each in decision.holds
            },
        )
        self.posted += [each for each in decision.records if isinstance(each, Transaction)]


def answer_of(outcome) -> tuple:
    if isinstance(outcome, Posted):
        return ("posted", outcome.transaction.posted_after)
    name = type(outcome.error).__name__
    return {
        "RequestIdReused": ("reused",),
        "ExpiryNotAfterActive": ("void",),
        "TransactionNotFound": ("missing",),
        "TransactionNotReversible": ("irreversible",),
        "HoldNotFound": ("missing",),
        "HoldExpired": ("expired",),
        "HoldAlreadyCaptured": ("captured",),
        "HoldAlreadyReleased": ("released",),
        "CaptureExceedsHold": ("exceeds", getattr(outcome.error, "remaining", None)),
        "ReversalExceedsRemaining": ("exceeds", getattr(outcome.error, "reversible", None)),
    }.get(name) or ("insufficient", outcome.error.available)


LedgersAgree.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestLedgersAgree = LedgersAgree.TestCase
