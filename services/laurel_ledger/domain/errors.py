"""Why the ledger refuses, as values: each class is one reason, its fields are what varies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class LedgerError(Exception):
    """A refusal. Nothing was posted."""

    lasting: ClassVar[bool] = False
    """Whether it is the outcome of the request id for ever; otherwise the id stays free."""
    passing: ClassVar[bool] = False
    """Whether it says nothing of what was asked for: the same may be posted in a while."""


@dataclass(eq=False, kw_only=True)
class RequestIdReused(LedgerError):
    """The request id has an outcome already, for other content."""

    request_id: str
    mismatched_fields: str


@dataclass(eq=False, kw_only=True)
class AssetNotFound(LedgerError):
    """The program has no such asset at that time. There is no account to keep an outcome in."""

    program_id: str
    asset_id: str


@dataclass(eq=False, kw_only=True)
class AccountNotFound(LedgerError):
    """The program has no account of that name for that purpose at that time."""

    lasting = True
    program_id: str
    account_id: str
    kind: str


@dataclass(eq=False, kw_only=True)
class TransactionNotFound(LedgerError):
    """The member has no posted transaction of that name."""

    program_id: str
    member_id: str
    request_id: str


@dataclass(eq=False, kw_only=True)
class LotNotFound(LedgerError):
    """The member's account of the asset has no lot of that name."""

    member_id: str
    asset_id: str
    lot_id: str


@dataclass(eq=False, kw_only=True)
class LotsNotFound(LedgerError):
    """None of the lots that are meant can be changed so."""

    member_id: str
    asset_id: str


@dataclass(eq=False, kw_only=True)
class TimeInFuture(LedgerError):
    """The transaction is said to have happened later than clocks may differ."""

    field: str
    time: datetime
    current_time: datetime


@dataclass(eq=False, kw_only=True)
class AsOfInFuture(LedgerError):
    """An earlier moment was asked for that has not come: an instant, or the version of an entry."""

    field: str
    as_of: datetime | int
    latest: datetime | int


@dataclass(eq=False, kw_only=True)
class AmountTooLarge(LedgerError):
    """One transaction may not move so many points of the asset."""

    asset_id: str
    amount: int
    amount_max: int


@dataclass(eq=False, kw_only=True)
class ExpiryNotAfterActive(LedgerError):
    """The points would be void before they could be spent."""

    expire_time: datetime
    current_time: datetime


@dataclass(eq=False, kw_only=True)
class InsufficientPoints(LedgerError):
    """The member has fewer points to spend than asked for."""

    lasting = True
    asset_id: str
    available: int
    requested: int


@dataclass(eq=False, kw_only=True)
class BalanceLimitExceeded(LedgerError):
    """The member would have more points than the asset allows."""

    lasting = True
    asset_id: str
    posted: int
    amount: int
    balance_max: int


@dataclass(eq=False, kw_only=True)
class FundingBudgetExhausted(LedgerError):
    """Who pays for the points may not issue so many more of the asset."""

    lasting = True
    funding_account_id: str
    asset_id: str
    budget: int
    left: int
    amount: int


@dataclass(eq=False, kw_only=True)
class PeriodClosed(LedgerError):
    """What is said to have happened then would change books that finance has closed.

    Instants are texts, because the refusal is kept.
    """

    lasting = True
    time: str
    closed_until: str


@dataclass(eq=False, kw_only=True)
class TransferNotAllowed(LedgerError):
    """The program does not let members give points of the asset to one another."""

    asset_id: str


@dataclass(eq=False, kw_only=True)
class ExchangeNotAllowed(LedgerError):
    """The program has no rate by which points of the one asset become points of the other."""

    asset_id: str
    to_asset_id: str


@dataclass(eq=False, kw_only=True)
class ExchangeNotWhole(LedgerError):
    """Points are exchanged in multiples, so that nothing of them is lost in rounding."""

    asset_id: str
    amount: int
    multiple: int


@dataclass(eq=False, kw_only=True)
class LinesNotSumming(LedgerError):
    """The lines of a spending are not all of it."""

    amount: int
    lines_total: int


@dataclass(eq=False, kw_only=True)
class LineNotFound(LedgerError):
    """What is to be reversed has no line of that name."""

    request_id: str
    line_id: str


@dataclass(eq=False, kw_only=True)
class LineExceedsRemaining(LedgerError):
    """Fewer points of the line are left to reverse than asked for."""

    lasting = True
    request_id: str
    line_id: str
    requested: int
    reversible: int


@dataclass(eq=False, kw_only=True)
class DebtRepaid(LedgerError):
    """The spending left a debt, and the member has repaid it since: there is none to take off."""

    lasting = True
    request_id: str
    lent: int
    owed: int


@dataclass(eq=False, kw_only=True)
class TransactionNotReversible(LedgerError):
    """What it names is neither an earning nor a spending: reversals and expiries stand."""

    lasting = True
    request_id: str
    type: str


@dataclass(eq=False, kw_only=True)
class ReversalExceedsRemaining(LedgerError):
    """More points were to be reversed than earlier reversals have left (I10)."""

    lasting = True
    request_id: str
    requested: int
    reversible: int


@dataclass(eq=False, kw_only=True)
class HoldNotFound(LedgerError):
    """The member has no hold of that name. There is no account to keep an outcome in."""

    program_id: str
    member_id: str
    hold_id: str


@dataclass(eq=False, kw_only=True)
class HoldExpired(LedgerError):
    """The hold lapsed before it was captured or released."""

    lasting = True
    hold_id: str
    expire_time: datetime


@dataclass(eq=False, kw_only=True)
class HoldAlreadyCaptured(LedgerError):
    """The last capture of the hold has been posted."""

    lasting = True
    hold_id: str


@dataclass(eq=False, kw_only=True)
class HoldAlreadyReleased(LedgerError):
    """The hold was released."""

    lasting = True
    hold_id: str


@dataclass(eq=False, kw_only=True)
class CaptureExceedsHold(LedgerError):
    """More points were to be captured than are still held."""

    lasting = True
    hold_id: str
    requested: int
    remaining: int


@dataclass(eq=False, kw_only=True)
class AccountSuspended(LedgerError):
    """Nothing new comes into the account or leaves it until it is resumed (B10)."""

    lasting = True
    member_id: str
    asset_id: str


@dataclass(eq=False, kw_only=True)
class AccountClosed(LedgerError):
    """The account was closed for good."""

    lasting = True
    member_id: str
    asset_id: str


@dataclass(eq=False, kw_only=True)
class AccountNotEmpty(LedgerError):
    """Only an account without points and without debt can be closed."""

    member_id: str
    asset_id: str
    points: int
    debt: int


@dataclass(eq=False, kw_only=True)
class AccountNotMergeable(LedgerError):
    """Holds, frozen points or debt stand against an account going on in another one."""

    member_id: str
    asset_id: str
    held: int
    frozen: int
    debt: int


@dataclass(eq=False, kw_only=True)
class AccountLimitExceeded(LedgerError):
    """One transaction would move more than the account's own limit allows."""

    lasting = True
    asset_id: str
    limit: str
    amount: int
    amount_max: int


@dataclass(eq=False, kw_only=True)
class VersionMismatch(LedgerError):
    """The account is not at the version that the caller decided upon."""

    member_id: str
    asset_id: str
    expected_version: int
    version: int


@dataclass(eq=False, kw_only=True)
class BalanceConditionFailed(LedgerError):
    """The account has fewer or more points than the caller made a condition."""

    member_id: str
    asset_id: str
    condition: str
    bound: int
    points: int
    version: int


@dataclass(eq=False, kw_only=True)
class EtagMismatch(LedgerError):
    """The account was changed since the caller looked."""

    etag: str
    current_etag: str


@dataclass(eq=False, kw_only=True)
class AdjustmentNotFound(LedgerError):
    """The member has no adjustment of that name."""

    program_id: str
    member_id: str
    adjustment_id: str


@dataclass(eq=False, kw_only=True)
class AdjustmentReasonNotFound(LedgerError):
    """The program declares no such reason to change balances by hand."""

    program_id: str
    reason_id: str


@dataclass(eq=False, kw_only=True)
class AdjustmentDecided(LedgerError):
    """Somebody approved or rejected it before."""

    adjustment_id: str
    state: str


@dataclass(eq=False, kw_only=True)
class SelfApproval(LedgerError):
    """The maker is never the checker."""

    adjustment_id: str
    operator_id: str


@dataclass(eq=False, kw_only=True)
class AdjustmentLimitExceeded(LedgerError):
    """No role of the operator allows so much."""

    operator_id: str
    amount: int
    amount_max: int


@dataclass(eq=False, kw_only=True)
class BatchMemberFailed(LedgerError):
    """A transaction of an atomic batch could not be posted, so none was.

    Its own refusal is the `__cause__`; `cause` is that one's name as reasons are written.
    """

    index: int
    cause: str


@dataclass(eq=False, kw_only=True)
class ResumeTokenInvalid(LedgerError):
    """The token is damaged, or belongs to another program or ledger."""


@dataclass(eq=False, kw_only=True)
class CheckpointNotFound(LedgerError):
    """There is no checkpoint of that number."""

    checkpoint_number: int


@dataclass(eq=False, kw_only=True)
class CheckpointPending(LedgerError):
    """The record is not under the checkpoint, or there is none yet (0); the next one has it."""

    request_id: str
    checkpoint_number: int


@dataclass(eq=False, kw_only=True)
class ChainBroken(LedgerError):
    """The records of a batch are not those that were recorded: somebody changed the books."""

    shard: int
    batch: int


@dataclass(eq=False, kw_only=True)
class InvariantViolation(LedgerError):
    """Posting would have broken an invariant of the books: a fault of ours, found in time."""

    passing = True
    invariant: str


@dataclass(eq=False, kw_only=True)
class ShardHalted(LedgerError):
    """The books of a shard did not agree, so nothing more is posted there until someone looked."""

    passing = True
    shard: int


def reason_of(error: LedgerError) -> str:
    """The name of a refusal as reasons are written: INSUFFICIENT_POINTS."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).upper()


LASTING: dict[str, type[LedgerError]] = {
    error.__name__: error
    for error in (
        AccountNotFound,
        InsufficientPoints,
        BalanceLimitExceeded,
        FundingBudgetExhausted,
        PeriodClosed,
        TransactionNotReversible,
        ReversalExceedsRemaining,
        LineExceedsRemaining,
        DebtRepaid,
        HoldExpired,
        HoldAlreadyCaptured,
        HoldAlreadyReleased,
        CaptureExceedsHold,
        AccountSuspended,
        AccountClosed,
        AccountLimitExceeded,
    )
}
"""The refusals that are kept, by the name they are kept under."""
