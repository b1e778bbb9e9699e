"""Earnings of one rule for many members, decided column by column.

The same decision as that over drafts one by one, for accounts where it is a plain one: nothing is
due, held, withheld, owed or limited. It makes no value for each member, only columns of numbers;
whoever is no plain case is left to the decision over drafts. A test holds both equal, row by row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laurel_ledger.domain.assets import Asset, Terms, expiry_of
from laurel_ledger.domain.budgets import budget_of
from laurel_ledger.domain.cohorts import Months
from laurel_ledger.domain.errors import LedgerError
from laurel_ledger.domain.pages import MICROSECOND, Books, Page
from laurel_ledger.domain.posting import check_draft
from laurel_ledger.domain.transactions import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """Earnings that have everything in common but who gets how much, and under which name."""

    template: Draft
    """What they have in common."""
    terms: Terms
    """What the program says at their time."""
    member_ids: Sequence[str]
    request_ids: Sequence[str]
    """UUIDs, so that no name needs its text kept."""
    amounts: Sequence[int]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.member_ids)

    def draft(self, index: int) -> Draft:
        """One of them as a draft."""
        return replace(
            self.template,
            member_id=self.member_ids[index],
            request_id=self.request_ids[index],
            amount=self.amounts[index],
        )

    def part(self, indexes: Sequence[int]) -> Issuance:
        """Some of them."""
        return replace(
            self,
            member_ids=[self.member_ids[index] for index in indexes],
            request_ids=[self.request_ids[index] for index in indexes],
            amounts=[self.amounts[index] for index in indexes],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAccounts:
    """What is known of the members' accounts: a column of each, in the order of the issuance."""

    plain: Sequence[bool]
    """Whether nothing in an account is due, held, withheld, owed or limited; a new one is plain."""
    posted: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTerms:
    """What the earnings of an issuance share, once it is known when they are posted."""

    asset: Asset
    expire_time: datetime | None
    issue_month: int
    expire_month: int | None
    first_commit_time: datetime
    """Of the first one; each is posted a microsecond after the one before it."""


def decide_terms(
    issuance: Issuance,
    *,
    closed_until: Mapping[str, datetime],
    now: datetime,
    skew_max: timedelta,
) -> IssueTerms | None:
    """What is the same for all members; None when the decision over drafts must say what becomes
    of them: where the rule itself is refused, or not all of them expire alike.
    """
    template, terms = issuance.template, issuance.terms
    if budget_of(template, terms) is not None:
        return None
    page = Page(
        over=Books(accounts={}, records={}, closed_until=closed_until),
        moment=now,
        skew_max=skew_max,
    )
    try:
        asset = check_draft(replace(template, amount=1), terms, page)
    except LedgerError:
        return None
    last = now + issuance.size * MICROSECOND
    ends = {_expiry(template, asset, terms, moment) for moment in (now, last)}
    months = Months(terms.time_zone)
    issued = {months.of(template.effective_time or moment) for moment in (now, last)}
    expire_time = ends.pop()
    if ends or len(issued) > 1 or (expire_time is not None and expire_time <= last):
        return None
    return IssueTerms(
        asset=asset,
        expire_time=expire_time,
        issue_month=issued.pop(),
        expire_month=None if expire_time is None else months.of(expire_time - MICROSECOND),
        first_commit_time=now,
    )


def decide_issue(issuance: Issuance, shared: IssueTerms, found: FoundAccounts) -> list[int]:
    """Which earnings are posted: those of plain accounts that have room.

    Who is named twice is left to the decision over drafts, which makes one after the other.
    """
    amount_max, balance_max = shared.asset.amount_max, shared.asset.balance_max
    times = Counter(issuance.member_ids)
    columns = zip(found.plain, issuance.amounts, found.posted, issuance.member_ids, strict=True)
    return [
        index
        for index, (plain, amount, posted, member_id) in enumerate(columns)
        if plain
        and amount <= amount_max
        and posted + amount <= balance_max
        and times[member_id] == 1
    ]


def _expiry(template: Draft, asset: Asset, terms: Terms, moment: datetime) -> datetime | None:
    if template.expire_time is not None:
        return template.expire_time
    return expiry_of(asset, template.effective_time or moment, terms.time_zone)
