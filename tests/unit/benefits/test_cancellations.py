"""Parts of paid orders that are off: however an order is divided, its parts come to it (E12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laurel_benefits.domain.cancellations import LinePromise, PaidOrder, decide_part
from laurel_benefits.domain.drafts import Payment
from laurel_benefits.domain.earning import CampaignPoints
from laurel_benefits.domain.errors import OrderLineCancelled, OrderLineNotFound
from laurel_benefits.domain.ids import CampaignId, LineId
from laurel_benefits.domain.pieces import Pieces
from laurel_benefits.domain.rooms import Counted, RoomKind

from tests.support.benefits_rules import NOON, line, order

DOUBLE, SHOP = CampaignId("double"), "shop"


def paid(*lines: tuple[int, int, int, int], freight: int = 0) -> PaidOrder:
    """An order of lines (pieces, points used, money, points earned), paid half by two means each;
    what it earns counts against a cap on everything, a budget and a merchant.
    """
    draft = order(
        *(
            line(fen, quantity=pieces, line_id=LineId(f"l-{place}"))
            for place, (pieces, _, fen, _) in enumerate(lines)
        )
    )
    due = sum(fen for _, _, fen, _ in lines) + freight
    payments = (
        Payment(payment_method="online", amount_fen=due - due // 2),
        Payment(payment_method="gift_card", amount_fen=due // 2),
    )
    earned = sum(points for *_, points in lines)
    places = (
        counted(RoomKind.PERIOD_CAP, 2 * earned, counter_id="orders"),
        counted(RoomKind.BUDGET, earned, campaign_id=DOUBLE),
        counted(RoomKind.FUNDS, earned, account_id=SHOP),
    )
    return PaidOrder(
        draft=replace(draft, payments=payments, freight_fen=freight),
        line_points=tuple(points for _, points, _, _ in lines),
        promises=tuple(promise(points) for *_, points in lines),
        counted=tuple(each for each in places if each.points),
        cancellations=(),
    )


def counted(kind: RoomKind, points: int, **options: object) -> Counted:
    place = Counted(rule="r", kind=kind, counter_id="", period_key="", points=points)
    return replace(place, **options)  # type: ignore[arg-type]  # Fields by name.


def promise(points: int) -> LinePromise:
    """A line that earns as much of a merchant's campaign as base points."""
    bonus = CampaignPoints(
        campaign_id=DOUBLE, funding_account_id=SHOP, merchant_funded=True, points=points
    )
    return LinePromise(base_points=points, campaigns=(bonus,))


def off(order_: PaidOrder, pieces: Iterable[tuple[int, int]]) -> PaidOrder:
    """The order after pieces of lines are called off at once; none is all that is left."""
    wanted = [Pieces(line_id=LineId(f"l-{place}"), quantity=many) for place, many in pieces]
    part = decide_part(order_, wanted, reason="", now=NOON)
    return replace(order_, cancellations=(*order_.cancellations, part))


def test_one_sub_order_is_off_and_the_other_goes_on_p14() -> None:
    after = off(paid((1, 2400, 3600, 36), (1, 1600, 2400, 24), freight=600), [(1, 1)])
    (part,) = after.cancellations
    assert (part.points, part.refund_fen, part.freight_fen) == (1600, 2400, 0)
    assert {each.kind: each.points for each in part.freed} == {
        RoomKind.PERIOD_CAP: 48,
        RoomKind.BUDGET: 24,
        RoomKind.FUNDS: 24,
    }
    left = after.draft_left()
    assert [(each.line_id, each.paid_fen) for each in left.lines] == [("l-0", 3600)]
    assert (left.freight_fen, left.due_fen, left.paid_fen) == (600, 4200, 4200)
    assert after.points_left(LineId("l-0")) == 2400
    rest = off(after, [])
    assert (rest.cancellations[1].points, rest.cancellations[1].refund_fen) == (2400, 4200)
    assert not rest.draft_left().lines


def test_no_more_is_called_off_than_is_left() -> None:
    once = off(paid((3, 0, 900, 0)), [(0, 2)])
    with pytest.raises(OrderLineCancelled) as error:
        off(once, [(0, 2)])
    assert (error.value.requested, error.value.left) == (2, 1)
    with pytest.raises(OrderLineNotFound):
        off(once, [(1, 1)])


def test_an_order_of_before_promises_were_kept_gives_its_room_back_with_its_end() -> None:
    order_ = replace(paid((2, 0, 900, 10)), promises=())
    after = off(order_, [(0, 1)])
    assert after.cancellations[0].freed == ()
    assert after.counted_left == order_.counted


LINE = st.tuples(
    st.integers(1, 5), st.integers(0, 900), st.integers(0, 10_000), st.integers(0, 400)
)


@settings(max_examples=60)
@given(st.lists(LINE, min_size=1, max_size=4), st.integers(0, 700), st.data())
def test_however_an_order_is_called_off_the_parts_come_to_it_exactly_o17(
    lines: list[tuple[int, int, int, int]], freight: int, data: st.DataObject
) -> None:
    whole = current = paid(*lines, freight=freight)
    while left := current.draft_left().lines:
        place = data.draw(st.sampled_from([int(each.line_id[2:]) for each in left]))
        many = next(each.quantity for each in left if each.line_id == f"l-{place}")
        current = off(current, [(place, data.draw(st.integers(1, many)))])
        rest = current.draft_left()
        assert rest.paid_fen == rest.due_fen, "what is left is paid to the fen"
        assert all(each.points >= 0 for each in current.counted_left)
    parts = current.cancellations
    assert sum(part.points for part in parts) == sum(whole.line_points)
    assert sum(part.refund_fen for part in parts) == whole.draft.due_fen
    for each in whole.counted:
        freed = sum(one.points for part in parts for one in part.freed if one.place == each.place)
        (kept,) = [one.points for one in current.counted_left if one.place == each.place] or [0]
        assert freed + kept == each.points
