"""The rules of JD as this service reads them, and short words for orders and standings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from zoneinfo import ZoneInfo

from laurel_benefits.domain import earning
from laurel_benefits.domain.drafts import OrderDraft, OrderLine, Payment
from laurel_benefits.domain.earning import EarningTerms, LineEarning, Rebate
from laurel_benefits.domain.ids import (
    LineId,
    MemberId,
    MemberKey,
    OrderId,
    PlanId,
    ProgramId,
    RevisionId,
    ScoreModelId,
)
from laurel_benefits.domain.programs import (
    BaseProfile,
    BenefitsProgram,
    EarningRules,
    MembershipPlan,
    RebateTerms,
)
from laurel_benefits.domain.standings import Score, Sight, Standing
from laurel_benefits.wire.programs import BenefitsSectionCompiler, read_profile
from laurel_kit.programs.loading import examine, load_program

from tests.support.programs import program_text

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
"""Noon of 10 March 2026 in Shanghai."""
MEMBER = MemberKey(program_id=ProgramId("jd"), member_id=MemberId("m-1"))
PLUS = PlanId("plus-year")
REVISION = RevisionId("sha256:rules")
LEVELS = (0, 201, 5001, 10001, 20001)
_numbers = count(1)


@cache
def jd() -> BenefitsProgram:
    """The program as the file has it."""
    examination = examine(program_text(), BenefitsSectionCompiler())
    assert examination.model, examination.faults
    return examination.model


def profile(profile_id: str) -> BaseProfile:
    """A base profile of the file, also one that is not in force."""
    profiles = load_program(program_text()).benefits.earning.base_profiles
    return next(read_profile(each) for each in profiles if each.profile_id == profile_id)


def earning_rules(profile_id: str = "seed") -> EarningRules:
    """The earning rules with one of the base profiles in force."""
    return replace(jd().earning, profile=profile(profile_id))


def plus() -> MembershipPlan:
    """The yearly PLUS membership."""
    return jd().plans[PLUS]


def rebate_terms() -> RebateTerms:
    """The rebate of PLUS."""
    terms = plus().rebate
    assert terms
    return terms


def rebate(room_points: int | None = 50000) -> Rebate:
    """A running PLUS membership with so much room."""
    return Rebate(plan_id=PLUS, terms=rebate_terms(), room_points=room_points)


def earn(draft: OrderDraft, rules: EarningRules, running: Rebate | None) -> tuple[LineEarning, ...]:
    """What the lines earn without any campaign or cap beyond the order."""
    terms = EarningTerms(rules=rules, rebate=running)
    return earning.earn(draft, terms).lines


def line(paid_fen: int, category_id: str = "books", **options: object) -> OrderLine:
    """A physical line, sold at retail."""
    content = OrderLine(
        line_id=LineId(f"l-{next(_numbers)}"),
        sku_id="sku",
        category_id=category_id,
        goods_class="physical",
        sale_type="retail",
        shop_id="",
        quantity=1,
        paid_fen=paid_fen,
    )
    return replace(content, **options)  # type: ignore[arg-type]  # Fields by name.


def order(
    *lines: OrderLine, paid_by: dict[str, int] | str = "online", **options: object
) -> OrderDraft:
    """An order paid by one means, or by several as said."""
    freight = options.get("freight_fen", 0)
    assert isinstance(freight, int)
    due = sum(each.paid_fen for each in lines) + freight
    amounts = {paid_by: due} if isinstance(paid_by, str) else paid_by
    content = OrderDraft(
        order_id=OrderId(f"o-{next(_numbers)}"),
        order_time=NOON,
        lines=lines,
        payments=tuple(
            Payment(payment_method=method, amount_fen=amount) for method, amount in amounts.items()
        ),
        freight_fen=0,
        invoice_type="",
    )
    return replace(content, **options)  # type: ignore[arg-type]  # Fields by name.


def growth(value: int) -> Sight:
    """A member who has bought, with so much of 成长值, as scoring says."""
    tiers = ("registered", "bronze", "silver", "gold", "diamond")
    position = 2 + sum(1 for lowest in (2000, 10000, 30000) if lowest <= value)
    seen = sight(value).standing
    assert seen
    assert seen.score
    score = replace(seen.score, level_id=tiers[position - 1], level_position=position)
    return Sight(standing=replace(seen, score=replace(score, model_id=ScoreModelId("chengzhang"))))


def sight(
    score: int | None = 0,
    *,
    credit_score: int | None = 60,
    credit_stars: int | None = 3,
    attributes: tuple[str, ...] = ("real_name",),
    degraded: bool = False,
    seen_time: datetime = NOON,
) -> Sight:
    """A member as scoring says."""
    position = sum(1 for lowest in LEVELS if score is not None and lowest <= score)
    found = score is not None and Score(
        model_id=ScoreModelId("jingxiang"),
        value=score,
        level_id=f"L{position}",
        level_position=position,
        live=True,
        as_of_time=seen_time,
        program_revision=REVISION,
    )
    standing = Standing(
        score=found or None,
        attributes=frozenset(attributes),
        credit_score=credit_score,
        credit_stars=credit_stars,
        seen_time=seen_time,
    )
    return Sight(standing=standing, degraded=degraded)
