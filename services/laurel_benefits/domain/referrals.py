"""Referrals: who brings another member is paid, unless that other one is himself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from laurel_kit.calendar import business_day

from laurel_benefits.domain.activities import ActivityDraft, Claim, Referral, Scene
from laurel_benefits.domain.activity_errors import ActivityKindUnknown
from laurel_benefits.domain.activity_rules import ActivityRules, ReferralRules
from laurel_benefits.domain.decisions import Reason, ReasonCode
from laurel_benefits.domain.ids import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """What is known of who refers whom."""

    referred_by: MemberId | None
    """Who has brought the referred one before."""
    referrer_brought_by: MemberId | None
    """Who has brought the referring one."""
    order_paid_max_fen: int
    """The most the referred one has paid for a completed order."""
    first_order_time: datetime | None = None
    """When the first order of the referred one was completed."""
    referred_blocked: bool = False
    """Whether the referred one is blocked."""


def find_referrals(rules: ActivityRules) -> ReferralRules:
    """What bringing another pays. Raises ActivityKindUnknown."""
    if rules.referrals is None:
        raise ActivityKindUnknown(kind="referral")
    return rules.referrals


def claim_referral(
    scene: Scene, draft: ActivityDraft, referral: Referral, known: Acquaintance
) -> Claim:
    """What a referral asks for. Raises ActivityKindUnknown."""
    rules = find_referrals(scene.rules)
    return Claim(
        kind=rules.kind,
        points=rules.points,
        limits=rules.limits,
        reasons=(
            *judge_referral(scene, referral, known, rules),
            *judge_newness(scene, draft, known, rules),
        ),
    )


def judge_referral(
    scene: Scene, referral: Referral, known: Acquaintance, rules: ReferralRules
) -> Iterator[Reason]:
    """Whether the other one is another, was not brought before, and has bought."""
    referrer, referred = scene.member.member_id, referral.referred_id
    if referred in {referrer, known.referrer_brought_by}:
        yield Reason(code=ReasonCode.SELF_DEALING, subject="member")
    if shared := set(referral.referrer_marks) & set(referral.referred_marks):
        yield Reason(code=ReasonCode.SELF_DEALING, subject="marks", actual=len(shared))
    if known.referred_by is not None:
        yield Reason(code=ReasonCode.REPEATED, subject=rules.kind)
    if known.order_paid_max_fen < rules.order_paid_min_fen:
        yield Reason(
            code=ReasonCode.NOT_PURCHASED,
            subject="referred_member",
            required=rules.order_paid_min_fen,
            actual=known.order_paid_max_fen,
        )


def judge_newness(
    scene: Scene, draft: ActivityDraft, known: Acquaintance, rules: ReferralRules
) -> Iterator[Reason]:
    """Whether the other one is new, by the day of its first order, and earns anything itself."""
    if known.referred_blocked:
        yield Reason(code=ReasonCode.RISK_BLOCKED, subject="referred_member")
    if rules.first_order_days_max and known.first_order_time is not None:
        first = business_day(known.first_order_time, scene.zone)
        days = (scene.day_of(draft) - first).days
        if days > rules.first_order_days_max:
            yield Reason(
                code=ReasonCode.OUTSIDE_WINDOW,
                subject="referred_member",
                required=rules.first_order_days_max,
                actual=days,
            )
