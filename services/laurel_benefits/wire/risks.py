"""Judgements of members: from the wire and back."""

from __future__ import annotations

from laurel.benefits.v1 import decisions_pb2
from laurel.benefits.v1 import risk_pb2 as pb
from laurel_kit.fingerprint import fingerprint

from laurel_benefits.domain.ids import RequestId
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.handlers.risks import JudgedMember, MemberRiskShown, SetMemberRisk
from laurel_benefits.wire.decisions import write_risk_state
from laurel_benefits.wire.times import read_instant, read_member, write_instant


def read_set_member_risk(request: pb.SetMemberRiskRequest) -> SetMemberRisk:
    """The command in a request."""
    name = decisions_pb2.RiskState.Name(request.state).removeprefix("RISK_STATE_")
    ends = request.HasField("expire_time")
    return SetMemberRisk(
        member=read_member(request),
        request_id=RequestId(request.request_id),
        state=RiskState(name),
        reason=request.reason,
        expire_time=read_instant(request.expire_time) if ends else None,
        fingerprint=fingerprint(request).encoded,
    )


def write_set_member_risk(judged: JudgedMember) -> pb.SetMemberRiskResponse:
    """The answer to a judgement."""
    return pb.SetMemberRiskResponse(risk=write_risk(judged.risk), replayed=judged.replayed)


def write_get_member_risk(shown: MemberRiskShown) -> pb.GetMemberRiskResponse:
    """How a member is judged."""
    return pb.GetMemberRiskResponse(
        state=write_risk_state(shown.state),
        judgements=[write_risk(each) for each in shown.judgements],
    )


def write_risk(risk: MemberRisk) -> pb.MemberRisk:
    """A judgement."""
    ends = risk.expire_time
    return pb.MemberRisk(
        program_id=risk.member.program_id,
        member_id=risk.member.member_id,
        state=write_risk_state(risk.state),
        reason=risk.reason,
        maker=risk.maker,
        create_time=write_instant(risk.create_time),
        expire_time=write_instant(ends) if ends else None,
    )
