"""The decision against a second ledger, as simple as can be, that shares no code with it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from laurel_ledger.domain.account_changes import decide_change
from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.balances import balance_at
from laurel_ledger.domain.errors import LedgerError
from laurel_ledger.domain.merges import MergeDraft, decide_merge
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import Decision, Posted, decide_batch
from laurel_ledger.domain.transactions import RequestKey, Transaction

from tests.support.ledger import NOON, PROGRAM, SKEW, TERMS, group
from tests.support.naive_drafts import (
    ASSET,
    answer_of,
    change_of,
    draft_of,
    home_of,
    naive_instant,
)
from tests.support.naive_ledger import OF_HOLDS, NaiveLedger, Wish
from tests.support.naive_wishes import HOUR, wish

members = st.sampled_from(["m-1", "m-2", "m-3"])
request = st.tuples(members, st.integers(1, 60), wish)
limits = st.dictionaries(
    st.sampled_from(["balance_max", "earn_max", "spend_max"]), st.integers(0, 90)
)


class LedgersAgree(RuleBasedStateMachine):
    """Random programs of everything that can be asked for, in batches, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.naive = NaiveLedger()
        self.books = Books(accounts={}, records={})
        self.hour = 0
        self.posted: list[Transaction] = []

    @rule(
        requests=st.lists(request, min_size=1, max_size=6),
        atomic=st.booleans(),
        twice=st.booleans(),
    )
    def post(self, requests: list, atomic: bool, twice: bool) -> None:
        requests = [self.aimed(*each) for each in requests]
        requests += requests[:twice]
        drafts = [draft_of(*each) for each in requests]
        groups = [group(*drafts, atomic=True)] if atomic else [group(each) for each in drafts]
        now = self.now()
        decision = decide_batch(self.books, groups, now=now, skew_max=SKEW)
        if atomic and not isinstance(decision.outcomes[0][0], Posted):
            assert not decision.records
            return
        outcomes = decision.outcomes[0] if atomic else [each[0] for each in decision.outcomes]
        for asked, outcome in zip(requests, outcomes, strict=True):
            posted = isinstance(outcome, Posted)
            moment = outcome.transaction.commit_time if posted else now
            assert answer_of(outcome) == self.naive.post(*asked, naive_instant(moment)), asked
        self.take_over(decision)

    @rule(wait=st.integers(1, 12))
    def wait(self, wait: int) -> None:
        self.hour += wait

    @rule(
        member=members,
        kind=st.sampled_from(["suspend", "resume", "resume", "limit"]),
        limits=limits,
    )
    def change_account(self, member: str, kind: str, limits: dict) -> None:
        key, now = AccountKey(PROGRAM, member, ASSET), self.now()
        account = self.books.accounts.get(key) or Account(key=key)
        try:
            change = decide_change(account, change_of(member, kind, limits), now)
        except LedgerError:
            assert self.naive.change_account(member, kind, limits, naive_instant(now)) != "changed"
            return
        assert self.naive.change_account(member, kind, limits, naive_instant(now)) == "changed"
        changed = {key: replace(account, standing=change.standing)}
        self.books = replace(self.books, accounts={**self.books.accounts, **changed})

    @rule(member=members, into=st.sampled_from(["m-2", "m-3", "m-4"]), releasing=st.booleans())
    def merge(self, member: str, into: str, releasing: bool) -> None:
        if member == into:
            return
        now = self.now()
        draft = MergeDraft(
            closing=change_of(member, "close", {}),
            request_id=f"merge-{len(self.posted)}",
            to_member_id=into,
            release_holds=releasing,
        )
        answer = self.naive.merge(member, into, releasing=releasing, now=naive_instant(now))
        try:
            merged = decide_merge(self.books, draft, TERMS, now)
        except LedgerError:
            assert answer != "merged"
            return
        assert answer == "merged"
        self.take_over(merged.decision)
        closed = {draft.closing.key: replace(merged.account, standing=merged.change.standing)}
        self.books = replace(self.books, accounts={**self.books.accounts, **closed})

    @invariant()
    def balances_are_the_same(self) -> None:
        now = self.now()
        for account in self.books.accounts.values():
            found = balance_at(account, now)
            naive = copy.deepcopy(self.naive.account(home_of(account.key)))
            naive.settle(naive_instant(now))
            assert (found.posted, found.held, found.debt) == (naive.posted, naive.held, naive.debt)
            assert found.available == naive.available(naive_instant(now))
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
                    ends_at = [move.position + abs(move.amount) for move in moves]
                    assert starts == [0, *ends_at][: len(starts)]
                assert sum(m.amount for m in ins) >= -sum(m.amount for m in outs)

    def aimed(self, member: str, number: int, asked: Wish) -> tuple[str, str, Wish]:
        """A request that names, by how long ago it was, something that happened before."""
        name = f"r-{number}"
        if asked.kind in OF_HOLDS - {"hold"}:
            names = self.naive.hold_names.get(member)
        elif asked.kind == "reverse":
            names = self.naive.posted_names.get(member)
        else:
            return member, name, asked
        target, *rest = asked.detail
        aim = names[-1 - target % len(names)] if names else f"r-{target}"
        return member, name, asked._replace(detail=(aim, *rest))

    def now(self) -> datetime:
        """The hour, and after every commit before, as the books see to it."""
        latest = max((each.commit_time for each in self.books.records.values()), default=NOON)
        hour = NOON + self.hour * timedelta(microseconds=HOUR)
        return max(hour, latest + timedelta(microseconds=1))

    def take_over(self, decision: Decision) -> None:
        records = {record.request_key: record for record in decision.records}
        amounts = dict(self.books.reversed_amounts)
        lines = dict(self.books.reversed_lines)
        for each in decision.records:
            if isinstance(each, Transaction) and each.reversal is not None:
                key = each.draft.reversed_key
                amounts[key] = amounts.get(key, 0) + each.amount
                if done := each.reversal.of_lines:
                    lines[key] = {name: before + now for name, before, now in done.lines}
        self.books = Books(
            accounts={**self.books.accounts, **decision.accounts},
            records={**self.books.records, **records},
            reversed_amounts=amounts,
            reversed_lines=lines,
            holds=self.books.holds
            | {
                RequestKey(PROGRAM, each.key.member_id, each.hold_id): each
                for each in decision.holds
            },
        )
        self.posted += [each for each in decision.records if isinstance(each, Transaction)]


LedgersAgree.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestLedgersAgree = LedgersAgree.TestCase
