"""Decisions for the wire."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from laurel.benefits.v1 import decisions_pb2 as pb
from laurel_kit.money import write_money

from laurel_benefits.domain.decisions import (
    AmountOff,
    Decision,
    Evidence,
    NearMiss,
    PointsGiven,
    Price,
    Quota,
    Reason,
    ReasonCode,
    ShareOff,
    Value,
)
from laurel_benefits.domain.risks import RiskState
from laurel_benefits.wire.times import write_instant


def write_decision(decision: Decision) -> pb.Decision:
    """A decision with its reasons and numbers."""
    return pb.Decision(
        allowed=decision.allowed,
        reasons=[write_reason(reason) for reason in decision.reasons],
        quota=write_quota(decision.quota) if decision.quota else None,
        value=write_value(decision.value),
        evidence=write_evidence(decision.evidence),
        near_miss=write_near_miss(decision.near_miss),
        degraded=decision.degraded,
        program_revision=decision.program_revision,
    )


def write_code(code: ReasonCode | None) -> pb.DecisionReason.ValueType:
    """A reason's code; none is unspecified."""
    if code is None:
        return pb.DECISION_REASON_UNSPECIFIED
    return pb.DecisionReason.Value(f"DECISION_REASON_{code.value}")


def write_reason(reason: Reason) -> pb.Reason:
    """One thing that speaks against it."""
    opens = reason.available_from
    return pb.Reason(
        code=write_code(reason.code),
        subject=reason.subject,
        required=reason.required,
        actual=reason.actual,
        missing=reason.missing,
        available_from=write_instant(opens) if opens else None,
    )


def write_quota(quota: Quota) -> pb.Quota:
    """How often it may be had, and how often it was."""
    return pb.Quota(
        limit=quota.limit,
        used=quota.used,
        remaining=quota.remaining,
        reset_time=write_instant(quota.reset_time) if quota.reset_time else None,
    )


def write_value(value: Value | None) -> pb.Value | None:
    """What it is worth or costs."""
    match value:
        case Price():
            return pb.Value(price=write_money(value.price_fen))
        case AmountOff():
            return pb.Value(amount_off=write_money(value.amount_off_fen))
        case ShareOff():
            return pb.Value(rate_off=write_share(value))
        case PointsGiven():
            return pb.Value(points=value.points)
    return None


def write_share(share: ShareOff) -> pb.RateOff:
    """A share off a price."""
    most, taken = share.amount_max_fen, share.taken_off_fen
    return pb.RateOff(
        rate_bps=share.rate_bps,
        amount_max=None if most is None else write_money(most),
        amount_off=None if taken is None else write_money(taken),
    )


def write_evidence(evidence: Evidence) -> pb.Evidence:
    """What a decision rests on."""
    return pb.Evidence(
        score=write_score(evidence),
        credit_score=evidence.credit_score,
        credit_stars=evidence.credit_stars,
        attributes=evidence.attributes,
        membership_id=evidence.membership_id or "",
        decide_time=write_instant(evidence.decide_time),
        granted=evidence.granted,
        risk_state=write_risk_state(evidence.risk_state),
        credit_score_required=evidence.credit_score_required,
    )


def write_risk_state(state: RiskState) -> pb.RiskState.ValueType:
    """How the member is judged."""
    return pb.RiskState.Value(f"RISK_STATE_{state.value}")


def write_score(evidence: Evidence) -> pb.ScoreEvidence | None:
    """The score that was looked at."""
    score = evidence.score
    if score is None:
        return None
    age = Duration()
    age.FromTimedelta(evidence.score_age)
    return pb.ScoreEvidence(
        model_id=score.model_id,
        value=score.value,
        level_id=score.level_id,
        live=score.live,
        as_of_time=write_instant(score.as_of_time),
        program_revision=score.program_revision,
        age=age,
    )


def write_near_miss(near_miss: NearMiss | None) -> pb.NearMiss | None:
    """The smallest change that would allow it."""
    if near_miss is None:
        return None
    opens = near_miss.available_from
    return pb.NearMiss(
        code=write_code(near_miss.code),
        subject=near_miss.subject,
        missing=near_miss.missing,
        available_from=write_instant(opens) if opens else None,
        value=write_value(near_miss.value),
    )
