"""Quotes and memberships of PLUS for tests of the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from laurel_benefits.domain.ids import MembershipId, QuoteId
from laurel_benefits.domain.memberships import (
    Membership,
    Quote,
    decide_purchase,
    decide_quote,
    make_quote,
)
from laurel_benefits.domain.standings import Sight

from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, plus, sight

MEMBERSHIP_ID = MembershipId("019aa000-0000-7000-8000-000000000001")
QUOTE_ID = QuoteId("019aa000-0000-7000-8000-00000000000a")


def quote(*, at: datetime = NOON, seen: Sight | None = None) -> Quote:
    """A quote made at a time for an eligible member."""
    decision = decide_quote(
        plus(), seen or sight(), running_plans=(), risk=None, now=at, program_revision=REVISION
    )
    made = make_quote(decision, plus(), quote_id=QUOTE_ID, member=MEMBER, zone=SHANGHAI, now=at)
    assert made
    return made


def membership(*, at: datetime = NOON, granted: int = 0) -> Membership:
    """A term bought at a time, with so much of its rebate granted."""
    bought = decide_purchase(
        quote(at=at), (), risk=None, membership_id=MEMBERSHIP_ID, payment_reference="", now=at
    )
    return replace(bought, rebate_granted_points=granted)
