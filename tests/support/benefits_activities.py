"""Scenes, orders and reviews for the rules of activities, without any service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from laurel_benefits.domain.actions import claim_action
from laurel_benefits.domain.activities import (
    Action,
    ActivityDraft,
    Approval,
    Fact,
    Penalty,
    Review,
    Scene,
    Verdict,
    decide_claim,
)
from laurel_benefits.domain.drafts import OrderLine
from laurel_benefits.domain.earning import LineEarning
from laurel_benefits.domain.ids import ActivityId, LineId, MemberId, OrderId, PlanId
from laurel_benefits.domain.orders import Order, Telling
from laurel_benefits.domain.penalties import decide_penalty
from laurel_benefits.domain.reviews import (
    Approved,
    Reviewed,
    claim_approval,
    claim_review,
)
from laurel_benefits.domain.rooms import CounterKey

from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, jd, line, order, sight

_numbers = count(1)


def scene(used: Mapping[CounterKey, int] | None = None, **options: object) -> Scene:
    """A moment of a member who has used nothing."""
    rules = jd().activities
    assert rules
    content = Scene(
        rules=rules,
        member=MEMBER,
        risk=None,
        now=NOON,
        zone=SHANGHAI,
        program_revision=REVISION,
        used=used or {},
        item_cap_points=jd().earning.item_cap_points,
    )
    return replace(content, **options)  # type: ignore[arg-type]  # Fields by name.


def draft(fact: Fact, when: datetime = NOON) -> ActivityDraft:
    """An activity of an instant."""
    return ActivityDraft(
        activity_id=ActivityId(f"a-{next(_numbers)}"), activity_time=when, fact=fact, digest="d"
    )


def acted(kind: str, found: Scene, *, subject_known: bool = False) -> Verdict:
    """The decision on an action."""
    action = Action(action_kind=kind, subject_id="s", birth_date=None)
    made = draft(action)
    return decide_claim(found, made, claim_action(found, made, action, subject_known=subject_known))


def penalized(
    kind: str, used: Mapping[CounterKey, int], *, plans: Sequence[str] = (), repeated: bool = False
) -> Verdict:
    """The decision on a breach of the rules, after so many before."""
    penalty = Penalty(penalty_kind=kind, order_id=OrderId("o"))
    running = {PlanId(each) for each in plans}
    return decide_penalty(scene(used), draft(penalty), penalty, plans=running, repeated=repeated)


def bought(paid_fen: int, **options: object) -> Reviewed:
    """A line of an order that was completed at NOON, with what is said of it."""
    of_line = {name: options.pop(name) for name in ("quantity", "sku_id") if name in options}
    bought_line: OrderLine = line(paid_fen, **of_line)
    made = order(bought_line)
    earning = LineEarning(
        line_id=bought_line.line_id, base_points=0, rebate_points=0, campaigns=(), trace=()
    )
    completed = Order(
        member=MEMBER,
        draft=made,
        complete_time=NOON,
        line_earnings=(earning,),
        grants=(),
        telling=Telling(activity_id="t", position=1),
        membership_id=None,
        program_revision=REVISION,
        create_time=NOON,
        grant_time=NOON,
    )
    content = Reviewed(
        order=completed,
        line=bought_line,
        earned_points=0,
        points_fen=0,
        returned_pieces=0,
        rewarded_points=0,
        earlier=(),
    )
    return replace(content, **options)  # type: ignore[arg-type]  # Fields by name.


def reviewed(
    found: Reviewed | None,
    *,
    days: int = 0,
    bad_times: Sequence[datetime] = (),
    at: Scene | None = None,
    **options: object,
) -> Verdict:
    """The decision on a review so many days after the completion."""
    line_id = found.line.line_id if found else LineId("l")
    order_id = found.order.draft.order_id if found else OrderId("o")
    content = Review(order_id=order_id, line_id=line_id, photos=False, characters=20)
    review = replace(content, **options)  # type: ignore[arg-type]  # Fields by name.
    made = draft(review, NOON + timedelta(days=days))
    moment = at or scene()
    return decide_claim(moment, made, claim_review(moment, made, review, found, bad_times))


def approved(
    approver: str, paid_points: int, approvers: Sequence[str], *, score: int = 201
) -> Verdict:
    """The decision on an approval of a photo review that has paid so much."""
    approval = Approval(review_id=ActivityId("a"), approver_id=MemberId(approver))
    known = Approved(
        paid=True,
        paid_points=paid_points,
        approvers=frozenset(MemberId(each) for each in approvers),
        approver=sight(score),
        line_left_points=None,
    )
    moment = scene()
    return decide_claim(moment, draft(approval), claim_approval(moment, approval, known))
