"""Benefits given and taken by hand: what stands in for what, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.errors import BenefitNotGranted, EndPassed
from laurel_benefits.domain.ids import BenefitId
from laurel_benefits.domain.rulings import (
    RulingDraft,
    RulingKind,
    decide_grant,
    decide_revocation,
)
from laurel_benefits.domain.standings import Sight

from tests.support.benefits_rights import decide, ruling
from tests.support.benefits_rules import MEMBER, NOON, sight

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
GRANT = ruling(RulingKind.GRANTED)
WITHHELD = ruling(RulingKind.WITHHELD)


def draft(expire_time=NOON + DAY):
    return RulingDraft(
        member=MEMBER,
        benefit_id=BenefitId("vip-line"),
        reason="goodwill",
        maker="anna",
        expire_time=expire_time,
    )


def codes(decision):
    return [reason.code for reason in decision.reasons]


@pytest.mark.parametrize(("passed", "allowed"), [(DAY - MOMENT, True), (DAY, False)])
def test_a_grant_stands_in_for_the_gate_until_its_end(passed, allowed) -> None:
    decision = decide("vip-line", sight(0), ruling=GRANT, now=NOON + passed)
    assert decision.allowed is allowed
    assert decision.evidence.granted is allowed


def test_a_grant_does_not_need_scoring() -> None:
    away = Sight(standing=None, degraded=True)
    assert decide("vip-line", away, ruling=GRANT).allowed
    assert not decide("vip-line", away).allowed


def test_a_grant_opens_no_window_and_gives_no_further_use() -> None:
    grant = ruling(RulingKind.GRANTED, "gift-pack", lifetime=30 * DAY)
    late = decide("gift-pack", sight(0), ruling=grant, now=NOON + 11 * DAY)
    assert codes(late) == [ReasonCode.OUTSIDE_WINDOW]
    used = decide("gift-pack", sight(0), ruling=grant, used=1)
    assert codes(used) == [ReasonCode.QUOTA_USED]


@pytest.mark.parametrize(("passed", "allowed"), [(DAY - MOMENT, False), (DAY, True)])
def test_what_is_withheld_is_not_to_be_had_until_the_end_b11(passed, allowed) -> None:
    decision = decide("vip-line", sight(20000), ruling=WITHHELD, now=NOON + passed)
    assert decision.allowed is allowed
    if not allowed:
        (reason,) = decision.reasons
        assert (reason.code, reason.available_from) == (ReasonCode.WITHHELD, NOON + DAY)


def test_what_was_withdrawn_leaves_the_gate_to_decide() -> None:
    withdrawn = ruling(RulingKind.WITHDRAWN)
    assert decide("vip-line", sight(20000), ruling=withdrawn).allowed
    assert not decide("vip-line", sight(19999), ruling=withdrawn).allowed


def test_the_next_ruling_takes_the_next_place() -> None:
    first = decide_grant(draft(), None, NOON)
    assert (first.position, first.kind, first.maker) == (1, RulingKind.GRANTED, "anna")
    second = decide_revocation(draft(), first, NOON)
    assert (second.position, second.kind) == (2, RulingKind.WITHHELD)


@pytest.mark.parametrize("decide_ruling", [decide_grant, decide_revocation])
def test_a_ruling_that_is_over_at_once_is_refused(decide_ruling) -> None:
    assert decide_ruling(draft(NOON + MOMENT), None, NOON).expire_time == NOON + MOMENT
    with pytest.raises(EndPassed):
        decide_ruling(draft(NOON), None, NOON)


@pytest.mark.parametrize(
    ("latest", "now"),
    [(None, NOON), (GRANT, NOON + DAY), (WITHHELD, NOON), (ruling(RulingKind.WITHDRAWN), NOON)],
)
def test_only_a_running_grant_can_be_taken_back(latest, now) -> None:
    with pytest.raises(BenefitNotGranted):
        decide_revocation(draft(None), latest, now)
    taken = decide_revocation(draft(None), GRANT, NOON)
    assert (taken.kind, taken.expire_time) == (RulingKind.WITHDRAWN, None)
