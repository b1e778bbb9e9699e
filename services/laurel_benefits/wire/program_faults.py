"""Every fault of the benefits section that its contract cannot see: between fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from laurel.program.v1 import benefits_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.program_checks import (
    Fault,
    bands_with_gaps,
    caps_out_of_order,
    impossible_date,
    not_one_of,
    rated_twice,
    repeated,
    undeclared,
)
from laurel_benefits.wire.activity_rules import activity_faults
from laurel_benefits.wire.campaigns import campaign_faults, cap_faults
from laurel_benefits.wire.coupon_rules import coupon_faults
from laurel_benefits.wire.mall_rules import lotteries_faults, mall_faults
from laurel_benefits.wire.merchant_rules import merchant_faults
from laurel_benefits.wire.orchard_rules import orchard_faults
from laurel_benefits.wire.reference_faults import (
    asset_faults,
    funding_faults,
    gate_faults,
    model_faults,
)
from laurel_benefits.wire.reminders import reminder_faults
from laurel_benefits.wire.risk_rules import risk_faults
from laurel_benefits.wire.spending import spending_faults
from laurel_benefits.wire.wallet_rules import wallet_faults
from laurel_benefits.wire.win_back import win_back_faults


def faults_of(program: Program) -> Iterator[Fault]:
    """Everything wrong with the section, with the paths of the file."""
    section = program.benefits
    yield from vocabulary_faults(program)
    yield from earning_faults(program)
    plan_ids = [plan.plan_id for plan in section.membership_plans]
    yield from repeated("benefits.membership_plans", "plan_id", plan_ids)
    for position, plan in enumerate(section.membership_plans):
        yield from plan_faults(program, plan, f"benefits.membership_plans[{position}]")
    benefit_ids = [benefit.benefit_id for benefit in section.benefits]
    yield from repeated("benefits.benefits", "benefit_id", benefit_ids)
    for position, benefit in enumerate(section.benefits):
        yield from benefit_faults(program, benefit, f"benefits.benefits[{position}]")
    yield from campaign_faults(section.campaigns, plan_ids, "benefits.campaigns")
    for position, campaign in enumerate(section.campaigns):
        place = f"benefits.campaigns[{position}].funding_account_id"
        yield from funding_faults(program, place, campaign.funding_account_id)
    if section.HasField("spending"):
        yield from spending_faults(program, "benefits.spending")
    yield from reminder_faults(program, "benefits.reminders")
    yield from win_back_faults(program, "benefits.win_back")
    if section.HasField("check_in"):
        yield from check_in_faults(program, "benefits.check_in")
    yield from wallet_faults(program)
    if section.HasField("orchard"):
        yield from orchard_faults(program)
    if section.HasField("coupons"):
        yield from coupon_faults(program)
    if section.HasField("mall"):
        yield from mall_faults(program)
    yield from lotteries_faults(program)
    if section.HasField("merchants"):
        yield from merchant_faults(program)
    yield from activity_faults(program)
    yield from risk_faults(program)


def vocabulary_faults(program: Program) -> Iterator[Fault]:
    """Scoring refuses a purchase with a word of which it does not know."""
    orders, known = program.benefits.orders, program.scoring.vocabulary
    yield from undeclared(
        "benefits.orders.goods_classes",
        orders.goods_classes,
        known.goods_classes,
        what="goods class of scoring.vocabulary",
    )
    yield from undeclared(
        "benefits.orders.payment_methods",
        orders.payment_methods,
        known.payment_methods,
        what="payment method of scoring.vocabulary",
    )


def earning_faults(program: Program) -> Iterator[Fault]:
    """Faults of what an order earns."""
    earning, path = program.benefits.earning, "benefits.earning"
    yield from asset_faults(program, f"{path}.asset_id", earning.asset_id)
    yield from funding_faults(program, f"{path}.funding_account_id", earning.funding_account_id)
    profile_ids = [profile.profile_id for profile in earning.base_profiles]
    yield from repeated(f"{path}.base_profiles", "profile_id", profile_ids)
    yield from not_one_of(
        f"{path}.base_profile_id", earning.base_profile_id, profile_ids, what="base profile"
    )
    for position, profile in enumerate(earning.base_profiles):
        place = f"{path}.base_profiles[{position}].category_rates"
        yield from rated_twice(place, [group.categories for group in profile.category_rates])
        place = f"{path}.base_profiles[{position}].goods_class_rates"
        yield from class_rate_faults(program, profile.goods_class_rates, place)
    yield from exclusion_faults(program, earning, path)
    yield from cap_faults(earning.period_caps, f"{path}.period_caps")


def class_rate_faults(
    program: Program, groups: Sequence[pb.GoodsClassRate], path: str
) -> Iterator[Fault]:
    """Classes that orders do not have, or that have two rates."""
    seen: set[str] = set()
    for position, group in enumerate(groups):
        place = f"{path}[{position}].goods_classes"
        known = program.benefits.orders.goods_classes
        yield from undeclared(place, group.goods_classes, known, what="goods class")
        for index, word in enumerate(group.goods_classes):
            if word in seen:
                yield f"{place}[{index}]", f"{word} has a rate already"
            seen.add(word)


def check_in_faults(program: Program, path: str) -> Iterator[Fault]:
    """Faults of what checking in gives."""
    rules = program.benefits.check_in
    yield from asset_faults(program, f"{path}.asset_id", rules.asset_id)
    yield from funding_faults(program, f"{path}.funding_account_id", rules.funding_account_id)
    if rules.kind:
        known = program.scoring.vocabulary.engagement_kinds
        what = "engagement kind of scoring.vocabulary"
        yield from not_one_of(f"{path}.kind", rules.kind, known, what=what)


def exclusion_faults(
    program: Program, message: pb.EarningRules | pb.RebateTerms, path: str
) -> Iterator[Fault]:
    """Words that orders do not have."""
    orders = program.benefits.orders
    lists: Sequence[tuple[str, Sequence[str], Sequence[str], str]] = (
        (
            "eligible_payment_methods",
            message.eligible_payment_methods,
            orders.payment_methods,
            "payment method",
        ),
        (
            "excluded_goods_classes",
            message.excluded_goods_classes,
            orders.goods_classes,
            "goods class",
        ),
        ("excluded_sale_types", message.excluded_sale_types, orders.sale_types, "sale type"),
    )
    for name, words, declared, what in lists:
        yield from undeclared(f"{path}.{name}", words, declared, what=what)


def plan_faults(program: Program, plan: pb.MembershipPlan, path: str) -> Iterator[Fault]:
    """Faults of a membership plan."""
    model_id, source = plan.score_model_id, plan.score_source
    yield from model_faults(program, model_id, path, source=source)
    yield from gate_faults(program, plan.gate, model_id, f"{path}.gate", source=source)
    starts = [band.score_from for band in plan.price_bands]
    yield from bands_with_gaps(f"{path}.price_bands", starts)
    if plan.HasField("trial") and any(band.price_fen for band in plan.price_bands):
        yield f"{path}.price_bands", "a trial has no price but 0"
    if plan.HasField("trial") and plan.channels:
        yield f"{path}.channels", "a trial is not sold"
    channel_ids = [channel.channel_id for channel in plan.channels]
    yield from repeated(f"{path}.channels", "channel_id", channel_ids)
    for position, channel in enumerate(plan.channels):
        starts = [band.score_from for band in channel.price_bands]
        yield from bands_with_gaps(f"{path}.channels[{position}].price_bands", starts)
    yield from undeclared(
        f"{path}.invoice_types",
        plan.invoice_types,
        program.benefits.orders.invoice_types,
        what="invoice type",
    )
    if plan.HasField("rebate"):
        yield from rebate_faults(program, plan.rebate, f"{path}.rebate")


def rebate_faults(program: Program, rebate: pb.RebateTerms, path: str) -> Iterator[Fault]:
    """Faults of a rebate."""
    yield from funding_faults(program, f"{path}.funding_account_id", rebate.funding_account_id)
    groups = [group.categories for group in rebate.category_rates]
    yield from rated_twice(f"{path}.category_rates", groups)
    yield from exclusion_faults(program, rebate, path)
    yield from undeclared(
        f"{path}.excluded_invoice_types",
        rebate.excluded_invoice_types,
        program.benefits.orders.invoice_types,
        what="invoice type",
    )
    wrong = list(date_faults(rebate, f"{path}.term_caps"))
    yield from wrong
    if not wrong:
        yield from caps_out_of_order(f"{path}.term_caps", list(days_of(rebate)))


def date_faults(rebate: pb.RebateTerms, path: str) -> Iterator[Fault]:
    """Dates no calendar has."""
    for position, cap in enumerate(rebate.term_caps):
        if cap.HasField("purchased_before"):
            day = cap.purchased_before
            place = f"{path}[{position}].purchased_before"
            yield from impossible_date(place, day.year, day.month, day.day)


def days_of(rebate: pb.RebateTerms) -> Iterator[date | None]:
    """The days of the caps; their dates exist."""
    for cap in rebate.term_caps:
        day = cap.purchased_before
        dated = cap.HasField("purchased_before")
        yield date(day.year, day.month, day.day) if dated else None


def benefit_faults(program: Program, benefit: pb.Benefit, path: str) -> Iterator[Fault]:
    """Faults of a benefit."""
    model_id, source = benefit.score_model_id, benefit.score_source
    yield from model_faults(program, model_id, path, source=source)
    yield from gate_faults(program, benefit.gate, model_id, f"{path}.gate", source=source)
    days = benefit.window.month_days
    if benefit.window.HasField("month_days") and days.last_day < days.first_day:
        yield f"{path}.window.month_days.last_day", "must not be before first_day"
    channels = [
        channel.channel_id
        for plan in program.benefits.membership_plans
        if plan.plan_id in benefit.gate.membership_plans
        for channel in plan.channels
    ]
    what = "channel of a plan in the gate"
    sold_by = benefit.membership_channels
    yield from undeclared(f"{path}.membership_channels", sold_by, channels, what=what)
    span = benefit.window.year_days
    if (span.last_day.month, span.last_day.day) < (span.first_day.month, span.first_day.day):
        yield f"{path}.window.year_days.last_day", "must not be before first_day"
    if benefit.amount_bands and benefit.amount_off_fen:
        yield f"{path}.amount_off_fen", "amount_bands say what it takes off"
    if benefit.HasField("rate_off") and (benefit.amount_bands or benefit.amount_off_fen):
        yield f"{path}.rate_off", "an amount says what it takes off"
    starts = [band.score_from for band in benefit.amount_bands]
    yield from bands_with_gaps(f"{path}.amount_bands", starts)
    if (
        benefit.quota.period == pb.QuotaPeriod.QUOTA_PERIOD_TERM
        and not benefit.gate.membership_plans
    ):
        yield f"{path}.quota.period", "a term needs a membership plan in the gate"
