"""What an order earns: every line goes through the same stages, and is rounded once, at the end.

Amounts on the way are ten-thousandths of a point: fen times basis points, exact integers. The list
of stages is open; each looks at what the one before left and says what it made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from zoneinfo import ZoneInfo

from laurel_kit.calendar import business_day
from laurel_kit.values import split_largest_remainder

from laurel_benefits.domain.amounts import NOTHING, ONE_POINT, Amounts, Bonus
from laurel_benefits.domain.bonuses import Campaign
from laurel_benefits.domain.decisions import ReasonCode
from laurel_benefits.domain.drafts import OrderDraft, OrderLine
from laurel_benefits.domain.ids import CampaignId, LineId, PlanId
from laurel_benefits.domain.programs import BenefitsProgram, EarningRules, Exclusions, RebateTerms
from laurel_benefits.domain.rooms import Room, RoomKind


class Stage(StrEnum):
    """The stages in their published order. The names are the contract's."""

    BASE = "BASE"
    EXCLUSIONS = "EXCLUSIONS"
    TIER = "TIER"
    CAMPAIGN = "CAMPAIGN"
    ITEM_CAP = "ITEM_CAP"
    ORDER_CAP = "ORDER_CAP"
    PERIOD_CAP = "PERIOD_CAP"
    TERM_CAP = "TERM_CAP"
    BUDGET = "BUDGET"
    FUNDS = "FUNDS"
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
class TraceEntry:
    """What one stage made of a line, in ten-thousandths of a point."""

    stage: Stage
    rule: str
    before: int
    after: int
    reason: ReasonCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPoints:
    """What a campaign gave a line, in points above zero."""

    campaign_id: CampaignId
    funding_account_id: str
    merchant_funded: bool
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEarning:
    """What one line earned, in points, and how that came about."""

    line_id: LineId
    base_points: int
    rebate_points: int
    trace: tuple[TraceEntry, ...]
    campaigns: tuple[CampaignPoints, ...] = ()

    @property
    def capped_points(self) -> int:
        """What the cap of the item covers: everything but the rebate (D4)."""
        return self.base_points + sum(each.points for each in self.campaigns)

    def within(self, room: Room) -> int:
        """The points of it that a room covers."""
        bonuses = sum(
            each.points
            for each in self.campaigns
            if room.covers(each.campaign_id, each.funding_account_id)
        )
        return bonuses + self.base_points if room.covers_base else bonuses


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningTerms:
    """What is the same for all lines of an order."""

    rules: EarningRules
    campaigns: tuple[Campaign, ...] = ()
    """Those the order may earn by, in the order of the program."""
    rebate: Rebate | None = None
    rooms: tuple[Room, ...] = ()
    guard: Guard | None = None
    """What keeps the order from earning anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Why a member earns nothing now, and by which rule."""

    rule: str
    reason: ReasonCode


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCase:
    """A line with the money of it that may earn, and the rules that apply."""

    line: OrderLine
    base_fen: int
    rebate_fen: int
    invoice_type: str
    terms: EarningTerms
    rebate: Rebate | None
    rooms: tuple[Room, ...]

    @property
    def rules(self) -> EarningRules:
        """What the program says of base points and caps."""
        return self.terms.rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a stage made of the amounts, by which rule, and why it gave less than it might have."""

    amounts: Amounts
    rule: str
    reason: ReasonCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings:
    """What each line earns, and what caps and budgets have left after it."""

    lines: tuple[LineEarning, ...]
    rooms: tuple[Room, ...]


Look = Callable[[LineCase, Amounts], Iterator[Outcome]]
"""A stage: what each of its rules makes of what the one before left."""


def earn(order: OrderDraft, terms: EarningTerms) -> Earnings:
    """What each line earns, in the order of the lines. Earlier lines use what caps leave first.

    A blocked member, and one that is too fast, earns nothing and uses no room (B10).
    """
    base_fen = eligible_fen(order, terms.rules.exclusions.eligible_payment_methods)
    rebate_fen = rebate_money(order, terms.rebate)
    earnings: list[LineEarning] = []
    rebate, rooms = terms.rebate, terms.rooms
    for line, for_base, for_rebate in zip(order.lines, base_fen, rebate_fen, strict=True):
        case = LineCase(
            line=line,
            base_fen=for_base,
            rebate_fen=for_rebate,
            invoice_type=order.invoice_type,
            terms=terms,
            rebate=rebate,
            rooms=rooms,
        )
        earned = earn_line(case)
        earnings.append(earned)
        rebate = rebate.less(earned.rebate_points) if rebate else None
        given = {each.campaign_id: each.points for each in earned.campaigns}
        rooms = tuple(
            room.less(given.get(room.campaign_id, 0) if room.campaign_id else earned.within(room))
            for room in rooms
        )
    return Earnings(lines=tuple(earnings), rooms=rooms)


def running_campaigns(
    program: BenefitsProgram, order: OrderDraft, *, plans: Iterable[PlanId], zone: ZoneInfo
) -> tuple[Campaign, ...]:
    """The campaigns an order may earn by, as of when it was placed."""
    day = business_day(order.order_time, zone)
    paid_fen = sum(line.paid_fen for line in order.lines)
    held = tuple(plans)
    return tuple(
        each
        for each in program.campaigns.values()
        if each.schedule.holds(day)
        and each.scope.takes_order(paid_fen, held)
        and any(takes(each, line) for line in order.lines)
    )


def takes(campaign: Campaign, line: OrderLine) -> bool:
    """Whether a campaign is for a line."""
    return campaign.scope.takes_line(category_id=line.category_id, shop_id=line.shop_id)


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
    amounts, total = NOTHING, 0
    trace: list[TraceEntry] = []
    for stage, look in STAGES:
        for outcome in look(case, amounts):
            after = total if outcome.amounts is amounts else outcome.amounts.total
            entry = TraceEntry(
                stage=stage, rule=outcome.rule, before=total, after=after, reason=outcome.reason
            )
            trace.append(entry)
            amounts, total = outcome.amounts, after
    return LineEarning(
        line_id=case.line.line_id,
        base_points=amounts.base // ONE_POINT,
        rebate_points=amounts.rebate // ONE_POINT,
        trace=tuple(trace),
        campaigns=tuple(
            CampaignPoints(
                campaign_id=bonus.campaign.campaign_id,
                funding_account_id=bonus.campaign.funding_account_id,
                merchant_funded=bonus.campaign.merchant_funded,
                points=bonus.amount // ONE_POINT,
            )
            for bonus in amounts.bonuses
            if bonus.amount
        ),
    )


def base(case: LineCase, _: Amounts) -> Iterator[Outcome]:
    """Money that may earn, cut to a multiple of the step, times a rate (D2, D3, D5)."""
    profile = case.rules.profile
    if case.base_fen < profile.line_paid_min_fen:
        cheap = case.line.paid_fen < profile.line_paid_min_fen
        reason = ReasonCode.ITEM_TOO_CHEAP if cheap else ReasonCode.PAYMENT_EXCLUDED
        yield Outcome(amounts=NOTHING, rule=profile.profile_id, reason=reason)
        return
    counted = case.base_fen - case.base_fen % profile.step_fen
    points = counted * profile.rates.of_goods(case.line.category_id, case.line.goods_class)
    yield Outcome(
        amounts=Amounts(ordinary=points, base=points),
        rule=profile.profile_id,
        reason=payment_reason(case.base_fen, case.line.paid_fen),
    )


def exclusions(case: LineCase, _: Amounts) -> Iterator[Outcome]:
    """What the line is or how it was sold may earn no base points (D6)."""
    if word := excluded_word(case.line, case.rules.exclusions):
        yield Outcome(amounts=NOTHING, rule=word, reason=ReasonCode.ITEM_EXCLUDED)


def tier(case: LineCase, amounts: Amounts) -> Iterator[Outcome]:
    """A rebate stands in for base points as long as its term has room (F3, F9, F10)."""
    if case.rebate is None:
        return
    if case.rebate.room_points == 0:
        yield Outcome(amounts=amounts, rule=case.rebate.plan_id, reason=ReasonCode.TERM_CAP)
        return
    terms = case.rebate.terms
    if excluded := rebate_exclusion(case, terms.exclusions):
        word, reason = excluded
        kept = amounts if terms.base_when_excluded else replace(amounts, base=0)
        yield Outcome(amounts=kept, rule=word, reason=reason)
        return
    rebate = case.rebate_fen * terms.rates.of(case.line.category_id)
    yield Outcome(
        amounts=replace(amounts, base=0, rebate=rebate),
        rule=case.rebate.plan_id,
        reason=payment_reason(case.rebate_fen, case.line.paid_fen),
    )


def campaigns(case: LineCase, amounts: Amounts) -> Iterator[Outcome]:
    """What campaigns add: all that have no group, and the best one of each group (H3).

    What earns no base points by what it is or how it was paid earns no bonus either (D6).
    """
    if not amounts.ordinary:
        return
    added = [
        Bonus(
            campaign=each,
            amount=each.amount(base=amounts.ordinary, money_fen=case.base_fen),
        )
        for each in case.terms.campaigns
        if takes(each, case.line)
    ]
    best = best_of_groups(added)
    for bonus in added:
        if best.get(bonus.campaign.stack_group, bonus) is not bonus:
            reason: ReasonCode | None = ReasonCode.EXCLUSIVE_GROUP
        else:
            reason = None
            amounts = amounts.with_bonus(bonus)
        yield Outcome(amounts=amounts, rule=bonus.campaign.campaign_id, reason=reason)


def best_of_groups(bonuses: Iterable[Bonus]) -> dict[str, Bonus]:
    """The best bonus of each group; of two that are as good, the one declared before."""
    best: dict[str, Bonus] = {}
    for bonus in bonuses:
        group = bonus.campaign.stack_group
        if group and (group not in best or bonus.amount > best[group].amount):
            best[group] = bonus
    return best


def item_cap(case: LineCase, amounts: Amounts) -> Iterator[Outcome]:
    """The most points one line may earn; a rebate is outside (D4)."""
    cap = case.rules.item_cap_points
    if cap is not None and amounts.capped > cap * ONE_POINT:
        yield Outcome(
            amounts=amounts.less(amounts.capped - cap * ONE_POINT),
            rule="item_cap_points",
            reason=ReasonCode.ITEM_CAP,
        )


def room_of(kind: RoomKind) -> Look:
    """The stage that cuts to what caps, budgets or merchants have left."""

    def cut(case: LineCase, amounts: Amounts) -> Iterator[Outcome]:
        given = amounts.by_campaign()
        for room in case.rooms:
            if room.kind is not kind:
                continue
            # Most rooms are of one campaign each: nothing has to be added up for them.
            if room.campaign_id is None or room.account_id:
                covered = amounts.within(room)
            else:
                covered = given.get(room.campaign_id, 0)
            excess = covered - room.left_points * ONE_POINT
            if excess > 0:
                amounts = amounts.less(excess, room)
                given = amounts.by_campaign()
                yield Outcome(amounts=amounts, rule=room.rule, reason=kind.reason)

    return cut


def term_cap(case: LineCase, amounts: Amounts) -> Iterator[Outcome]:
    """The grant that crosses the term's cap is cut to what is left (F6, F9)."""
    room = case.rebate.room_points if case.rebate else None
    if room is not None and amounts.rebate > room * ONE_POINT:
        yield Outcome(
            amounts=replace(amounts, rebate=room * ONE_POINT),
            rule="term_caps",
            reason=ReasonCode.TERM_CAP,
        )


def risk(case: LineCase, _: Amounts) -> Iterator[Outcome]:
    """A blocked member earns nothing, nor does one whose orders come too fast (B10)."""
    guard = case.terms.guard
    if guard:
        yield Outcome(amounts=NOTHING, rule=guard.rule, reason=guard.reason)


def rounding(_: LineCase, amounts: Amounts) -> Iterator[Outcome]:
    """Down to whole points, each kind by itself: the only rounding there is (X3)."""
    yield Outcome(amounts=amounts.whole(), rule="floor")


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


STAGES: tuple[tuple[Stage, Look], ...] = (
    (Stage.BASE, base),
    (Stage.EXCLUSIONS, exclusions),
    (Stage.TIER, tier),
    (Stage.CAMPAIGN, campaigns),
    (Stage.ITEM_CAP, item_cap),
    (Stage.ORDER_CAP, room_of(RoomKind.ORDER_CAP)),
    (Stage.PERIOD_CAP, room_of(RoomKind.PERIOD_CAP)),
    (Stage.TERM_CAP, term_cap),
    (Stage.BUDGET, room_of(RoomKind.BUDGET)),
    (Stage.FUNDS, room_of(RoomKind.FUNDS)),
    (Stage.RISK, risk),
    (Stage.ROUNDING, rounding),
)
"""The published order. A further stage takes its place here."""
