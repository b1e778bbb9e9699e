"""The posting decision: one pure function from what is known and what is asked to what is recorded.

Drafts are decided in the order they arrived; each sees the effects of the ones before it. What is
due to expire in an account is expired before anything else happens to it, so that an answer is
exact at its instant whether or not a sweeper ran (E19, E20).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from laurel_ledger.domain import accounts, invariants
from laurel_ledger.domain.accounts import BREAKAGE, Account, AccountKey, Hold, Movement
from laurel_ledger.domain.assets import Asset, Terms, expiry_of
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
from laurel_ledger.domain.hold_decisions import check_hold_draft, decide_hold, lapse
from laurel_ledger.domain.holds import lapsing
from laurel_ledger.domain.periods import check_open
from laurel_ledger.domain.reversals import aim, reverse
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    AnyDraft,
    Draft,
    HoldDraft,
    Record,
    Rejection,
    RequestKey,
    ReversalDraft,
    Transaction,
    TransactionType,
    mismatched_fields,
)

MICROSECOND = timedelta(microseconds=1)
"""Between two transactions of a batch: commit times of an account strictly increase (I12)."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


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
class Books:
    """What is known before a batch: accounts its drafts name, outcomes of their request ids.

    For reversals also what they reverse, how much of it was reversed before, and its void lots.
    """

    accounts: Mapping[AccountKey, Account]
    records: Mapping[RequestKey, Record]
    reversed_amounts: Mapping[RequestKey, int] = field(default_factory=dict)
    holds: Mapping[RequestKey, Hold] = field(default_factory=dict)
    closed_until: Mapping[str, datetime] = field(default_factory=dict)
    """When the last closed period of each program ended."""

    def account(self, key: AccountKey) -> Account:
        """The account; one that never was is empty."""
        return self.accounts.get(key) or Account(key=key)

    def record(self, key: RequestKey) -> Record | None:
        """What the request id stands for."""
        return self.records.get(key)

    def reversed_amount(self, key: RequestKey) -> int:
        """How many points of that transaction were reversed."""
        return self.reversed_amounts.get(key, 0)

    def hold(self, key: RequestKey) -> Hold | None:
        """The hold of that name."""
        return self.holds.get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a batch comes to."""

    outcomes: tuple[tuple[Outcome, ...], ...]
    """For each group one for each of its commands; for an atomic group that failed, one refusal."""
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
    page = _Page(over=books, moment=now, skew_max=skew_max)
    outcomes = tuple(_decide_group(page, group) for group in groups)
    records = tuple(page.records.values())
    invariants.check_batch(books.accounts, page.accounts, records)
    return Decision(
        outcomes=outcomes,
        records=records,
        request_keys=page.records.keys(),
        accounts=page.accounts,
        holds=tuple(page.holds.values()),
    )


@dataclass(slots=True, kw_only=True)
class _Page:
    """What has been decided so far, over what was known before; dropped whole on a failure."""

    over: Books | _Page
    moment: datetime
    skew_max: timedelta
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    records: dict[RequestKey, Record] = field(default_factory=dict)
    reversed_amounts: dict[RequestKey, int] = field(default_factory=dict)
    holds: dict[RequestKey, Hold] = field(default_factory=dict)

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

    def begin(self) -> _Page:
        """A page on which a group is tried."""
        return _Page(over=self, moment=self.moment, skew_max=self.skew_max)

    def take_over(self, tried: _Page) -> None:
        """Keep what was tried."""
        self.accounts.update(tried.accounts)
        self.records.update(tried.records)
        self.reversed_amounts.update(tried.reversed_amounts)
        self.holds.update(tried.holds)
        self.moment = tried.moment


def _decide_group(page: _Page, group: Group) -> tuple[Outcome, ...]:
    """Each command for itself, or all or none of them."""
    for due in group.due:
        _expire_due(page, due.key, due.program_revision)
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


def _decide_command(page: _Page, command: Command) -> Outcome:
    """What becomes of one draft."""
    draft = command.draft
    if earlier := page.record(draft.request_key):
        return _answer_again(earlier, draft)
    if isinstance(draft, ReversalDraft):
        return _decide_reversal(page, draft, command.terms)
    if isinstance(draft, HoldDraft):
        return _decide_hold(page, draft, command.terms)
    try:
        asset = _check_draft(draft, command.terms, page)
        account = _expire_due(page, draft.account_key, command.terms.revision_id)
        transaction, account = _post(account, draft, command.terms, asset, page.moment)
    except LedgerError as error:
        return _refuse(page, draft, error)
    page.keep(transaction, account)
    return Posted(transaction=transaction, replayed=False)


def _decide_reversal(page: _Page, draft: ReversalDraft, terms: Terms) -> Outcome:
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
        _check_time(draft, page)
        check_open(draft, page.closed_until, page.moment)
        _expire_due(page, original.key, terms.revision_id)
        account = page.account(original.key)
        transaction, account = reverse(
            account, aimed, original, reversed_before=before, terms=terms, now=page.moment
        )
    except LedgerError as error:
        return _refuse(page, aimed, error)
    page.keep(transaction, account)
    page.reversed_amounts[original.request_key] = before + transaction.amount
    # What came back to void lots expires at once, and its cost is recovered (E21).
    _expire_due(page, original.key, terms.revision_id)
    return Posted(transaction=transaction, replayed=False)


def _decide_hold(page: _Page, draft: HoldDraft, terms: Terms) -> Outcome:
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
        _expire_due(page, key, terms.revision_id)
        hold = None if draft.type is TransactionType.HOLD else page.hold(draft.hold_key)
        transaction, account, hold = decide_hold(
            page.account(key), draft, hold, terms=terms, now=page.moment
        )
    except LedgerError as refusal:
        return _refuse(page, draft, refusal)
    page.keep_hold(transaction, account, hold)
    # What was released to void lots expires at once.
    _expire_due(page, key, terms.revision_id)
    return Posted(transaction=transaction, replayed=False)


def _refuse(page: _Page, draft: AnyDraft, error: LedgerError) -> Refused:
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


def _check_draft(draft: Draft, terms: Terms, page: _Page) -> Asset:
    """What can be said without the balance: asset, account, times, amount, in this order."""
    assert draft.amount > 0, "the contract refuses amounts that are not positive"
    asset = terms.assets.get(draft.asset_id)
    if asset is None:
        raise AssetNotFound(program_id=draft.program_id, asset_id=draft.asset_id)
    kind = COUNTER_KIND[draft.type]
    account = terms.accounts.get(draft.counter_account_id)
    if account is None or account.kind is not kind:
        raise AccountNotFound(
            program_id=draft.program_id, account_id=draft.counter_account_id, kind=kind.name
        )
    _check_time(draft, page)
    check_open(draft, page.closed_until, page.moment)
    if draft.amount > asset.amount_max:
        raise AmountTooLarge(
            asset_id=draft.asset_id, amount=draft.amount, amount_max=asset.amount_max
        )
    return asset


def _check_time(draft: Draft | ReversalDraft, page: _Page) -> None:
    """Nothing has happened later than clocks may differ."""
    if draft.effective_time and draft.effective_time > page.moment + page.skew_max:
        raise TimeInFuture(
            field=draft.EFFECTIVE_TIME,
            time=draft.effective_time,
            current_time=page.moment,
        )


def _expire_due(page: _Page, key: AccountKey, program_revision: str) -> Account:
    """Post what is due, each as a transaction: lapsed holds, then expiries by their time (E21).

    What a hold frees expires before the next one lapses: void points would hide what is owed.
    Answers the account after them, in which nothing is due.
    """
    account = page.account(key)
    while account.holds and (hold := lapsing(account, page.moment)):
        name = _name_of_expiry(replace(account, version=account.version + 1), page.moment)
        page.keep_hold(
            *lapse(account, hold, name=name, program_revision=program_revision, now=page.moment)
        )
        account = _expire_lots(page, key, program_revision)
    return _expire_lots(page, key, program_revision)


def _expire_lots(page: _Page, key: AccountKey, program_revision: str) -> Account:
    """Post the expiries of lots that are due, by their time."""
    account = page.account(key)
    while (expire_time := account.due_time(page.moment)) is not None:
        account, movements = accounts.expire(account, expire_time)
        if not movements:  # Spent before it was void: the lot closes, nothing happens.
            page.accounts[key] = account
            continue
        transaction = Transaction(
            key=key,
            request_id=_name_of_expiry(account, page.moment),
            type=TransactionType.EXPIRY,
            amount=-sum(movement.amount for movement in movements),
            counter_account_id=BREAKAGE,
            version=account.version,
            posted_after=account.posted,
            movements=movements,
            commit_time=page.moment,
            effective_time=expire_time,
            reason="",
            labels={},
            program_revision=program_revision,
        )
        page.keep(transaction, account)
    return account


def _name_of_expiry(account: Account, moment: datetime) -> str:
    """A UUIDv7 for an expiry: its instant and, for chance, a digest of which entry it makes.

    So the same books and the same instant always give the same name.
    """
    content = f"{account.key.program_id}/{account.key.member_id}/{account.key.asset_id}"
    digest = hashlib.sha256(f"{content}/{account.version}".encode()).hexdigest()
    milliseconds = (moment - EPOCH) // MILLISECOND
    stamp = f"{milliseconds:012x}"
    variant = "89ab"[int(digest[3], 16) % 4]
    return f"{stamp[:8]}-{stamp[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"


def _post(
    account: Account, draft: Draft, terms: Terms, asset: Asset, now: datetime
) -> tuple[Transaction, Account]:
    """The transaction of a draft and the account after it; nothing of the account is due."""
    if draft.type is TransactionType.EARN:
        account, movements = _earn(account, draft, terms, asset, now)
    else:
        account, movements = _spend(account, draft)
    return (
        Transaction(
            key=account.key,
            request_id=draft.request_id,
            type=draft.type,
            amount=draft.amount,
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
    if expire_time is not None and expire_time <= now:
        raise ExpiryNotAfterActive(expire_time=expire_time, current_time=now)
    if account.posted + draft.amount > asset.balance_max:
        raise BalanceLimitExceeded(
            asset_id=draft.asset_id,
            posted=account.posted,
            amount=draft.amount,
            balance_max=asset.balance_max,
        )
    return accounts.earn(
        account,
        draft.amount,
        funding_account_id=draft.counter_account_id,
        expire_time=expire_time,
        now=now,
    )


def _spend(account: Account, draft: Draft) -> tuple[Account, tuple[Movement, ...]]:
    """Points go out, soonest expiry first (E20); all that were asked for, or none."""
    if draft.amount > account.posted - account.held:
        raise InsufficientPoints(
            asset_id=draft.asset_id, available=account.available, requested=draft.amount
        )
    return accounts.spend(account, draft.amount)
