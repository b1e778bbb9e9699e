"""Points of one asset that a member gives for points of another one, at a rate of the program.

The points that come take the place of those that go, lot by lot: each keeps who paid for it and
when it becomes void. The two sides are a transaction each, of an account each of the same member;
beside them stands the program's conversion account, which says of each asset how much was given for
others, or came for them.
"""

from __future__ import annotations

from datetime import datetime

from laurel_kit.values import split_largest_remainder

from laurel_ledger.domain import accounts
from laurel_ledger.domain.account_changes import balance_max_of
from laurel_ledger.domain.accounts import CONVERSION, Account, AccountKey, Movement
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.changes import Exchange
from laurel_ledger.domain.due import name_of_own
from laurel_ledger.domain.errors import (
    AmountTooLarge,
    AssetNotFound,
    BalanceLimitExceeded,
    ExchangeNotAllowed,
    ExchangeNotWhole,
    InsufficientPoints,
)
from laurel_ledger.domain.pages import MICROSECOND
from laurel_ledger.domain.transactions import Draft, Transaction, TransactionType
from laurel_ledger.domain.transfers import Part, Side, put


def exchanged_into(draft: Draft) -> AccountKey:
    """The account that gets the points."""
    return AccountKey(draft.program_id, draft.member_id, draft.to_asset_id)


def exchange(
    source: Account, target: Account, draft: Draft, *, terms: Terms, now: datetime
) -> tuple[Side, Side]:
    """Points leave one account, soonest expiry first, and others come into the other; nothing of
    either is due. What the member owes of the other asset is repaid from them first (E18).

    Raises AssetNotFound, ExchangeNotAllowed, ExchangeNotWhole, AmountTooLarge, InsufficientPoints,
    BalanceLimitExceeded, in this order.
    """
    amount = _converted(draft, terms)
    available = accounts.available_at(source, now)
    if draft.amount > available:
        raise InsufficientPoints(
            asset_id=draft.asset_id, available=available, requested=draft.amount
        )
    balance_max = balance_max_of(target, terms.assets[draft.to_asset_id].balance_max)
    if target.posted + amount > balance_max:
        raise BalanceLimitExceeded(
            asset_id=draft.to_asset_id,
            posted=target.posted,
            amount=amount,
            balance_max=balance_max,
        )
    left, taken = accounts.spend(source, draft.amount, now=now)
    later = now + MICROSECOND
    filled, came = put(target, _parts(taken, amount), now=later)
    name = name_of_own(filled, later)
    revision = draft.program_revision or terms.revision_id
    out = _side(
        left,
        draft,
        TransactionType.EXCHANGE_OUT,
        taken,
        now=now,
        amount=draft.amount,
        name=draft.request_id,
        program_revision=revision,
        other=Exchange(asset_id=draft.to_asset_id, request_id=name, amount=amount),
    )
    into = _side(
        filled,
        draft,
        TransactionType.EXCHANGE_IN,
        came,
        now=later,
        amount=amount,
        name=name,
        program_revision=revision,
        other=Exchange(asset_id=draft.asset_id, request_id=draft.request_id, amount=draft.amount),
    )
    return (out, left), (into, filled)


def _converted(draft: Draft, terms: Terms) -> int:
    """How many points come for those that go."""
    asset = terms.assets.get(draft.to_asset_id)
    if asset is None:
        raise AssetNotFound(program_id=draft.program_id, asset_id=draft.to_asset_id)
    rate = terms.exchanges.get((draft.asset_id, draft.to_asset_id))
    if rate is None:
        raise ExchangeNotAllowed(asset_id=draft.asset_id, to_asset_id=draft.to_asset_id)
    times, rest = divmod(draft.amount, rate.amount)
    if rest:
        raise ExchangeNotWhole(asset_id=draft.asset_id, amount=draft.amount, multiple=rate.amount)
    amount = times * rate.to_amount
    if amount > asset.amount_max:
        raise AmountTooLarge(asset_id=draft.to_asset_id, amount=amount, amount_max=asset.amount_max)
    return amount


def _parts(taken: tuple[Movement, ...], amount: int) -> list[Part]:
    """What comes for the points of each lot: their share, the odd points to the largest fractions,
    then to the lowest lot (X4).
    """
    by_lot = sorted(taken, key=lambda each: each.lot_no)
    shares = split_largest_remainder(amount, [-each.amount for each in by_lot])
    share_of = {each.lot_no: share for each, share in zip(by_lot, shares, strict=True)}
    return [(each, share_of[each.lot_no]) for each in taken if share_of[each.lot_no]]


def _side(
    after: Account,
    draft: Draft,
    type_: TransactionType,
    movements: tuple[Movement, ...],
    *,
    now: datetime,
    amount: int,
    name: str,
    program_revision: str,
    other: Exchange,
) -> Transaction:
    return Transaction(
        key=after.key,
        request_id=name,
        type=type_,
        amount=amount,
        counter_account_id=CONVERSION,
        version=after.version,
        posted_after=after.posted,
        movements=movements,
        commit_time=now,
        effective_time=draft.effective_time or now,
        reason=draft.reason,
        labels=draft.labels,
        program_revision=program_revision,
        given=draft.given,
        conversion=other,
    )
