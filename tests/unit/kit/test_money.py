"""Money on the wire and inside (X1)."""

from __future__ import annotations

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st
from laurel_kit.money import FEN_MAX, read_money, write_money
from laurel_kit.refusals import RequestInvalid

LARGEST = (FEN_MAX // 100 - 1) * 100 + 99


@given(st.integers(-LARGEST, LARGEST))
def test_an_amount_comes_back(fen: int) -> None:
    assert read_money(write_money(fen)) == fen


@pytest.mark.parametrize(
    ("units", "nanos", "fen"),
    [
        (0, 0, 0),
        (1, 0, 100),
        (0, 10_000_000, 1),
        (12, 340_000_000, 1234),
        (-1, -10_000_000, -101),
        (0, -990_000_000, -99),
    ],
)
def test_fen_are_hundredths(units: int, nanos: int, fen: int) -> None:
    assert read_money(Money(currency_code="CNY", units=units, nanos=nanos)) == fen


def test_no_amount_is_zero() -> None:
    assert read_money(Money()) == 0


@pytest.mark.parametrize(
    ("money", "fault"),
    [
        (Money(currency_code="USD", units=1), "CNY"),
        (Money(units=1), "CNY"),
        (Money(currency_code="CNY", nanos=1), "fen"),
        (Money(currency_code="CNY", nanos=10_000_001), "fen"),
        (Money(currency_code="CNY", nanos=1_000_000_000), "fen"),
        (Money(currency_code="CNY", units=1, nanos=-10_000_000), "sign"),
        (Money(currency_code="CNY", units=-1, nanos=10_000_000), "sign"),
        (Money(currency_code="CNY", units=FEN_MAX // 100), "large"),
        (Money(currency_code="CNY", units=-(FEN_MAX // 100)), "large"),
    ],
)
def test_an_amount_we_cannot_hold_is_refused_with_its_field(money: Money, fault: str) -> None:
    with pytest.raises(RequestInvalid, match=fault) as raised:
        read_money(money, field="order.total")
    assert raised.value.listing[0].field == "order.total"
