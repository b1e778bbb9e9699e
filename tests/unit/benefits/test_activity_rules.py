"""What can be wrong with a program's activities, each fault at its path."""

from __future__ import annotations

import pytest
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.programs import program_text


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("{kind: jd_pay}", "{kind: dance}", "actions[4].kind"),
        ("{kind: jd_pay}", "{kind: login}", "actions[4].kind"),
        ("kind: photo_review\n", "kind: review\n", "reviews.photos.kind"),
        ("kind: referral\n", "kind: login\n", "referrals.kind"),
        ("points: 10\n", "points: 101\n", "reviews.photos.points"),
        (
            "approver_gate: {score_min: 201}",
            "approver_gate: {level_min: L9}",
            "reviews.photos.approver_gate.level_min",
        ),
        (
            "cap_points: 5000}  # Above",
            "cap_points: 5000}\n      - {period: day, cap_points: 1}  # Above",
            "caps[1].period",
        ),
        (
            "funding_account_id: platform\n    actions",
            "funding_account_id: order-payment\n    actions",
            "funding_account_id",
        ),
    ],
)
def test_a_fault_of_activities_is_found_at_its_path(old: str, new: str, path: str) -> None:
    head, tail = program_text().split("  # D1, D7 to D9")
    assert old in tail
    examination = examine(
        head + "  # D1, D7 to D9" + tail.replace(old, new, 1), BenefitsSectionCompiler()
    )
    assert f"benefits.activities.{path}" in [fault.path for fault in examination.faults]
