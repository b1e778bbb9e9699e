"""What is done with terms after they were bought: F6, F7, F21, F24, F27, B11 as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from laurel_benefits.domain.decisions import AmountOff, Price
from laurel_benefits.domain.errors import (
    ChannelNotFound,
    ChannelReferenceMissing,
    MemberBlocked,
    MembershipNotRunning,
    MembershipRenewed,
    MembershipStateMismatch,
    QuoteExpired,
    TermNotFound,
)
from laurel_benefits.domain.ids import (
    BenefitId,
    BenefitUseId,
    ChannelId,
    MembershipId,
)
from laurel_benefits.domain.memberships import (
    Membership,
    MembershipState,
    decide_purchase,
    decide_quote,
    find_channel,
    make_quote,
)
from laurel_benefits.domain.programs import RefundTerms
from laurel_benefits.domain.risks import MemberRisk, RiskState
from laurel_benefits.domain.savings import SavingKind, savings_of
from laurel_benefits.domain.terms import (
    ByHand,
    decide_cancellation,
    decide_extension,
    decide_renewal,
    decide_resumption,
    decide_suspension,
    find_term,
)
from laurel_benefits.domain.trials import rebate_holder
from laurel_benefits.domain.uses import BenefitUse

from tests.support.benefits_rules import (
    MEMBER,
    NOON,
    REVISION,
    SHANGHAI,
    plus,
    sight,
)
from tests.support.benefits_terms import MEMBERSHIP_ID, QUOTE_ID, membership, quote

MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
BY_HAND = ByHand(reason="a promotion", maker="clerk")
LATER_ID = MembershipId("019aa000-0000-7000-8000-00000000000f")


def renew(*held: Membership, at: datetime = NOON, risk: MemberRisk | None = None) -> Membership:
    return decide_renewal(
        quote(at=at), held, risk=risk, membership_id=LATER_ID, payment_reference="p", now=at
    )


def use(amount_fen: int | None, benefit: str = "plus-freight-coupon", **options) -> BenefitUse:
    made = BenefitUse(
        use_id=BenefitUseId("u"),
        member=MEMBER,
        benefit_id=BenefitId(benefit),
        reference="",
        period_key="",
        use_time=NOON,
        value=AmountOff(amount_off_fen=amount_fen) if amount_fen else None,
        program_revision=REVISION,
        membership_id=MEMBERSHIP_ID,
    )
    return replace(made, **options)


def test_a_renewal_begins_when_the_running_term_ends() -> None:
    running = membership()
    renewed = renew(running, at=NOON + 300 * DAY)
    assert renewed.term.start_time == running.term.expire_time
    assert renewed.term.expire_time - renewed.term.start_time == 365 * DAY
    assert renewed.state_at(NOON + 300 * DAY) is MembershipState.UPCOMING
    assert renewed.state_at(renewed.term.start_time) is MembershipState.FORMAL


@pytest.mark.parametrize(
    ("renewed_at", "cap"),
    [
        (datetime(2017, 9, 11, 15, 59, tzinfo=UTC), 200000),
        (datetime(2017, 9, 11, 16, tzinfo=UTC), 50000),
    ],
)
def test_the_cap_of_a_renewal_goes_by_the_day_of_the_renewal_f7(renewed_at, cap) -> None:
    running = membership(at=datetime(2017, 3, 1, 4, tzinfo=UTC))
    renewed = renew(running, at=renewed_at)
    assert renewed.term.start_time.year == 2018
    assert renewed.rebate_cap_points == cap


def test_nothing_is_renewed_that_does_not_run_or_was_renewed() -> None:
    running = membership()
    with pytest.raises(MembershipNotRunning):
        renew()
    end = running.term.expire_time
    with pytest.raises(MembershipNotRunning):
        renew(running, at=end)
    with pytest.raises(MembershipRenewed):
        renew(renew(running), running)
    suspended = decide_suspension(running, BY_HAND, NOON)
    with pytest.raises(MembershipStateMismatch):
        renew(suspended)
    assert renew(running, at=end - MOMENT).term.start_time == end


def test_a_renewal_refuses_what_a_purchase_refuses() -> None:
    running = membership()
    blocked = MemberRisk(
        member=MEMBER,
        position=1,
        state=RiskState.BLOCKED,
        reason="r",
        maker="m",
        create_time=NOON,
        expire_time=None,
    )
    with pytest.raises(MemberBlocked):
        renew(running, risk=blocked)
    late = NOON + timedelta(minutes=15)
    with pytest.raises(QuoteExpired):
        decide_renewal(
            quote(), [running], risk=None, membership_id=LATER_ID, payment_reference="", now=late
        )


def test_savings_are_rebates_and_uses_line_by_line() -> None:
    held = membership(granted=3000)
    uses = [
        use(600),
        use(600),
        use(600, reverse_time=NOON),
        use(None, benefit="vip-line"),
    ]
    savings = savings_of(held, uses, rebate_orders=4)
    lines = [(each.kind, each.benefit_id, each.times, each.amount_fen) for each in savings.lines]
    assert lines == [
        (SavingKind.REBATE, None, 4, 3000),
        (SavingKind.BENEFIT, "plus-freight-coupon", 2, 1200),
        (SavingKind.BENEFIT, "vip-line", 1, 0),
    ]
    assert (savings.saved_fen, savings.net_fen) == (4200, 4200 - 29900)


@pytest.mark.parametrize(
    ("within_days", "day", "granted", "refund"),
    [
        # Nothing comes back where the terms say nothing (F21).
        (None, 0, 0, 0),
        # The day of the purchase is the first one.
        (7, 0, 0, 29900),
        (7, 6, 0, 29900),
        (7, 7, 0, 0),
        # What was had is taken off, and never more than was paid.
        (7, 1, 900, 29000 - 600),
        (7, 1, 29300, 0),
        (7, 1, 40000, 0),
    ],
)
def test_a_cancellation_refunds_the_price_net_of_what_was_used(
    within_days, day, granted, refund
) -> None:
    held = membership(granted=granted)
    refund_terms = RefundTerms(within_days=within_days) if within_days else None
    held = replace(held, terms=replace(held.terms, refund=refund_terms))
    uses = [use(600)] if granted else []
    savings = savings_of(held, uses, rebate_orders=1)
    cancelled = decide_cancellation(savings, [held], BY_HAND, NOON + day * DAY)
    assert cancelled.changes.cancellation
    assert cancelled.changes.cancellation.refund_fen == refund
    assert cancelled.term.expire_time == NOON + day * DAY


def test_a_cancelled_term_grants_nothing_more() -> None:
    held = membership(granted=500)
    savings = savings_of(held, (), rebate_orders=1)
    cancelled = decide_cancellation(savings, [held], BY_HAND, NOON + DAY)
    assert cancelled.rebate_room_points == 0
    assert cancelled.state_at(NOON + DAY) is MembershipState.CANCELLED
    assert cancelled.state_at(NOON) is MembershipState.FORMAL
    with pytest.raises(MembershipStateMismatch):
        decide_cancellation(
            replace(savings, membership=cancelled), [cancelled], BY_HAND, NOON + 2 * DAY
        )


def test_a_renewed_term_is_cancelled_before_the_one_it_follows() -> None:
    running = membership()
    later = renew(running)
    held = [later, running]
    with pytest.raises(MembershipRenewed):
        decide_cancellation(savings_of(running, (), rebate_orders=0), held, BY_HAND, NOON)
    refundable = replace(later, terms=replace(later.terms, refund=RefundTerms(within_days=1)))
    cancelled = decide_cancellation(
        savings_of(refundable, (), rebate_orders=0), held, BY_HAND, NOON
    )
    assert cancelled.term.expire_time == cancelled.term.start_time
    assert cancelled.changes.cancellation
    assert cancelled.changes.cancellation.refund_fen == 29900


def test_a_suspended_term_gives_nothing_while_its_time_goes_on_b11() -> None:
    running = membership()
    suspended = decide_suspension(running, BY_HAND, NOON + DAY)
    resumed = decide_resumption(suspended, NOON + 3 * DAY)
    assert suspended.state_at(NOON + 2 * DAY) is MembershipState.SUSPENDED
    assert resumed.state_at(NOON + 3 * DAY) is MembershipState.FORMAL
    assert resumed.term == running.term
    earned = {
        days: rebate_holder([resumed], order_time=NOON + days * DAY, now=NOON + 9 * DAY)
        for days in (0, 1, 2, 3)
    }
    assert [held is not None for held in earned.values()] == [True, False, False, True]
    # A suspension that lasts until the end of the term ends with it.
    assert suspended.state_at(running.term.expire_time) is MembershipState.EXPIRED


def test_only_what_runs_is_suspended_and_only_what_is_suspended_resumed() -> None:
    running = membership()
    suspended = decide_suspension(running, BY_HAND, NOON)
    for held, now in ((suspended, NOON), (running, running.term.expire_time)):
        with pytest.raises(MembershipStateMismatch):
            decide_suspension(held, BY_HAND, now)
    with pytest.raises(MembershipStateMismatch):
        decide_resumption(running, NOON)


def test_an_extension_moves_the_end_and_what_follows_and_keeps_the_cap_f6() -> None:
    running = membership(granted=48000)
    later = renew(running)
    longer, moved = decide_extension(running, [later, running], 30, BY_HAND, NOON)
    assert longer.term.expire_time == running.term.expire_time + 30 * DAY
    assert longer.rebate_room_points == 2000
    assert [each.days for each in longer.changes.extensions] == [30]
    assert moved.term.start_time == longer.term.expire_time
    assert moved.term.expire_time == later.term.expire_time + 30 * DAY
    assert decide_extension(later, [later, running], 1, BY_HAND, NOON)[0].term.start_time == (
        later.term.start_time
    )
    with pytest.raises(MembershipStateMismatch):
        decide_extension(running, [running], 1, BY_HAND, running.term.expire_time)


def test_a_channel_has_its_own_price_f24() -> None:
    prices = {}
    for channel_id in (None, "bank-points", "co-brand-card", "gift-code"):
        channel = find_channel(plus(), ChannelId(channel_id) if channel_id else None)
        sold = plus().sold_by(channel)
        decision = decide_quote(
            sold, sight(), running_plans=(), risk=None, now=NOON, program_revision=REVISION
        )
        assert isinstance(decision.value, Price)
        prices[channel_id] = decision.value.price_fen
    assert prices == {None: 29900, "bank-points": 0, "co-brand-card": 14800, "gift-code": 0}
    with pytest.raises(ChannelNotFound):
        find_channel(plus(), ChannelId("airline"))


def test_a_channel_that_asks_for_a_reference_sells_nothing_without_one() -> None:
    channel = find_channel(plus(), ChannelId("gift-code"))
    sold = plus().sold_by(channel)
    decision = decide_quote(
        sold, sight(), running_plans=(), risk=None, now=NOON, program_revision=REVISION
    )
    made = make_quote(
        decision, sold, quote_id=QUOTE_ID, member=MEMBER, zone=SHANGHAI, now=NOON, channel=channel
    )
    assert made

    def buy(reference: str) -> Membership:
        return decide_purchase(
            made,
            (),
            risk=None,
            membership_id=MEMBERSHIP_ID,
            payment_reference=reference,
            now=NOON,
        )

    with pytest.raises(ChannelReferenceMissing):
        buy("")
    assert buy("G-1").channel_id == "gift-code"


def test_a_term_is_found_by_its_name() -> None:
    assert find_term([membership()], MEMBERSHIP_ID).membership_id == MEMBERSHIP_ID
    with pytest.raises(TermNotFound):
        find_term([membership()], LATER_ID)
