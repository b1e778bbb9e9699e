"""Money on the wire is `google.type.Money`, inside it is an integer of fen (X1)."""

from __future__ import annotations

from google.type.money_pb2 import Money

from laurel_kit.refusals import RequestInvalid, Violation

CURRENCY = "CNY"
FEN_PER_YUAN = 100
NANOS_PER_FEN = 10_000_000
FEN_MAX = 2**63 - 1
"""What a bigint column holds."""


def read_money(money: Money, *, field: str = "money") -> int:
    """The amount in fen, of either sign. `field` is its path in the request, for the refusal.

    Raises RequestInvalid for another currency, an amount finer than fen, units and nanos of
    different sign, and an amount that no column holds. No amount at all (an unset field) is 0.
    """
    if not money.currency_code and money == Money():
        return 0
    if fault := fault_of_money(money):
        raise RequestInvalid([Violation(field, fault)])
    fen: int = money.units * FEN_PER_YUAN + money.nanos // NANOS_PER_FEN
    return fen


def write_money(fen: int) -> Money:
    """An amount of fen for the wire."""
    sign = -1 if fen < 0 else 1
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return Money(currency_code=CURRENCY, units=sign * yuan, nanos=sign * rest * NANOS_PER_FEN)


def fault_of_money(money: Money) -> str:
    """What is wrong with an amount, empty when nothing is."""
    if money.currency_code != CURRENCY:
        return f"must be in {CURRENCY}"
    if abs(money.nanos) > 999_999_999 or money.nanos % NANOS_PER_FEN:
        return "must be no finer than fen"
    if money.units * money.nanos < 0:
        return "units and nanos must have the same sign"
    if abs(money.units) > FEN_MAX // FEN_PER_YUAN - 1:
        return "is too large"
    return ""
