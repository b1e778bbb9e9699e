"""The benefits section of a program: from the message to the model, or to every fault in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from google.type.date_pb2 import Date
from laurel.program.v1 import benefits_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program
from laurel_kit.programs.sections import ProgramFault, ProgramFaults

from laurel_benefits.domain.gate_terms import Birthday, MonthDays, ScoreSource, Window, YearDays
from laurel_benefits.domain.ids import BenefitId, ChannelId, FamilyId, PlanId, ScoreModelId
from laurel_benefits.domain.programs import (
    AmountBand,
    BaseProfile,
    Benefit,
    BenefitQuota,
    BenefitsProgram,
    BenefitStock,
    Channel,
    CheckInRules,
    EarningRules,
    Exclusions,
    MembershipPlan,
    PriceBand,
    QuotaPeriod,
    Rates,
    RebateTerms,
    RefundTerms,
    TermCap,
    TrialTerms,
    Vocabulary,
)
from laurel_benefits.wire.activity_rules import read_activities
from laurel_benefits.wire.campaigns import read_campaigns, read_points_cap
from laurel_benefits.wire.coupon_rules import read_coupon_rules, read_rate_off
from laurel_benefits.wire.gates import LevelPositions, level_positions, read_gate, read_source
from laurel_benefits.wire.make_ups import read_make_up
from laurel_benefits.wire.mall_rules import read_lotteries, read_mall
from laurel_benefits.wire.merchant_rules import read_merchants
from laurel_benefits.wire.orchard_rules import read_orchard
from laurel_benefits.wire.program_faults import faults_of
from laurel_benefits.wire.reminders import read_reminder_rules
from laurel_benefits.wire.risk_rules import read_risk_rules
from laurel_benefits.wire.spending import read_spending
from laurel_benefits.wire.wallet_rules import read_cash, read_wallet
from laurel_benefits.wire.win_back import read_win_back


class BenefitsSectionCompiler:
    """How a program becomes the model of this service."""

    name = "benefits"

    def compile(self, program: Program) -> BenefitsProgram:
        """The model the rules use. Raises ProgramFaults with everything wrong with the section."""
        if faults := [ProgramFault(path, message) for path, message in faults_of(program)]:
            raise ProgramFaults(faults)
        section = program.benefits
        levels = level_positions(program)
        days = publish_days(program)
        plans = [read_plan(plan, levels, days) for plan in section.membership_plans]
        benefits = [read_benefit(benefit, levels) for benefit in section.benefits]
        return BenefitsProgram(
            vocabulary=read_vocabulary(section.orders),
            earning=read_earning(section.earning),
            plans={plan.plan_id: plan for plan in plans},
            benefits={benefit.benefit_id: benefit for benefit in benefits},
            check_in=read_check_in(section) if section.HasField("check_in") else None,
            activities=(
                read_activities(section.activities, levels)
                if section.HasField("activities")
                else None
            ),
            risk=read_risk_rules(section.risk) if section.HasField("risk") else None,
            campaigns=read_campaigns(section.campaigns),
            reminders=read_reminder_rules(section),
            win_back=read_win_back(program) if section.HasField("win_back") else None,
            spending=read_spending(section.spending) if section.HasField("spending") else None,
            mall=read_mall(section.mall, levels) if section.HasField("mall") else None,
            lotteries=read_lotteries(section.lotteries),
            merchants=read_merchants(program) if section.HasField("merchants") else None,
            wallet=read_wallet(section.wallet) if section.HasField("wallet") else None,
            orchard=read_orchard(section.orchard) if section.HasField("orchard") else None,
            coupons=(
                read_coupon_rules(section.coupons, levels) if section.HasField("coupons") else None
            ),
        )


SECTION = BenefitsSectionCompiler()
"""The one compiler; the kit shares a registry of revisions by it."""


def read_vocabulary(message: pb.OrderVocabulary) -> Vocabulary:
    """The words of orders; a line that names no sale type has the first one."""
    return Vocabulary(
        payment_methods=frozenset(message.payment_methods),
        goods_classes=frozenset(message.goods_classes),
        sale_types=frozenset(message.sale_types),
        sale_type_default=next(iter(message.sale_types), ""),
        invoice_types=frozenset(message.invoice_types),
    )


def read_earning(message: pb.EarningRules) -> EarningRules:
    """What an order earns, with the base profile in force."""
    profiles = {profile.profile_id: profile for profile in message.base_profiles}
    return EarningRules(
        asset_id=message.asset_id,
        funding_account_id=message.funding_account_id,
        profile=read_profile(profiles[message.base_profile_id]),
        exclusions=Exclusions(
            eligible_payment_methods=frozenset(message.eligible_payment_methods),
            goods_classes=frozenset(message.excluded_goods_classes),
            sale_types=frozenset(message.excluded_sale_types),
        ),
        item_cap_points=message.item_cap_points or None,
        order_cap_points=message.order_cap_points or None,
        period_caps=tuple(read_points_cap(cap) for cap in message.period_caps),
        grant_delay=message.grant_delay.ToTimedelta(),
    )


def read_profile(message: pb.BaseProfile) -> BaseProfile:
    """A way to compute base points."""
    return BaseProfile(
        profile_id=message.profile_id,
        line_paid_min_fen=message.line_paid_min_fen,
        step_fen=message.step_fen,
        rates=replace(
            read_rates(message.default_rate_bps, message.category_rates),
            by_class={
                word: group.rate_bps
                for group in message.goods_class_rates
                for word in group.goods_classes
            },
        ),
    )


def read_rates(default_bps: int, groups: Sequence[pb.CategoryRate]) -> Rates:
    """Rates by category."""
    by_category = {name: group.rate_bps for group in groups for name in group.categories}
    return Rates(default_bps=default_bps, by_category=by_category)


def publish_days(program: Program) -> dict[str, int]:
    """The day of a month on which each model that is settled is published."""
    return {
        model.model_id: model.settlement.day_of_month
        for model in program.scoring.models
        if model.HasField("settlement")
    }


def read_plan(
    message: pb.MembershipPlan, levels: LevelPositions, days: Mapping[str, int]
) -> MembershipPlan:
    """A membership that is sold or tried."""
    published = read_source(message.score_source) is not ScoreSource.LIVE
    return MembershipPlan(
        plan_id=PlanId(message.plan_id),
        display_name=message.display_name,
        term_days=message.term_days,
        score_model_id=ScoreModelId(message.score_model_id),
        score_source=read_source(message.score_source),
        gate=read_gate(message.gate, message.score_model_id, levels),
        price_bands=read_price_bands(message.price_bands),
        quote_lifetime=message.quote_lifetime.ToTimedelta(),
        rebate=read_rebate(message.rebate) if message.HasField("rebate") else None,
        family_id=FamilyId(message.family_id or message.plan_id),
        trial=read_trial(message.trial) if message.HasField("trial") else None,
        channels=tuple(read_channel(channel) for channel in message.channels),
        refund=read_refund(message.refund) if message.HasField("refund") else None,
        point_value_fen=message.point_value_fen,
        publish_day=days.get(message.score_model_id) if published else None,
        invoice_types=tuple(message.invoice_types),
    )


def read_price_bands(messages: Sequence[pb.PriceBand]) -> tuple[PriceBand, ...]:
    """Prices by score."""
    return tuple(
        PriceBand(score_from=band.score_from, price_fen=band.price_fen) for band in messages
    )


def read_channel(message: pb.MembershipChannel) -> Channel:
    """Another way to buy a plan."""
    return Channel(
        channel_id=ChannelId(message.channel_id),
        display_name=message.display_name,
        price_bands=read_price_bands(message.price_bands),
        partner_points=message.partner_points,
        reference_once=message.reference_once,
    )


def read_refund(message: pb.RefundTerms) -> RefundTerms:
    """What comes back when a term is cancelled."""
    return RefundTerms(within_days=message.within_days)


def read_trial(message: pb.TrialTerms) -> TrialTerms:
    """What makes a plan a trial."""
    return TrialTerms(release_days=message.release_days)


def read_rebate(message: pb.RebateTerms) -> RebateTerms:
    """What a membership gives back."""
    return RebateTerms(
        funding_account_id=message.funding_account_id,
        rates=read_rates(message.default_rate_bps, message.category_rates),
        exclusions=Exclusions(
            eligible_payment_methods=frozenset(message.eligible_payment_methods),
            goods_classes=frozenset(message.excluded_goods_classes),
            sale_types=frozenset(message.excluded_sale_types),
            invoice_types=frozenset(message.excluded_invoice_types),
        ),
        base_when_excluded=message.base_when_excluded,
        term_caps=tuple(read_term_caps(message.term_caps)),
    )


def read_term_caps(messages: Sequence[pb.TermCap]) -> Iterator[TermCap]:
    """Caps by date of purchase."""
    for message in messages:
        dated = message.HasField("purchased_before")
        yield TermCap(
            purchased_before=read_date(message.purchased_before) if dated else None,
            cap_points=message.cap_points,
        )


def read_date(message: Date) -> date:
    """A civil date."""
    return date(message.year, message.month, message.day)


def read_benefit(message: pb.Benefit, levels: LevelPositions) -> Benefit:
    """Something a member may have."""
    return Benefit(
        benefit_id=BenefitId(message.benefit_id),
        display_name=message.display_name,
        score_model_id=ScoreModelId(message.score_model_id),
        score_source=read_source(message.score_source),
        gate=read_gate(message.gate, message.score_model_id, levels),
        window=read_window(message.window),
        quota=read_quota(message.quota) if message.HasField("quota") else None,
        amount_bands=tuple(read_amount_bands(message)),
        order_min_fen=message.order_min_fen,
        stock=read_stock(message.stock) if message.HasField("stock") else None,
        membership_channels=tuple(ChannelId(each) for each in message.membership_channels),
        rate_off=read_rate_off(message.rate_off) if message.HasField("rate_off") else None,
        use_lifetime=(
            message.use_lifetime.ToTimedelta() if message.HasField("use_lifetime") else None
        ),
        shop_ids=frozenset(message.shop_ids),
    )


def read_check_in(section: pb.BenefitsSection) -> CheckInRules:
    """What checking in gives."""
    message = section.check_in
    return CheckInRules(
        asset_id=message.asset_id,
        funding_account_id=message.funding_account_id,
        ladder_points=tuple(message.ladder_points),
        cash=read_cash(section),
        kind=message.kind,
        make_up=read_make_up(message.make_up) if message.HasField("make_up") else None,
    )


def read_quota(message: pb.BenefitQuota) -> BenefitQuota:
    """How often a benefit may be used."""
    name = pb.QuotaPeriod.Name(message.period).removeprefix("QUOTA_PERIOD_")
    return BenefitQuota(limit=message.limit, period=QuotaPeriod(name))


def read_stock(message: pb.BenefitStock) -> BenefitStock:
    """How often all members together may use a benefit."""
    name = pb.QuotaPeriod.Name(message.period).removeprefix("QUOTA_PERIOD_")
    return BenefitStock(limit=message.limit, period=QuotaPeriod(name))


def read_amount_bands(message: pb.Benefit) -> Iterator[AmountBand]:
    """What a benefit takes off by score; an amount that is the same for all is one band."""
    if message.amount_off_fen:
        yield AmountBand(score_from=0, amount_off_fen=message.amount_off_fen)
    for band in message.amount_bands:
        yield AmountBand(score_from=band.score_from, amount_off_fen=band.amount_off_fen)


def read_window(message: pb.BenefitWindow) -> Window | None:
    """When a benefit may be had."""
    match message.WhichOneof("window"):
        case "month_days":
            days = message.month_days
            return MonthDays(first_day=days.first_day, last_day=days.last_day)
        case "birthday":
            return Birthday()
        case "year_days":
            first, last = message.year_days.first_day, message.year_days.last_day
            return YearDays(first_day=(first.month, first.day), last_day=(last.month, last.day))
    return None
