"""Postings of the ledger that were decided here: stored before the ledger is called, made once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from laurel_benefits.domain.ids import MemberKey, RequestId, RevisionId
from laurel_benefits.domain.orders import GrantState


class PostingEffect(StrEnum):
    """What a posting does."""

    EARN = "EARN"
    SPEND = "SPEND"
    REVERSAL = "REVERSAL"
    ACTIVATION = "ACTIVATION"
    VOIDING = "VOIDING"


class PostingSource(StrEnum):
    """What a posting is for; it says what follows once the ledger has answered."""

    ACTIVITY = "activity"
    DELETION = "deletion"
    PENALTY = "penalty"
    REVIEW_CASE = "review_case"
    REDEMPTION = "redemption"
    CANCELLATION = "cancellation"
    DRAW = "draw"
    PRIZE = "prize"
    GIFT = "gift"
    REWARD = "reward"
    TAKING = "taking"
    SIGN_IN = "sign_in"
    PAY_OUT = "pay_out"
    HARVEST = "harvest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A posting, and how far it is."""

    member: MemberKey
    ledger_request_id: RequestId
    source: PostingSource
    source_id: str
    effect: PostingEffect
    asset_id: str
    amount: int
    account_id: str
    """Who pays what is earned, or who takes what is spent; empty of a reversal."""
    effective_time: datetime
    reason: str
    program_revision: RevisionId
    reversed_request_id: str = ""
    """Of a reversal: the posting whose points come back."""
    activation_key: str = ""
    """Of an earning: what its points wait for. Of an activation or voiding: whose points it is
    about."""
    state: GrantState = GrantState.PENDING
    refusal: str = ""
    commit_token: str = ""
