"""The posting decision: one pure function from what is known and what is asked to what is recorded.

Drafts are decided in the order they arrived; each sees the effects of the ones before it. What is
due to expire in an account is expired before anything else happens to it, so that an answer is
exact at its instant whether or not a sweeper ran (E19, E20).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from laurel_ledger.domain import accounts, invariants
from laurel_ledger.domain.account_changes import balance_max_of, check_limits, check_standing
from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold, Movement
from laurel_ledger.domain.assets import Asset, Terms, expiry_of
from laurel_ledger.domain.budgets import draw, put_back
from laurel_ledger.domain.conditions import check_conditions
from laurel_ledger.domain.due import settle_due, settle_giver
from laurel_ledger.domain.errors import (
    AccountNotFound,
    AmountTooLarge,
    AssetNotFound,
    BalanceLimitExceeded,
    BatchMemberFailed,
    ExpiryNotAfterActive,
    HoldNotFound,
    InsufficientPoints,
    LedgerError,
    RequestIdReused,
    TimeInFuture,
    TransactionNotFound,
    reason_of,
)
from laurel_ledger.domain.exchanges import exchange, exchanged_into
from laurel_ledger.domain.hold_decisions import check_hold_draft, decide_hold
from laurel_ledger.domain.lot_decisions import decide_lots
from laurel_ledger.domain.mismatches import mismatched_fields
from laurel_ledger.domain.pages import Books, Page
from laurel_ledger.domain.periods import check_open
from laurel_ledger.domain.quick_values import quick
from laurel_ledger.domain.reversals import aim, reverse
from laurel_ledger.domain.spending_decisions import check_lines, spend_what_is_there
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    EARNING,
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    Record,
    Rejection,
    RequestKey,
    ReversalDraft,
    Transaction,
    TransactionType,
)
from laurel_ledger.domain.transfers import target_of, transfer
from laurel_ledger.domain.usual_posting import post_usual


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A draft with what the program says at its time."""

    draft: AnyDraft
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAccount:
    """An account in which something may be due to expire, for the sweeper."""

    key: AccountKey
    program_revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Commands that arrived together; atomic ones are all posted or none is."""

    commands: tuple[Command, ...] = ()
    atomic: bool = False
    due: tuple[DueAccount, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A draft became a transaction, now or earlier."""

    transaction: Transaction
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A draft was refused, now or earlier."""

    error: LedgerError
    replayed: bool


Outcome = Posted | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a batch comes to."""

    outcomes: tuple[tuple[Outcome, ...], ...]
    """For each group one for each of its commands; for an atomic group that failed, one refusal;
    for a group without commands one for each transaction that was due.
    """
    records: tuple[Record, ...]
    """What to keep, in the order of commit times."""
    request_keys: AbstractSet[RequestKey]
    """The names of all of them."""
    accounts: Mapping[AccountKey, Account]
    """Every account that changed or was opened, as it is afterwards."""
    holds: tuple[Hold, ...] = ()
    """Every hold that was placed or changed, as it is afterwards."""


def decide_batch(
    books: Books, groups: Sequence[Group], *, now: datetime, skew_max: timedelta
) -> Decision:
    """Decide every command of every group in order, from `now` on, a microsecond for each record.

    Entries sum to zero, no balance goes below zero, no point is spent at or after its expiry, and a
    request id has one outcome. Raises InvariantViolation rather than answer books that disagree.
    """
    page = Page(over=books, moment=now, skew_max=skew_max)
    outcomes = tuple(_decide_group(page, group) for group in groups)
    records = tuple(page.records.values())
    invariants.check_batch(books.accounts, page.accounts, records, now=now)
    return Decision(
        outcomes=outcomes,
        records=records,
        request_keys=page.records.keys(),
        accounts=page.accounts,
        holds=tuple(page.holds.values()),
    )


def _decide_group(page: Page, group: Group) -> tuple[Outcome, ...]:
    """Each command for itself, or all or none of them; of what is due, whatever was posted."""
    before = len(page.records)
    for due in group.due:
        settle_due(page, due.key, due.program_revision)
    if not group.commands:
        return tuple(
            Posted(transaction=each, replayed=False)
            for each in islice(page.records.values(), before, None)
            if isinstance(each, Transaction)
        )
    if not group.atomic:
        return tuple(_decide_command(page, command) for command in group.commands)
    tried = page.begin()
    outcomes: list[Outcome] = []
    for index, command in enumerate(group.commands):
        outcome = _decide_command(tried, command)
        if isinstance(outcome, Refused):
            failure = BatchMemberFailed(index=index, cause=reason_of(outcome.error))
            failure.__cause__ = outcome.error
            return (Refused(error=failure, replayed=False),)
        outcomes.append(outcome)
    page.take_over(tried)
    return tuple(outcomes)


def _decide_command(page: Page, command: Command) -> Outcome:
    """What becomes of one draft."""
    draft = command.draft
    if earlier := page.record(draft.request_key):
        return _answer_again(earlier, draft)
    if not isinstance(draft, Draft):
        return _decide_change(page, draft, command.terms)
    if usual := post_usual(page, draft, command.terms):
        page.keep(*usual)
        return Posted(transaction=usual[0], replayed=False)
    if draft.to_member_id or draft.to_asset_id:
        return _decide_carrying(page, draft, command.terms)
    try:
        asset = check_draft(draft, command.terms, page)
        account = settle_due(page, draft.account_key, command.terms.revision_id)
        check_conditions(account, draft.conditions, page.moment)
        transaction, account = _post(account, draft, command.terms, asset, page.moment)
        if draft.type is TransactionType.EARN:
            draw(page, draft, command.terms)
    except LedgerError as error:
        return _refuse(page, draft, error)
    page.keep(transaction, account)
    return Posted(transaction=transaction, replayed=False)


def _decide_change(
    page: Page, draft: ReversalDraft | HoldDraft | LotDraft, terms: Terms
) -> Outcome:
    """What becomes of a draft that is about something which is there."""
    if isinstance(draft, ReversalDraft):
        return _decide_reversal(page, draft, terms)
    if isinstance(draft, HoldDraft):
        return _decide_hold(page, draft, terms)
    return _decide_lots(page, draft, terms)


def _decide_reversal(page: Page, draft: ReversalDraft, terms: Terms) -> Outcome:
    """What becomes of a reversal: as of a draft, once it is known what it reverses."""
    original = page.record(draft.reversed_key)
    if not isinstance(original, Transaction):
        # There is no account to keep an outcome in.
        error = TransactionNotFound(
            program_id=draft.program_id,
            member_id=draft.member_id,
            request_id=draft.reversed_request_id,
        )
        return Refused(error=error, replayed=False)
    aimed = aim(draft, original)
    before = page.reversed_amount(original.request_key)
    try:
        check_standing(page.account(original.key), aimed.type)
        _check_time(draft, page)
        check_open(draft, page.closed_until, page.moment)
        settle_due(page, original.key, terms.revision_id)
        account = page.account(original.key)
        transaction, account = reverse(
            account,
            aimed,
            original,
            reversed_before=before,
            lines_before=page.reversed_lines_of(original.request_key),
            terms=terms,
            now=page.moment,
        )
    except LedgerError as error:
        return _refuse(page, aimed, error)
    page.keep(transaction, account)
    put_back(page, transaction)
    page.reversed_amounts[original.request_key] = before + transaction.amount
    if transaction.reversal and (done := transaction.reversal.of_lines):
        page.reversed_lines[original.request_key] = {
            line_id: earlier + amount for line_id, earlier, amount in done.lines
        }
    # What came back to void lots expires at once, and its cost is recovered (E21).
    settle_due(page, original.key, terms.revision_id)
    return Posted(transaction=transaction, replayed=False)


def _decide_hold(page: Page, draft: HoldDraft, terms: Terms) -> Outcome:
    """What becomes of a change of a hold: as of a draft, once it is known whose hold it is."""
    if draft.type is not TransactionType.HOLD:
        found = page.hold(draft.hold_key)
        if found is None:
            # There is no account to keep an outcome in.
            error = HoldNotFound(
                program_id=draft.program_id, member_id=draft.member_id, hold_id=draft.hold_id
            )
            return Refused(error=error, replayed=False)
        draft = replace(draft, asset_id=found.key.asset_id)
    key = draft.account_key
    try:
        check_hold_draft(draft, terms)
        check_standing(page.account(key), draft.type)
        check_limits(page.account(key), draft.type, draft.amount or 0)
        settle_due(page, key, terms.revision_id)
        hold = None if draft.type is TransactionType.HOLD else page.hold(draft.hold_key)
        transaction, account, hold = decide_hold(
            page.account(key), draft, hold, terms=terms, now=page.moment
        )
    except LedgerError as refusal:
        return _refuse(page, draft, refusal)
    page.keep_hold(transaction, account, hold)
    # What was released to void lots expires at once.
    settle_due(page, key, terms.revision_id)
    return Posted(transaction=transaction, replayed=False)


def _decide_lots(page: Page, draft: LotDraft, terms: Terms) -> Outcome:
    """What becomes of a change of lots. Its refusals change with the lots and are not kept."""
    key = draft.account_key
    try:
        settle_due(page, key, terms.revision_id)
        transaction, account = decide_lots(page.account(key), draft, terms=terms, now=page.moment)
    except LedgerError as refusal:
        return _refuse(page, draft, refusal)
    page.keep(transaction, account)
    # What was thawed in void lots expires at once.
    settle_due(page, key, terms.revision_id)
    return Posted(transaction=transaction, replayed=False)


def _decide_carrying(page: Page, draft: Draft, terms: Terms) -> Outcome:
    """What becomes of points that go into another account, another member's or of another asset: a
    transaction of each, or a refusal of the one that gives.
    """
    transferring = draft.type is TransactionType.TRANSFER_OUT
    try:
        asset = check_draft(draft, terms, page)
        key = target_of(draft) if transferring else exchanged_into(draft)
        target = settle_due(page, key, terms.revision_id)
        source = settle_giver(page, draft.account_key, terms.revision_id)
        check_standing(target, TransactionType.TRANSFER_IN)
        check_conditions(source, draft.conditions, page.moment)
        if transferring:
            sides = transfer(source, target, draft, terms=terms, asset=asset, now=page.moment)
        else:
            sides = exchange(source, target, draft, terms=terms, now=page.moment)
    except LedgerError as error:
        return _refuse(page, draft, error)
    for side in sides:
        page.keep(*side)
    return Posted(transaction=sides[0][0], replayed=False)


def _refuse(page: Page, draft: AnyDraft, error: LedgerError) -> Refused:
    """A refusal; a lasting one is kept as the outcome of the request id."""
    if error.lasting:
        account = page.account(draft.account_key)
        page.keep(Rejection(draft=draft, error=error, commit_time=page.moment), account)
    return Refused(error=error, replayed=False)


def _answer_again(earlier: Record, draft: AnyDraft) -> Outcome:
    """The outcome the request id has; other content under it is refused and changes nothing."""
    if mismatched := mismatched_fields(earlier.draft, draft):
        error = RequestIdReused(request_id=draft.request_id, mismatched_fields=",".join(mismatched))
        return Refused(error=error, replayed=False)
    if isinstance(earlier, Transaction):
        return Posted(transaction=earlier, replayed=True)
    return Refused(error=earlier.error, replayed=True)


def check_draft(draft: Draft, terms: Terms, page: Page) -> Asset:
    """What can be said without the balance: asset, account, times, amount, in this order."""
    assert draft.amount > 0, "the contract refuses amounts that are not positive"
    asset = terms.assets.get(draft.asset_id)
    if asset is None:
        raise AssetNotFound(program_id=draft.program_id, asset_id=draft.asset_id)
    kind = COUNTER_KIND[draft.type]
    if kind is AccountKind.ADJUSTMENT:
        kind = AccountKind.FUNDING  # There is one for each that funds.
    account = terms.accounts.get(draft.counter_account_id)
    # That every asset has such an account needs no saying.
    named = kind not in (AccountKind.CLEARING, AccountKind.CONVERSION)
    if named and (account is None or account.kind is not kind):
        raise AccountNotFound(
            program_id=draft.program_id, account_id=draft.counter_account_id, kind=kind.name
        )
    holder = page.account(draft.account_key)
    check_standing(holder, draft.type)
    _check_time(draft, page)
    check_open(draft, page.closed_until, page.moment)
    check_limits(holder, draft.type, draft.amount)
    if draft.amount > asset.amount_max:
        raise AmountTooLarge(
            asset_id=draft.asset_id, amount=draft.amount, amount_max=asset.amount_max
        )
    if draft.spending is not None:
        check_lines(draft.amount, draft.lines)
    return asset


def _check_time(draft: Draft | ReversalDraft, page: Page) -> None:
    """Nothing has happened later than clocks may differ."""
    if draft.effective_time and draft.effective_time > page.moment + page.skew_max:
        raise TimeInFuture(
            field=draft.EFFECTIVE_TIME,
            time=draft.effective_time,
            current_time=page.moment,
        )


def _post(
    account: Account, draft: Draft, terms: Terms, asset: Asset, now: datetime
) -> tuple[Transaction, Account]:
    """The transaction of a draft and the account after it; nothing of the account is due."""
    amount = draft.amount
    if draft.type in EARNING:
        account, movements = _earn(account, draft, terms, asset, now)
    elif draft.spending is None:
        account, movements = _spend(account, draft, now)
    else:
        amount, account, movements = spend_what_is_there(account, draft.spending, now=now)
    return (
        Transaction(
            key=account.key,
            request_id=draft.request_id,
            type=draft.type,
            amount=amount,
            counter_account_id=draft.counter_account_id,
            version=account.version,
            posted_after=account.posted,
            movements=movements,
            commit_time=now,
            effective_time=draft.effective_time or now,
            reason=draft.reason,
            labels=draft.labels,
            program_revision=draft.program_revision or terms.revision_id,
            given=draft.given,
            activation=draft.activation,
            spending=draft.spending,
            cost=draft.cost,
        ),
        account,
    )


def _earn(
    account: Account, draft: Draft, terms: Terms, asset: Asset, now: datetime
) -> tuple[Account, tuple[Movement, ...]]:
    """Points come in, void from the instant the draft or the asset's rule says (E19)."""
    expire_time = draft.expire_time or expiry_of(
        asset, draft.effective_time or now, terms.time_zone
    )
    active_time = max(now, draft.active_time or now)
    if expire_time is not None and expire_time <= active_time:
        raise ExpiryNotAfterActive(expire_time=expire_time, current_time=active_time)
    balance_max = balance_max_of(account, asset.balance_max)
    if account.posted + draft.amount > balance_max:
        raise BalanceLimitExceeded(
            asset_id=draft.asset_id,
            posted=account.posted,
            amount=draft.amount,
            balance_max=balance_max,
        )
    return accounts.earn(
        account,
        draft.amount,
        funding_account_id=draft.counter_account_id,
        expire_time=expire_time,
        now=now,
        active_time=draft.active_time,
        activation_key=draft.activation_key,
    )


def _spend(account: Account, draft: Draft, now: datetime) -> tuple[Account, tuple[Movement, ...]]:
    """Points go out, soonest expiry first (E20); all that were asked for, or none."""
    available = accounts.available_at(account, now)
    if draft.amount > available:
        raise InsufficientPoints(
            asset_id=draft.asset_id, available=available, requested=draft.amount
        )
    return accounts.spend(account, draft.amount, now=now)
