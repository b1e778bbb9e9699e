"""Referrals: who brings another member is paid, unless that other one is himself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from laurel_benefits.domain.activities import Claim, Referral, Scene
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


def find_referrals(rules: ActivityRules) -> ReferralRules:
    """What bringing another pays. Raises ActivityKindUnknown."""
    if rules.referrals is None:
        raise ActivityKindUnknown(kind="referral")
    return rules.referrals


def claim_referral(scene: Scene, referral: Referral, known: Acquaintance) -> Claim:
    """What a referral asks for. Raises ActivityKindUnknown."""
    rules = find_referrals(scene.rules)
    return Claim(
        kind=rules.kind,
        points=rules.points,
        limits=rules.limits,
        reasons=tuple(judge_referral(scene, referral, known, rules)),
    )


def judge_referral(
    scene: Scene, referral: Referral, known: Acquaintance, rules: ReferralRules
) -> Iterator[Reason]:
    """Whether the other one is another, is new, and has bought."""
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
