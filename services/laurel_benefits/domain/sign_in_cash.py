"""Cash for checking in, out of a budget of the day that all members share (L3, L4).

The budget of a large program lies in stripes, each a row of its own, so that members who check in
at the same time seldom wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from laurel_benefits.domain.ids import MemberKey, RequestId
from laurel_benefits.domain.wallet_rules import CashRules

STRIPES_MAX = 16
"""Rows that a budget lies in at most."""

PAYMENTS_PER_STRIPE = 100
"""A stripe has room for this many of the largest payments: what is left over in stripes in the end
is then less than a hundredth of the budget."""


class CashState(StrEnum):
    """How far cash is paid. The names are the contract's."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    REFUSED = "REFUSED"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """Cash of a check-in; without a stripe there was none left in the budget."""

    fen: int
    asset_id: str
    funding_account_id: str
    ledger_request_id: RequestId | None
    stripe: int | None
    state: CashState
    refusal: str = ""


def stripes_of(rules: CashRules) -> int:
    """How many stripes the budget lies in: one, where it is small."""
    largest = max(*rules.ladder_fen, 1)
    return min(max(rules.daily_budget_fen // (largest * PAYMENTS_PER_STRIPE), 1), STRIPES_MAX)


def share_of(rules: CashRules, stripe: int) -> int:
    """What lies in a stripe; the shares come to the budget exactly."""
    share, rest = divmod(rules.daily_budget_fen, stripes_of(rules))
    return share + (stripe < rest)


def choose_stripe(
    rules: CashRules, *, fen: int, used: Mapping[int, int], member: MemberKey
) -> int | None:
    """The stripe that pays: the member's own, or else the first with room. None where none has.

    All that was paid counts against the budget too, also in stripes of an earlier revision that
    had more of them.
    """
    if sum(used.values()) + fen > rules.daily_budget_fen:
        return None
    stripes = stripes_of(rules)
    own = home_of(member) % stripes
    rest = (stripe for stripe in range(stripes) if stripe != own)
    roomy = (each for each in (own, *rest) if used.get(each, 0) + fen <= share_of(rules, each))
    return next(roomy, None)


def home_of(member: MemberKey) -> int:
    """A number of the member, always the same."""
    name = f"{member.program_id}/{member.member_id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
