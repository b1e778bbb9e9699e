"""Facts of one member and models over them, for the rules of scoring: no database, no server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from laurel_kit.programs.loading import compile_section, read_program
from laurel_scoring.domain.facts import (
    CreditReport,
    Engagement,
    Fact,
    Payment,
    ProfileChange,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    ReturnLine,
    ReviewQuality,
)
from laurel_scoring.domain.models import (
    Dimension,
    FromPurchases,
    Level,
    PerAmount,
    Rule,
    ScoreModel,
    ScoringProgram,
    Window,
)
from laurel_scoring.domain.scores import Valuation, score
from laurel_scoring.domain.windows import Basis, Moment
from laurel_scoring.wire.program import SECTION

from tests.support.programs import shipped_text

ZONE = ZoneInfo("Asia/Shanghai")
_numbers = count(1)


def at(text: str) -> datetime:
    """`2026-03-01` or `2026-03-01T10:00`, local time of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def live(text: str) -> Moment:
    """The moment of a live score."""
    return Moment(basis=Basis.LIVE, instant=at(text), zone=ZONE)


def settled(text: str) -> Moment:
    """The moment of a settlement, on its day."""
    return Moment(basis=Basis.PUBLISHED, instant=at(text), zone=ZONE)


def name(prefix: str) -> str:
    return f"{prefix}-{next(_numbers):06d}"


def line(paid: int, line_id: str = "1", quantity: int = 1, **fields: str) -> PurchaseLine:
    plain = {"sku_id": "", "category_id": "", "shop_id": "", "goods_class": ""}
    return PurchaseLine(line_id=line_id, quantity=quantity, paid=paid, **{**plain, **fields})


def purchase(
    time: str,
    *lines: PurchaseLine | int,
    order_id: str = "",
    payments: dict[str, int] | None = None,
) -> Purchase:
    """A purchase; a number stands for a line that cost so many fen."""
    return Purchase(
        activity_id=name("p"),
        activity_time=at(time),
        order_id=order_id or name("o"),
        payments=tuple(
            Payment(payment_method=method, amount=amount)
            for method, amount in (payments or {}).items()
        ),
        lines=tuple(
            line(each, str(place)) if isinstance(each, int) else each
            for place, each in enumerate(lines, start=1)
        ),
    )


def back(time: str, order_id: str, **pieces: int) -> PurchaseReturn:
    """A return: `_1=2` are two pieces of line 1."""
    return PurchaseReturn(
        activity_id=name("r"),
        activity_time=at(time),
        order_id=order_id,
        lines=tuple(
            ReturnLine(line_id=line_id.lstrip("_"), quantity=quantity)
            for line_id, quantity in pieces.items()
        ),
    )


def did(
    time: str, kind: str, *, order_id: str = "", subject_id: str = "", **quality: Any
) -> Engagement:
    return Engagement(
        activity_id=name("e"),
        activity_time=at(time),
        kind=kind,
        subject_id=subject_id,
        order_id=order_id,
        review_quality=ReviewQuality(**quality) if quality else None,
    )


def did_times(times: int, day: str, kind: str, *, order_id: str = "") -> list[Fact]:
    """The same engagement so many times on one day, a minute apart."""
    first = did(f"{day}T08:00", kind, order_id=order_id)
    return [
        replace(
            first,
            activity_id=name("e"),
            activity_time=first.activity_time + timedelta(minutes=minute),
        )
        for minute in range(times)
    ]


def has(time: str, attribute: str, *, is_set: bool = True) -> ProfileChange:
    return ProfileChange(
        activity_id=name("c"), activity_time=at(time), attribute=attribute, is_set=is_set
    )


def credit(time: str, score: int | None = None, stars: int | None = None) -> CreditReport:
    return CreditReport(
        activity_id=name("k"), activity_time=at(time), credit_score=score, credit_stars=stars
    )


@cache
def shipped_program(program_id: str) -> ScoringProgram:
    """The scoring section of a program file that is shipped."""
    compiled = compile_section(read_program(shipped_text(program_id)), SECTION)
    assert compiled is not None
    return compiled


def shipped(model_id: str, program_id: str = "jd") -> ScoreModel:
    """A model as its program file has it."""
    model = shipped_program(program_id).model(model_id)
    assert model is not None
    return model


def jingxiang() -> ScoreModel:
    """京享值 as the program file of JD has it."""
    return shipped("jingxiang")


def rule(**fields: Any) -> Rule:
    """A rule, by default one point for each yuan of purchases."""
    plain = {
        "rule_id": "rule",
        "display_name": "rule",
        "source": FromPurchases(),
        "award": PerAmount(points=1, minor_units=100, payment_methods=frozenset()),
        "condition": None,
        "order_age_months_max": 0,
        "caps": (),
        "window": None,
    }
    return Rule(**{**plain, **fields})


def model(*rules: Rule, **fields: Any) -> ScoreModel:
    """A model of one dimension and one level over twelve months, settled on the 2nd."""
    caps = fields.pop("caps", ())
    dimension = Dimension(dimension_id="d", display_name="d", rules=rules, caps=caps)
    plain = {
        "model_id": "m",
        "display_name": "m",
        "window": Window(months=12, live_until_now=False),
        "dimensions": (dimension,),
        "ceilings": (),
        "levels": (Level(level_id="L1", display_name="L1", from_score=0, position=1),),
        "settlement_day": 2,
    }
    return ScoreModel(**{**plain, **fields})


def value(facts: Iterable[Fact], moment: str | Moment, of: ScoreModel | None = None) -> Valuation:
    """The valuation of facts by 京享值 or another model, live at a local time or at a moment."""
    when = live(moment) if isinstance(moment, str) else moment
    return score(facts, of or jingxiang(), when)
