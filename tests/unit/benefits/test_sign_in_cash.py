"""Cash for checking in and out of the wallet: L3 and L4 as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_benefits.domain.check_ins import CheckInCase, make_check_in, streak_of
from laurel_benefits.domain.decisions import Price, ReasonCode
from laurel_benefits.domain.game_errors import WalletNotFound
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, RequestId
from laurel_benefits.domain.risks import RiskDraft, RiskState, decide_risk
from laurel_benefits.domain.sign_in_cash import choose_stripe, share_of, stripes_of
from laurel_benefits.domain.wallet_rules import CashRules
from laurel_benefits.domain.wallets import PayOutCase, decide_pay_out, find_wallet

from tests.support.benefits_games import games
from tests.support.benefits_rules import MEMBER, NOON, REVISION, SHANGHAI, jd


def rules(budget_fen: int = 10_000_000) -> CashRules:
    check_in = games().check_in
    assert check_in
    assert check_in.cash
    return replace(check_in.cash, daily_budget_fen=budget_fen)


@pytest.mark.parametrize(
    ("day", "fen"), [(1, 0), (2, 0), (3, 10), (4, 0), (7, 50), (8, 0), (10, 10)]
)
def test_the_third_and_the_seventh_day_pay_cash_l3(day: int, fen: int) -> None:
    assert rules().fen_of(day) == fen


def test_a_streak_says_what_the_next_day_pays_in_cash_l3() -> None:
    found = games().check_in
    assert found
    case = CheckInCase(
        rules=found, latest=None, risk=None, now=NOON, zone=SHANGHAI, program_revision=REVISION
    )
    second = replace(
        make_check_in(case, member=MEMBER, ledger_request_id=RequestId("r")), streak_days=2
    )
    assert streak_of(case).next_cash_fen == 0
    assert streak_of(replace(case, latest=second)).next_cash_fen == 10


@pytest.mark.parametrize(
    ("budget_fen", "stripes"),
    [(1, 1), (5000, 1), (9999, 1), (10_000, 2), (80_000, 16), (10**9, 16)],
)
def test_a_stripe_has_room_for_a_hundred_of_the_largest_payments(
    budget_fen: int, stripes: int
) -> None:
    chosen = rules(budget_fen)
    assert stripes_of(chosen) == stripes
    assert sum(share_of(chosen, each) for each in range(stripes)) == budget_fen


@pytest.mark.parametrize(
    ("used", "chosen"),
    [({}, 0), ({0: 40}, 0), ({0: 41}, None), ({0: 20, 5: 21}, None), ({5: 40}, 0)],
)
def test_a_budget_pays_as_far_as_it_goes_l4(used: dict[int, int], chosen: int | None) -> None:
    assert choose_stripe(rules(50), fen=10, used=used, member=MEMBER) == chosen


def test_members_lie_in_stripes_and_go_on_to_others_when_theirs_is_empty() -> None:
    chosen = rules(80_000)
    members = [
        MemberKey(program_id=ProgramId("p"), member_id=MemberId(f"m-{n}")) for n in range(99)
    ]
    homes = {choose_stripe(chosen, fen=50, used={}, member=member) for member in members}
    assert homes == set(range(16))
    used = dict.fromkeys(range(16), 5000)
    used[7] = 4950
    assert {choose_stripe(chosen, fen=50, used=used, member=each) for each in members} == {7}
    used[7] = 4951
    assert choose_stripe(chosen, fen=50, used=used, member=members[0]) is None


@pytest.mark.parametrize(("fen", "allowed"), [(999, False), (1000, True), (1001, True)])
def test_a_wallet_pays_out_from_ten_yuan_on_l4(fen: int, allowed: bool) -> None:
    decision = decide_pay_out(pay_out(fen))
    assert decision.allowed is allowed
    assert decision.value == (Price(price_fen=fen) if allowed else None)
    if not allowed:
        (reason,) = decision.reasons
        assert (reason.code, reason.missing) == (ReasonCode.AMOUNT_TOO_SMALL, 1)


def test_a_blocked_member_is_paid_nothing_l9() -> None:
    draft = RiskDraft(member=MEMBER, state=RiskState.BLOCKED, reason="", maker="", expire_time=None)
    risk = decide_risk(draft, None, NOON)
    decision = decide_pay_out(replace(pay_out(1000), risk=risk))
    assert [each.code for each in decision.reasons] == [ReasonCode.RISK_BLOCKED]


def test_a_program_without_a_wallet_says_so() -> None:
    with pytest.raises(WalletNotFound):
        find_wallet(jd(), ProgramId("jd"))


def pay_out(fen: int) -> PayOutCase:
    return PayOutCase(
        rules=find_wallet(games(), ProgramId("pinduoduo")),
        amount_fen=fen,
        risk=None,
        now=NOON,
        program_revision=REVISION,
    )
