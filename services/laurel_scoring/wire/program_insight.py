"""Groups of members in a program file as values."""

from __future__ import annotations

from laurel.program.v1 import insight_section_pb2 as pb
from laurel.program.v1.scoring_section_pb2 import ScoringSection

from laurel_scoring.domain.segment_rules import (
    DormancySegment,
    InsightRules,
    RfmGroup,
    RfmRules,
)


def read_insight(section: ScoringSection) -> InsightRules | None:
    """Into which groups members fall, if into any."""
    if not section.HasField("insight"):
        return None
    rules = section.insight
    return InsightRules(
        rfm=read_rfm(rules.rfm) if rules.HasField("rfm") else None,
        dormancy=tuple(
            DormancySegment(
                segment_id=segment.segment_id,
                display_name=segment.display_name or segment.segment_id,
                from_days=segment.from_days,
            )
            for segment in rules.dormancy
        ),
        preference_members_min=rules.preference_members_min,
    )


def read_rfm(rfm: pb.RfmRules) -> RfmRules:
    """How recency, frequency and money become groups."""
    return RfmRules(
        window_months=rfm.window_months,
        recency_days=tuple(rfm.recency_days),
        orders=tuple(rfm.orders),
        paid=tuple(rfm.paid_minor_units),
        high_from=rfm.high_from,
        groups=tuple(
            RfmGroup(
                group_id=group.group_id,
                display_name=group.display_name or group.group_id,
                recent=group.recent,
                frequent=group.frequent,
                valuable=group.valuable,
            )
            for group in rfm.groups
        ),
    )
