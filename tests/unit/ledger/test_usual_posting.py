"""The usual posting done at once comes to what the decision question by question comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel_ledger.domain import posting
from laurel_ledger.domain.accounts import Account, AccountKey
from laurel_ledger.domain.assets import Asset
from laurel_ledger.domain.pages import Books, Page
from laurel_ledger.domain.posting import Decision, Refused, decide_batch
from laurel_ledger.domain.standings import AccountLimits, AccountState, Standing
from laurel_ledger.domain.transactions import Shortfall
from laurel_ledger.domain.usual_posting import post_usual

from tests.support.ledger import (
    NOON,
    PROGRAM,
    SKEW,
    earn,
    freeze,
    group,
    hold,
    reverse,
    spend,
    terms,
    thaw,
    transfer,
)

SOON = timedelta(seconds=90)
TERMS = terms(flash=Asset(asset_id="flash", display_name="Flash", expiry=SOON, balance_max=300))
STANDINGS = (
    Standing(state=AccountState.SUSPENDED, change_no=1),
    Standing(state=AccountState.CLOSED, change_no=1),
    Standing(limits=AccountLimits(earn_max=40, spend_max=5, balance_max=90), change_no=1),
    Standing(change_no=2),
)
members = st.sampled_from(["m-1", "m-2", "m-3"])
assets = st.sampled_from(["bean", "bean", "flash", "coin", "stamp", "token", "none"])
amounts = st.sampled_from([1, 5, 40, 60, 101, 10**15])
names = st.none() | st.integers(0, 5).map("n-{}".format)
said = st.sampled_from([{}, {}, {}, {"reason": "späť"}, {"labels": {"b": "ö", "a": ""}}])
asked = st.sampled_from(
    [
        *({}, {}, {}, {}),
        {"program_revision": "sha256:first"},
        {"effective_time": NOON - timedelta(days=400)},
        {"effective_time": NOON + timedelta(days=1)},
    ]
)
ends = st.sampled_from(
    [
        *({}, {}, {}, {}),
        {"expire_time": NOON + timedelta(minutes=2)},
        {"expire_time": NOON - timedelta(days=1)},
        {"active_time": NOON + timedelta(minutes=1)},
        {"activation_key": "order"},
        {"cost": 5},
    ]
)
funders = st.sampled_from(["platform", "platform", "merchant", "checkout", "nobody"])


@st.composite
def drafts(draw):
    """Mostly what is usual; among it everything that is not."""
    options = {"member_id": draw(members), "asset_id": draw(assets)}
    if name := draw(names):
        options["request_id"] = name
    kind = draw(st.integers(0, 19))
    if kind < 10:
        earning = {"counter_account_id": draw(funders)}
        return earn(draw(amounts), **options, **earning, **draw(said), **draw(asked), **draw(ends))
    if kind < 15:
        return spend(draw(amounts), **options, **draw(said), **draw(asked))
    if kind == 15:
        return hold(draw(amounts), minutes=1, **options)
    if kind == 16:
        return draw(st.sampled_from([freeze, thaw]))(**options)
    if kind == 17:
        return transfer(draw(amounts), "m-3", **(options | {"member_id": "m-1"}))
    reversed_ = earn(1, member_id=options["member_id"], request_id=name or "n-1")
    return reverse(reversed_, shortfall=draw(st.sampled_from(Shortfall)))


batches = st.lists(
    st.lists(
        st.builds(
            lambda content, atomic: group(*content, atomic=atomic, terms=TERMS),
            st.lists(drafts(), min_size=1, max_size=6),
            st.sampled_from([False, False, False, True]),
        ),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)


def comparable(decision: Decision):
    """A decision in which refusals are equal that say the same."""

    def said_by(outcome):
        if not isinstance(outcome, Refused):
            return outcome
        error = outcome.error
        cause = error.__cause__
        return (type(error), vars(error), type(cause), cause and vars(cause), outcome.replayed)

    records = [
        (type(each.error), vars(each.error), each.draft, each.commit_time)
        if hasattr(each, "error")
        else each
        for each in decision.records
    ]
    outcomes = [[said_by(outcome) for outcome in each] for each in decision.outcomes]
    return outcomes, records, list(decision.request_keys), decision.accounts, decision.holds


def run(batches, standings, pause, closed_until):
    """The decisions over batches, each upon what those before it left."""
    books = Books(
        accounts={key: Account(key=key, standing=standing) for key, standing in standings.items()},
        records={},
        closed_until=closed_until,
    )
    now, decisions = NOON, []
    for groups in batches:
        decision = decide_batch(books, groups, now=now, skew_max=SKEW)
        decisions.append(decision)
        kept = {each.request_key: each for each in decision.records}
        accounts = {key: each.without_expired_lots() for key, each in decision.accounts.items()}
        books = replace(
            books,
            accounts={**books.accounts, **accounts},
            records={**books.records, **kept},
        )
        now += pause
    return decisions


@settings(max_examples=60, deadline=None)
@given(
    batches=batches,
    standings=st.dictionaries(
        st.builds(AccountKey, st.just(PROGRAM), members, st.just("bean")),
        st.sampled_from(STANDINGS),
        max_size=1,
    ),
    pause=st.sampled_from([timedelta(0), timedelta(seconds=61), SOON, timedelta(days=300)]),
    closed_until=st.sampled_from([{}, {}, {PROGRAM: NOON - timedelta(days=30)}]),
)
def test_both_ways_come_to_the_same(batches, standings, pause, closed_until):
    at_once = run(batches, standings, pause, closed_until)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "post_usual", lambda *_: None)
        one_by_one = run(batches, standings, pause, closed_until)
    assert list(map(comparable, at_once)) == list(map(comparable, one_by_one))


def test_the_usual_is_done_at_once():
    page = Page(over=Books(accounts={}, records={}), moment=NOON, skew_max=SKEW)
    for draft in (earn(100), earn(5, counter_account_id="merchant", reason="spring"), spend(102)):
        usual = post_usual(page, draft, TERMS)
        assert usual, draft
        page.keep(*usual)
    assert page.account(draft.account_key).posted == 3
