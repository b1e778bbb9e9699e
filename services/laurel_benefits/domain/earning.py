"""What an order earns: every line goes through the same stages, and is rounded once, at the end.

Amounts on the way are ten-thousandths of a point: fen times basis points, exact integers. The list
of stages is open; each looks at what the one before left and says what it made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from laurel_kit.values import BASIS_POINTS_WHOLE, split_largest_remainder

from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.drafts import OrderDraft, OrderLine
from laurel_benefits.domain.ids import LineId, PlanId
from laurel_benefits.domain.programs import EarningRules, Exclusions, RebateTerms

ONE_POINT = BASIS_POINTS_WHOLE
"""Ten-thousandths in a point: a rate of 1 basis point gives one of them for each fen."""


class Stage(StrEnum):
    """The stages in their published order. The names are the contract's."""

    BASE = "BASE"
    EXCLUSIONS = "EXCLUSIONS"
    TIER = "TIER"
    ITEM_CAP = "ITEM_CAP"
    TERM_CAP = "TERM_CAP"
    RISK = "RISK"
    ROUNDING = "ROUNDING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebate:
    """A running membership's rebate. `room_points` is what its term has left; None means no cap."""

    plan_id: PlanId
    terms: RebateTerms
    room_points: int | None

    def less(self, points: int) -> Rebate:
        """The same after so many points were granted."""
        if self.room_points is None:
            return self
        assert points <= self.room_points, "a term never grants more than its cap"
        return replace(self, room_points=self.room_points - points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What a line would earn, in ten-thousandths of a point."""

    base: int = 0
    rebate: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.base + self.rebate


NOTHING = Amounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """What one stage made of a line, in ten-thousandths of a point."""

    stage: Stage
    rule: str
    before: int
    after: int
    reason: ReasonCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEarning:
    """What one line earned, in points, and how that came about."""

    line_id: LineId
    base_points: int
    rebate_points: int
    trace: tuple[TraceEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCase:
    """A line with the money of it that may earn, and the rules that apply."""

    line: OrderLine
    base_fen: int
    rebate_fen: int
    invoice_type: str
    rules: EarningRules
    rebate: Rebate | None
    blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a stage made of the amounts, by which rule, and why it gave less than it might have."""

    amounts: Amounts
    rule: str
    reason: ReasonCode | None = None


def earn(
    order: OrderDraft, rules: EarningRules, rebate: Rebate | None, *, blocked: bool = False
) -> tuple[LineEarning, ...]:
    """What each line earns, in the order of the lines. Earlier lines use the term's room first.

    A blocked member earns nothing, and uses no room (B10).
    """
    base_fen = eligible_fen(order, rules.exclusions.eligible_payment_methods)
    rebate_fen = rebate_money(order, rebate)
    earnings: list[LineEarning] = []
    for line, for_base, for_rebate in zip(order.lines, base_fen, rebate_fen, strict=True):
        case = LineCase(
            line=line,
            base_fen=for_base,
            rebate_fen=for_rebate,
            invoice_type=order.invoice_type,
            rules=rules,
            rebate=rebate,
            blocked=blocked,
        )
        earnings.append(earn_line(case))
        rebate = rebate.less(earnings[-1].rebate_points) if rebate else None
    return tuple(earnings)


def rebate_money(order: OrderDraft, rebate: Rebate | None) -> list[int]:
    """The money of each line that may earn a rebate; none without one."""
    if rebate is None:
        return [0] * len(order.lines)
    return eligible_fen(order, rebate.terms.exclusions.eligible_payment_methods)


def eligible_fen(order: OrderDraft, methods: frozenset[str]) -> list[int]:
    """The money of each line that was paid by these means.

    A payment is for the whole order, freight included; so the money that counts is split over lines
    and freight in proportion to what they cost (X4).
    """
    counted = sum(each.amount_fen for each in order.payments if each.payment_method in methods)
    weights = [line.paid_fen for line in order.lines]
    return split_largest_remainder(counted, [*weights, order.freight_fen])[: len(weights)]


def earn_line(case: LineCase) -> LineEarning:
    """Take one line through all stages."""
    amounts, trace = NOTHING, []
    for stage, look in STAGES:
        outcome = look(case, amounts)
        if outcome is None:
            continue
        trace.append(
            TraceEntry(
                stage=stage,
                rule=outcome.rule,
                before=amounts.total,
                after=outcome.amounts.total,
                reason=outcome.reason,
            )
        )
        amounts = outcome.amounts
    return LineEarning(
        line_id=case.line.line_id,
        base_points=amounts.base // ONE_POINT,
        rebate_points=amounts.rebate // ONE_POINT,
        trace=tuple(trace),
    )


def base(case: LineCase, _: Amounts) -> Outcome:
    """Money that may earn, cut to a multiple of the step, times a rate (D2, D3, D5)."""
    profile = case.rules.profile
    if case.base_fen < profile.line_paid_min_fen:
        cheap = case.line.paid_fen < profile.line_paid_min_fen
        reason = ReasonCode.ITEM_TOO_CHEAP if cheap else ReasonCode.PAYMENT_EXCLUDED
        return Outcome(amounts=NOTHING, rule=profile.profile_id, reason=reason)
    counted = case.base_fen - case.base_fen % profile.step_fen
    amounts = Amounts(base=counted * profile.rates.of(case.line.category_id))
    return Outcome(
        amounts=amounts,
        rule=profile.profile_id,
        reason=payment_reason(case.base_fen, case.line.paid_fen),
    )


def exclusions(case: LineCase, _: Amounts) -> Outcome | None:
    """What the line is or how it was sold may earn no base points (D6)."""
    if word := excluded_word(case.line, case.rules.exclusions):
        return Outcome(amounts=NOTHING, rule=word, reason=ReasonCode.ITEM_EXCLUDED)
    return None


def tier(case: LineCase, amounts: Amounts) -> Outcome | None:
    """A rebate stands in for base points as long as its term has room (F3, F9, F10)."""
    if case.rebate is None:
        return None
    if case.rebate.room_points == 0:
        return Outcome(amounts=amounts, rule=case.rebate.plan_id, reason=ReasonCode.TERM_CAP)
    terms = case.rebate.terms
    if excluded := rebate_exclusion(case, terms.exclusions):
        word, reason = excluded
        kept = amounts if terms.base_when_excluded else NOTHING
        return Outcome(amounts=kept, rule=word, reason=reason)
    return Outcome(
        amounts=Amounts(rebate=case.rebate_fen * terms.rates.of(case.line.category_id)),
        rule=case.rebate.plan_id,
        reason=payment_reason(case.rebate_fen, case.line.paid_fen),
    )


def item_cap(case: LineCase, amounts: Amounts) -> Outcome | None:
    """The most base points one line may earn; a rebate is outside (D4)."""
    cap = case.rules.item_cap_points
    if cap is None or amounts.base <= cap * ONE_POINT:
        return None
    return Outcome(
        amounts=replace(amounts, base=cap * ONE_POINT),
        rule="item_cap_points",
        reason=ReasonCode.ITEM_CAP,
    )


def term_cap(case: LineCase, amounts: Amounts) -> Outcome | None:
    """The grant that crosses the term's cap is cut to what is left (F6, F9)."""
    room = case.rebate.room_points if case.rebate else None
    if room is None or amounts.rebate <= room * ONE_POINT:
        return None
    return Outcome(
        amounts=replace(amounts, rebate=room * ONE_POINT),
        rule="term_caps",
        reason=ReasonCode.TERM_CAP,
    )


def risk(case: LineCase, _: Amounts) -> Outcome | None:
    """A blocked member earns nothing (B10)."""
    if not case.blocked:
        return None
    return Outcome(amounts=NOTHING, rule="risk", reason=ReasonCode.RISK_BLOCKED)


def rounding(_: LineCase, amounts: Amounts) -> Outcome:
    """Down to whole points: the only rounding there is (X3)."""
    whole = Amounts(
        base=amounts.base - amounts.base % ONE_POINT,
        rebate=amounts.rebate - amounts.rebate % ONE_POINT,
    )
    return Outcome(amounts=whole, rule="floor")


def payment_reason(counted_fen: int, paid_fen: int) -> ReasonCode | None:
    """Why less money counted than was paid."""
    return ReasonCode.PAYMENT_EXCLUDED if counted_fen < paid_fen else None


def excluded_word(line: OrderLine, excluded: Exclusions) -> str:
    """The word of the line that is excluded, empty when none is."""
    if line.goods_class in excluded.goods_classes:
        return line.goods_class
    return line.sale_type if line.sale_type in excluded.sale_types else ""


def rebate_exclusion(case: LineCase, excluded: Exclusions) -> tuple[str, ReasonCode] | None:
    """What leaves the line without rebate: invoice (F5), the line itself (F2), money (F4)."""
    if case.invoice_type in excluded.invoice_types:
        return case.invoice_type, ReasonCode.INVOICE_EXCLUDED
    if word := excluded_word(case.line, excluded):
        return word, ReasonCode.ITEM_EXCLUDED
    if case.rebate_fen == 0 and case.line.paid_fen > 0:
        return "eligible_payment_methods", ReasonCode.PAYMENT_EXCLUDED
    return None


STAGES: tuple[tuple[Stage, Callable[[LineCase, Amounts], Outcome | None]], ...] = (
    (Stage.BASE, base),
    (Stage.EXCLUSIONS, exclusions),
    (Stage.TIER, tier),
    (Stage.ITEM_CAP, item_cap),
    (Stage.TERM_CAP, term_cap),
    (Stage.RISK, risk),
    (Stage.ROUNDING, rounding),
)
"""The published order. A further stage takes its place here."""
