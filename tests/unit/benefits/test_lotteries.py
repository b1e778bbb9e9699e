"""Lotteries: which tables may go live, what a lot wins, and how a draw is verified."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laurel_benefits.domain.ids import DrawId, LotteryId, RequestId
from laurel_benefits.domain.lotteries import Draw, DrawState, Seed, consistent, lot_of, prize_of
from laurel_benefits.domain.lottery_rules import LOTS, Lottery, lottery_faults

from tests.support.benefits_rules import MEMBER, NOON, REVISION, jd


def lottery() -> Lottery:
    return jd().lotteries[LotteryId("big-fight")]


def faults(**change: object) -> list[str]:
    return [path for path, _ in lottery_faults(replace(lottery(), **change), "lottery")]


def test_the_table_of_jd_pays_out_half_of_the_price_p62() -> None:
    expected = sum(prize.odds_ppm * prize.value_fen for prize in lottery().prizes)
    assert expected == lottery().price_value_fen * LOTS // 2
    assert lottery().nothing_ppm == 749_000
    assert faults() == []


def test_a_table_that_pays_out_too_much_may_not_go_live_o45() -> None:
    assert faults(payout_max_bps=4999) == ["lottery.prizes"]


def test_odds_above_one_may_not_go_live_o45() -> None:
    second = replace(lottery().prizes[1], odds_ppm=LOTS, value_fen=0)
    assert faults(prizes=(*lottery().prizes, second)) == ["lottery.prizes"]


def test_a_prize_above_the_limit_may_not_go_live_o45() -> None:
    dear = replace(lottery().prizes[0], odds_ppm=1, value_fen=1001)
    assert faults(prizes=(dear,), prize_value_max_fen=1000) == ["lottery.prizes[0].value_fen"]


@pytest.mark.parametrize(
    ("lot", "prize_id"),
    [
        (0, "first"),
        (999, "first"),
        (1000, "second"),
        (50999, "second"),
        (51000, "third"),
        (250999, "third"),
        (251000, None),
        (999999, None),
    ],
)
def test_prizes_take_the_lots_from_zero_on(lot: int, prize_id: str | None) -> None:
    prize = prize_of(lottery().prizes, lot)
    assert (prize.prize_id if prize else None) == prize_id


def test_a_draw_fits_its_seed_and_no_other() -> None:
    seed = Seed(lottery_id=lottery().lottery_id, day=NOON.date(), value="ab" * 32)
    draw = Draw(
        draw_id=DrawId("d-1"),
        member=MEMBER,
        lottery=lottery(),
        seed_day=seed.day,
        client_seed="mine",
        commitment=seed.commitment,
        ledger_request_id=RequestId("r-1"),
        draw_time=NOON,
        program_revision=REVISION,
        state=DrawState.DRAWN,
    )
    prize = prize_of(draw.lottery.prizes, lot_of(seed.value, draw.message))
    right = replace(draw, prize_id=prize.prize_id if prize else None)
    assert consistent(right, seed)
    assert not consistent(right, replace(seed, value="cd" * 32))
    other = "second" if right.prize_id != "second" else "third"
    assert not consistent(replace(right, prize_id=other), seed)


def test_lots_are_spread_evenly() -> None:
    lots = [lot_of("seed", str(number)) for number in range(2000)]
    assert 0 <= min(lots) < max(lots) < LOTS
    assert 900 < sum(lot < LOTS // 2 for lot in lots) < 1100
