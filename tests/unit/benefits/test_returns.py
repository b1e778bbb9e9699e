"""Goods that go back: however an order is divided into returns, they come to it exactly (E12)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel_benefits.domain.drafts import OrderDraft
from laurel_benefits.domain.earning import CampaignPoints, LineEarning
from laurel_benefits.domain.errors import AlreadyReturned, OrderLineNotFound
from laurel_benefits.domain.ids import CampaignId, LineId, OrderId, RequestId
from laurel_benefits.domain.orders import Grant, GrantKind, GrantState, Order, Telling
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.reservations import Checkout, CheckoutState, CheckoutTerms
from laurel_benefits.domain.returns import (
    DecidedReturn,
    OrderReturn,
    ReturnCase,
    ReturnStepKind,
    decide_return,
    room_of_refused,
)
from laurel_benefits.domain.rooms import Counted, RoomKind

from tests.support.benefits_rules import MEMBER, NOON, REVISION, line, order

DOUBLE = CampaignId("double")


def grant(kind: GrantKind, points: int, **options: object) -> Grant:
    content = Grant(
        kind=kind,
        asset_id="bean",
        funding_account_id="platform",
        points=points,
        ledger_request_id=RequestId(f"grant-{kind}"),
        campaign_id=DOUBLE if kind is GrantKind.CAMPAIGN else None,
        state=GrantState.POSTED,
    )
    return replace(content, **options)  # type: ignore[arg-type]  # Fields by name.


def completed(*lines: tuple[int, int, int, int, int], **options: object) -> ReturnCase:
    """An order of lines (pieces, points used, money, base and rebate points), ready to go back."""
    draft = order(
        *(
            line(paid, quantity=pieces, line_id=LineId(f"l-{place}"))
            for place, (pieces, _, paid, _, _) in enumerate(lines)
        )
    )
    earnings = tuple(
        LineEarning(
            line_id=each.line_id,
            base_points=base,
            rebate_points=rebate,
            trace=(),
            campaigns=(
                CampaignPoints(
                    campaign_id=DOUBLE,
                    funding_account_id="platform",
                    merchant_funded=False,
                    points=base,
                ),
            ),
        )
        for each, (_, _, _, base, rebate) in zip(draft.lines, lines, strict=True)
    )
    base, rebate = sum(each[3] for each in lines), sum(each[4] for each in lines)
    grants = (
        grant(GrantKind.BASE, base),
        grant(GrantKind.REBATE, rebate),
        grant(GrantKind.CAMPAIGN, base),
    )
    done = Order(
        member=MEMBER,
        draft=draft,
        complete_time=NOON,
        line_earnings=earnings,
        grants=tuple(each for each in grants if each.points),
        telling=Telling(activity_id="fact", position=1),
        membership_id=None,
        program_revision=REVISION,
        create_time=NOON,
        grant_time=NOON,
        counted=(
            Counted(
                rule="period_caps",
                kind=RoomKind.PERIOD_CAP,
                counter_id="orders",
                period_key="DAY:2026-03-10",
                points=2 * base,
            ),
        ),
    )
    case = ReturnCase(
        order=done,
        checkout=paid(draft, tuple(each[1] for each in lines)),
        earlier=(),
        wanted=(),
        reason="",
        now=NOON,
    )
    return replace(case, **options)  # type: ignore[arg-type]  # Fields by name.


def paid(draft: OrderDraft, line_points: tuple[int, ...]) -> Checkout:
    """How the order was paid."""
    terms = CheckoutTerms(
        order=draft,
        line_points=line_points,
        due_fen=draft.due_fen,
        asset_id="bean",
        redemption_account_id="order-payment",
        hold_lifetime=NOON - NOON,
        counted=(),
        promised_points=0,
        program_revision=REVISION,
    )
    return Checkout(
        member=MEMBER,
        order_id=OrderId(draft.order_id),
        reservation_no=1,
        terms=terms,
        state=CheckoutState.COMPLETED,
        create_time=NOON,
        expire_time=NOON,
    )


def back(case: ReturnCase, **pieces: int) -> tuple[DecidedReturn, ReturnCase]:
    """The return of some pieces, and the order after it."""
    wanted = tuple(
        Pieces(line_id=LineId(name.replace("_", "-")), quantity=quantity)
        for name, quantity in pieces.items()
    )
    decided = decide_return(replace(case, wanted=wanted))
    return decided, replace(case, earlier=(*case.earlier, decided.order_return))


def points_of(order_return: OrderReturn, *kinds: ReturnStepKind) -> int:
    return sum(step.points for step in order_return.steps if step.kind in kinds)


def test_the_return_of_one_line_and_then_the_other_p14() -> None:
    case = completed((1, 2400, 3600, 0, 0), (1, 1600, 2400, 0, 0))
    first, case = back(case, l_1=1)
    assert (first.order_return.points, first.order_return.refund_fen) == (1600, 2400)
    second, case = back(case)
    assert (second.order_return.points, second.order_return.refund_fen) == (2400, 3600)
    with pytest.raises(AlreadyReturned):
        back(case)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.integers(1, 7),
            st.integers(0, 5000),
            st.integers(0, 20000),
            st.integers(0, 1000),
            st.integers(0, 1000),
        ),
        min_size=1,
        max_size=4,
    ),
    choice=st.randoms(use_true_random=False),
)
def test_all_returns_of_an_order_come_to_it_exactly_e12_o17(lines, choice) -> None:
    case = completed(*lines)
    left = {f"l_{place}": each[0] for place, each in enumerate(lines)}
    returns: list[DecidedReturn] = []
    while any(left.values()):
        some = {name: choice.randint(0, rest) for name, rest in left.items()}
        chosen = {name: pieces for name, pieces in some.items() if pieces}
        decided, case = back(case, **chosen)
        returns.append(decided)
        gone = chosen or dict(left)
        left = {name: rest - gone.get(name, 0) for name, rest in left.items()}
    done = [each.order_return for each in returns]
    taking = (ReturnStepKind.TAKE, ReturnStepKind.TAKE_OR_OWE)
    base, rebate = sum(each[3] for each in lines), sum(each[4] for each in lines)
    assert sum(each.points for each in done) == sum(each[1] for each in lines)
    assert sum(points_of(each, ReturnStepKind.RESTORE) for each in done) == sum(
        each[1] for each in lines
    )
    assert sum(each.refund_fen for each in done) == sum(each[2] for each in lines)
    assert sum(points_of(each, *taking) for each in done) == 2 * base + rebate
    assert sum(each.rebate_points for each in returns) == rebate
    assert sum(room.points for each in returns for room in each.given_back) == -2 * base
    for each in done:
        assert points_of(each, ReturnStepKind.TAKE) <= each.refund_fen
    names = [step.ledger_request_id for each in done for step in each.steps]
    assert len(names) == len(set(names))
    with pytest.raises(AlreadyReturned):
        back(case)


def test_what_exceeds_the_money_is_taken_first_and_may_be_owed_e17() -> None:
    decided, _ = back(completed((1, 0, 300, 0, 500)))
    assert [(step.kind, step.points) for step in decided.order_return.steps] == [
        (ReturnStepKind.TAKE_OR_OWE, 200),
        (ReturnStepKind.TAKE, 300),
    ]


def test_points_are_restored_before_any_are_taken_e17() -> None:
    decided, _ = back(completed((1, 1000, 1000, 10, 0)))
    assert decided.order_return.steps[0].kind is ReturnStepKind.RESTORE


@pytest.mark.parametrize("state", [GrantState.REFUSED, GrantState.FORFEITED])
def test_what_was_never_given_is_not_taken(state: GrantState) -> None:
    case = completed((1, 0, 10000, 100, 0))
    grants = tuple(replace(each, state=state) for each in case.order.grants)
    decided, _ = back(replace(case, order=replace(case.order, grants=grants)))
    assert decided.order_return.steps == ()


def test_frozen_points_are_cut_where_they_are_f13() -> None:
    case = completed((2, 0, 10000, 0, 301))
    grants = tuple(replace(each, state=GrantState.FROZEN) for each in case.order.grants)
    decided, _ = back(replace(case, order=replace(case.order, grants=grants)), l_0=1)
    assert decided.order_return.steps == ()
    assert [each.points for each in decided.frozen] == [150]
    assert decided.order_return.frozen_points == decided.rebate_points == 150


def test_no_more_is_taken_than_a_grant_was_cut_to_o53() -> None:
    case = completed((1, 0, 10000, 0, 500))
    grants = tuple(replace(each, points=120) for each in case.order.grants)
    decided, _ = back(replace(case, order=replace(case.order, grants=grants)))
    assert [step.points for step in decided.order_return.steps] == [120]
    assert decided.rebate_points == 120


@pytest.mark.parametrize(
    ("pieces", "refusal"),
    [
        ({"l_0": 2}, None),
        ({"l_0": 3}, AlreadyReturned),
        ({"l_9": 1}, OrderLineNotFound),
    ],
)
def test_no_more_goes_back_than_was_bought(pieces, refusal) -> None:
    case = completed((2, 0, 10000, 100, 0))
    if refusal is None:
        back(case, **pieces)
        return
    with pytest.raises(refusal):
        back(case, **pieces)


def test_what_is_refused_gives_back_what_no_return_has_given_back() -> None:
    case = completed((4, 0, 4000, 40, 0))
    base, *others = case.order.grants
    one = (Pieces(line_id=LineId("l-0"), quantity=1),)
    before = decide_return(replace(case, wanted=one))
    points, room = room_of_refused(case.order, base, [before.order_return])
    assert (points, [each.points for each in room]) == (30, [-30])
    refused = replace(base, state=GrantState.REFUSED)
    order_then = replace(case.order, grants=(refused, *others))
    rest = decide_return(replace(case, order=order_then, earlier=(before.order_return,)))
    given_back = [*before.given_back, *room, *rest.given_back]
    assert sum(each.points for each in given_back) == -sum(
        each.points for each in case.order.counted
    )
