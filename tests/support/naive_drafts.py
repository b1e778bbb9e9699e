"""Wishes of the naive ledger as drafts for the real one, and what that answers as the other's."""

from __future__ import annotations

from datetime import datetime, timedelta

from laurel_ledger.domain.account_changes import ChangeDraft
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.posting import Outcome, Posted
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.spendings import AskedLine, Line, Spending, SpendShortfall
from laurel_ledger.domain.standings import AccountLimits, ChangeKind
from laurel_ledger.domain.transactions import (
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    ReversalDraft,
    TransactionType,
)

from tests.support.ledger import NOON, PROGRAM
from tests.support.naive_ledger import OF_HOLDS, OF_LOTS, OTHER_POINTS, Wish

ASSET, OTHER_ASSET = "token", "bean"
MICROSECOND = timedelta(microseconds=1)
TYPES = {
    "earn": TransactionType.EARN,
    "credit": TransactionType.ADJUSTMENT_CREDIT,
    "spend": TransactionType.SPEND,
    "debit": TransactionType.ADJUSTMENT_DEBIT,
    "give": TransactionType.TRANSFER_OUT,
    "swap": TransactionType.EXCHANGE_OUT,
    "splurge": TransactionType.SPEND,
    "hold": TransactionType.HOLD,
    "capture": TransactionType.CAPTURE,
    "release": TransactionType.RELEASE,
    "extend": TransactionType.EXTENSION,
    "activate": TransactionType.ACTIVATION,
    "freeze": TransactionType.FREEZE,
    "thaw": TransactionType.THAW,
    "void": TransactionType.VOIDING,
    "prolong": TransactionType.LOT_EXTENSION,
}
COUNTERS = {
    "spend": "checkout",
    "splurge": "checkout",
    "debit": "platform",
    "give": "clearing",
    "swap": "conversion",
}
CHANGES = {
    "suspend": ChangeKind.SUSPENSION,
    "resume": ChangeKind.RESUMPTION,
    "limit": ChangeKind.LIMITING,
    "close": ChangeKind.CLOSURE,
}
ANSWERS = {
    "RequestIdReused": ("reused",),
    "ExpiryNotAfterActive": ("void",),
    "TransactionNotFound": ("missing",),
    "TransactionNotReversible": ("irreversible",),
    "HoldNotFound": ("missing",),
    "HoldExpired": ("expired",),
    "HoldAlreadyCaptured": ("captured",),
    "HoldAlreadyReleased": ("released",),
    "LotsNotFound": ("nothing",),
    "LineNotFound": ("no line",),
    "ExchangeNotWhole": ("uneven",),
    "AccountSuspended": ("suspended",),
    "AccountClosed": ("closed",),
}
NUMBERED = {
    "InsufficientPoints": ("insufficient", "available"),
    "CaptureExceedsHold": ("exceeds", "remaining"),
    "ReversalExceedsRemaining": ("exceeds", "reversible"),
    "LineExceedsRemaining": ("line exceeds", "reversible"),
    "DebtRepaid": ("repaid", "owed"),
    "BalanceLimitExceeded": ("too many", "posted"),
    "AccountLimitExceeded": ("limited", "limit"),
    "FundingBudgetExhausted": ("no budget", "left"),
}


def key_of(home: str) -> AccountKey:
    """The account that the naive ledger has under a name."""
    member = home.removesuffix(OTHER_POINTS)
    return AccountKey(PROGRAM, member, ASSET if home == member else OTHER_ASSET)


def home_of(key: AccountKey) -> str:
    """What the naive ledger calls an account."""
    return key.member_id + (OTHER_POINTS if key.asset_id == OTHER_ASSET else "")


def instant_of(now: int | None) -> datetime | None:
    """A naive instant as it is for everybody else."""
    return None if now is None else NOON + now * MICROSECOND


def naive_instant(instant: datetime) -> int:
    """An instant as the naive ledger has it."""
    return (instant - NOON) // MICROSECOND


def answer_of(outcome: Outcome) -> tuple:
    """What the ledger answered, as the naive one says it."""
    if isinstance(outcome, Posted):
        return ("posted", outcome.transaction.posted_after)
    name = type(outcome.error).__name__
    if name in ANSWERS:
        return ANSWERS[name]
    end, number = NUMBERED[name]
    return (end, getattr(outcome.error, number))


def draft_of(member: str, name: str, wish: Wish) -> AnyDraft:
    """The draft of a wish."""
    if wish.kind == "reverse":
        return _reversal_of(member, name, wish)
    if wish.kind in OF_HOLDS:
        return _hold_of(member, name, wish)
    if wish.kind in OF_LOTS:
        return _lots_of(member, name, wish)
    content: dict[str, object] = {}
    counter = COUNTERS.get(wish.kind, "")
    if wish.kind in ("earn", "credit"):
        counter, expiry, wait, key = wish.detail
        content = {
            "expire_time": instant_of(expiry),
            "active_time": instant_of(wait),
            "activation_key": key,
        }
    elif wish.kind in ("spend", "splurge") and wish.detail:
        shortfall, lines = wish.detail
        content["spending"] = Spending(
            requested=wish.amount,
            shortfall=SpendShortfall[shortfall.upper()],
            lines=tuple(Line(*line) for line in lines),
        )
    elif wish.kind == "give":
        content["to_member_id"] = wish.detail[0]
    elif wish.kind == "swap":
        content["to_asset_id"] = OTHER_ASSET
    return Draft(
        program_id=PROGRAM,
        request_id=name,
        type=TYPES[wish.kind],
        member_id=member,
        asset_id=OTHER_ASSET if wish.kind == "splurge" else ASSET,
        amount=wish.amount,
        counter_account_id=counter,
        **content,
    )


def _reversal_of(member: str, name: str, wish: Wish) -> ReversalDraft:
    target, late, shortfall, lines = wish.detail
    return ReversalDraft(
        program_id=PROGRAM,
        request_id=name,
        member_id=member,
        reversed_request_id=target,
        amount=wish.amount,
        lines=tuple(AskedLine(*line) for line in lines),
        late_restore=LateRestore[late.upper()],
        grace_days=1 if late == "grace" else 0,
        shortfall=Shortfall[shortfall.upper()],
    )


def _hold_of(member: str, name: str, wish: Wish) -> HoldDraft:
    placing = wish.kind == "hold"
    timed = placing or wish.kind == "extend"
    return HoldDraft(
        program_id=PROGRAM,
        request_id=name,
        type=TYPES[wish.kind],
        member_id=member,
        hold_id=name if placing else wish.detail[0],
        asset_id=ASSET if placing else "",
        amount=wish.amount,
        lifetime=wish.detail[-1] * MICROSECOND if timed else None,
        final=wish.kind == "capture" and wish.detail[1],
        counter_account_id="checkout" if wish.kind == "capture" else "",
    )


def _lots_of(member: str, name: str, wish: Wish) -> LotDraft:
    content = {"expire_time": instant_of(wish.detail[0])} if wish.kind == "prolong" else {}
    if wish.kind != "prolong":
        content = {"activation_key": wish.detail[0], "freeze_key": wish.detail[1]}
    return LotDraft(
        program_id=PROGRAM,
        request_id=name,
        type=TYPES[wish.kind],
        member_id=member,
        asset_id=ASSET,
        **content,
    )


def change_of(member: str, kind: str, limits: dict[str, int]) -> ChangeDraft:
    """A change of an account."""
    return ChangeDraft(
        kind=CHANGES[kind],
        key=AccountKey(PROGRAM, member, ASSET),
        etag="",
        maker_id="ann",
        reason="a review",
        limits=AccountLimits(**limits) if kind == "limit" else None,
    )
