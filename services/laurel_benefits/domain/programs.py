"""A program as the rules of this service see it: every number they use comes from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from laurel_benefits.domain.activity_rules import ActivityRules
from laurel_benefits.domain.bonuses import Campaign, PointsCap
from laurel_benefits.domain.coupon_rules import CouponRules, RateOff
from laurel_benefits.domain.dormancy import WinBackRules
from laurel_benefits.domain.gate_terms import Gate, ScoreSource, Window
from laurel_benefits.domain.ids import (
    BenefitId,
    CampaignId,
    ChannelId,
    FamilyId,
    LotteryId,
    PlanId,
    ScoreModelId,
)
from laurel_benefits.domain.lottery_rules import Lottery
from laurel_benefits.domain.make_up_rules import MakeUpRules
from laurel_benefits.domain.mall_rules import MallRules
from laurel_benefits.domain.merchant_rules import MerchantRules
from laurel_benefits.domain.orchard_rules import Orchard
from laurel_benefits.domain.reminders import ReminderRules
from laurel_benefits.domain.risk_rules import RiskRules
from laurel_benefits.domain.wallet_rules import CashRules, WalletRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words an order may use. Categories are free: one that no rule names has default rates."""

    payment_methods: frozenset[str]
    goods_classes: frozenset[str]
    sale_types: frozenset[str]
    sale_type_default: str
    invoice_types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Points for 10,000 fen, by category or goods class."""

    default_bps: int
    by_category: Mapping[str, int] = field(default_factory=dict)
    by_class: Mapping[str, int] = field(default_factory=dict)
    """Of goods classes, whatever the category."""

    def of_goods(self, category: str, goods_class: str) -> int:
        """The rate of goods of a class, in basis points (J8)."""
        return self.by_class.get(goods_class, self.of(category))

    @property
    def lowest_bps(self) -> int:
        """The lowest rate of any category."""
        return min([self.default_bps, *self.by_category.values()])

    @property
    def highest_bps(self) -> int:
        """The highest rate of any category."""
        return max([self.default_bps, *self.by_category.values()])

    def of(self, category: str) -> int:
        """The rate of a category, in basis points."""
        return self.by_category.get(category, self.default_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseProfile:
    """A way to compute base points (D2, D3): money cut to a multiple of a step, times a rate."""

    profile_id: str
    line_paid_min_fen: int
    step_fen: int
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """What earns nothing, and whose money does, of base or rebate (D5, D6, F2, F4, F5)."""

    eligible_payment_methods: frozenset[str]
    goods_classes: frozenset[str]
    sale_types: frozenset[str]
    invoice_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningRules:
    """What an order earns."""

    asset_id: str
    funding_account_id: str
    profile: BaseProfile
    exclusions: Exclusions
    item_cap_points: int | None
    """Most points of one line, its rebate apart (D4); none where there is no cap."""
    order_cap_points: int | None = None
    """Most points of one order, its rebate apart."""
    period_caps: tuple[PointsCap, ...] = ()
    """Most points of a member by orders, rebates apart."""
    grant_delay: timedelta = timedelta(0)
    """How long after its completion an order is paid (D10, F11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCap:
    """Most points of a term bought before a business day; the last one has no day (F7)."""

    purchased_before: date | None
    cap_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RebateTerms:
    """What a membership gives back for what its member pays (F1 to F10)."""

    funding_account_id: str
    rates: Rates
    exclusions: Exclusions
    base_when_excluded: bool
    term_caps: tuple[TermCap, ...]

    def cap_of(self, purchase_day: date) -> int | None:
        """Most points of a term bought on that day; "before" is strict (F7). None means no cap."""
        for cap in self.term_caps:
            if cap.purchased_before is None or purchase_day < cap.purchased_before:
                return cap.cap_points
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """A price from a score on, up to the next band (F19)."""

    score_from: int
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTerms:
    """What makes a plan a trial: its rebate is frozen, and a purchase in time releases it (F14)."""

    release_days: int
    """Business days after the last one of the trial in which a purchase is in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """What comes back when a term is cancelled: its price less what was had of it."""

    within_days: int
    """Business days of the term in which something comes back, the first one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Another way to buy a plan, with a price of its own (F24)."""

    channel_id: ChannelId
    display_name: str
    price_bands: tuple[PriceBand, ...]
    partner_points: int
    """Points of the partner that are taken beside the money, by whoever takes the money."""
    reference_once: bool
    """Whether a purchase names something that buys once, such as a gift code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipPlan:
    """A membership that is sold, or tried, for a term."""

    plan_id: PlanId
    display_name: str
    term_days: int
    score_model_id: ScoreModelId
    score_source: ScoreSource
    gate: Gate
    price_bands: tuple[PriceBand, ...]
    quote_lifetime: timedelta
    rebate: RebateTerms | None
    family_id: FamilyId
    """The plans that are one membership with different terms."""
    trial: TrialTerms | None = None
    """None where it is sold."""
    channels: tuple[Channel, ...] = ()
    refund: RefundTerms | None = None
    """None where nothing comes back (F21)."""
    point_value_fen: int = 0
    """What a point of the rebate is worth."""
    publish_day: int | None = None
    """The day of a month on which the score is published; None where it is the live one."""
    invoice_types: tuple[str, ...] = ()
    """Which invoices there are of its fee (F26)."""

    def sold_by(self, channel: Channel | None) -> MembershipPlan:
        """The plan at the prices of a channel; None is the plan's own shop."""
        return replace(self, price_bands=channel.price_bands) if channel else self

    def band_of(self, score: int) -> PriceBand:
        """The band a score falls into. The first band starts at 0, so there is always one."""
        return [band for band in self.price_bands if band.score_from <= max(score, 0)][-1]

    def end_of(self, band: PriceBand) -> int | None:
        """From which score on the next band holds; None of the highest."""
        above = [each.score_from for each in self.price_bands if each.score_from > band.score_from]
        return min(above, default=None)

    def better_band(self, band: PriceBand) -> PriceBand | None:
        """The nearest band above with a lower price; none when this is the best."""
        above = (each for each in self.price_bands if each.score_from > band.score_from)
        return next((each for each in above if each.price_fen < band.price_fen), None)


class QuotaPeriod(StrEnum):
    """What uses of a benefit are counted in."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"
    TERM = "TERM"
    EVER = "EVER"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitQuota:
    """How often a benefit may be used in a period."""

    limit: int
    period: QuotaPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitStock:
    """How often all members together may use a benefit in a period: first come, first served."""

    limit: int
    period: QuotaPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountBand:
    """What a benefit takes off from a score on, up to the next band (C16)."""

    score_from: int
    amount_off_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """Something a member may have."""

    benefit_id: BenefitId
    display_name: str
    score_model_id: ScoreModelId
    score_source: ScoreSource
    gate: Gate
    window: Window | None
    quota: BenefitQuota | None = None
    amount_bands: tuple[AmountBand, ...] = ()
    """What it takes off a price by score; one band where that is the same for all, none where it
    is no money."""
    order_min_fen: int = 0
    """What an order must come to; zero asks for nothing (A21)."""
    stock: BenefitStock | None = None
    membership_channels: tuple[ChannelId, ...] = ()
    """How the membership of the gate must have been bought; empty means in any way (F24)."""
    rate_off: RateOff | None = None
    """The share it takes off an order; None where it is an amount, or no money (I16)."""
    use_lifetime: timedelta | None = None
    """For how long what a use gives can be redeemed; None means without end (F22)."""
    shop_ids: frozenset[str] = frozenset()
    """Shops in which it is had; empty means all of them (I16)."""

    @property
    def asks_scoring(self) -> bool:
        """Whether score, credit or profile decide on it or on what it is worth."""
        return self.gate.asks_scoring or len(self.amount_bands) > 1

    def sold_by(self, channel_id: ChannelId | None) -> bool:
        """Whether a membership that was bought by a channel, or by none, gives it."""
        return not self.membership_channels or channel_id in self.membership_channels

    def band_of(self, score: int) -> AmountBand | None:
        """The band a score falls into. The first starts at 0, so there is one where it is money."""
        reached = [band for band in self.amount_bands if band.score_from <= max(score, 0)]
        return reached[-1] if reached else None

    def better_band(self, score: int) -> AmountBand | None:
        """The nearest band above a score that takes more off; none when there is none."""
        band = self.band_of(score)
        above = (each for each in self.amount_bands if each.score_from > score)
        return next(
            (each for each in above if band and each.amount_off_fen > band.amount_off_fen), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInRules:
    """What checking in gives (D12)."""

    asset_id: str
    funding_account_id: str
    ladder_points: tuple[int, ...]
    cash: CashRules | None = None
    """What it pays beside (L3)."""
    kind: str = ""
    """The word under which scoring is told; empty where it is not."""
    make_up: MakeUpRules | None = None

    def points_of(self, streak_days: int) -> int:
        """Points of a day in a row, from 1; after the last one the ladder begins again."""
        return self.ladder_points[(streak_days - 1) % len(self.ladder_points)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerShare:
    """How far sellers say which share points may pay (J3)."""

    share_min_bps: int
    share_max_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingClass:
    """What points may pay of the lines of some goods classes (E2 to E7)."""

    goods_classes: tuple[str, ...]
    step_points: int
    share_max_bps: int
    amount_min_fen: int
    seller_share: SellerShare | None = None

    def share_of(self, said_bps: int | None) -> int:
        """The share of a line whose seller says so much, in basis points (J3)."""
        if self.seller_share is None or said_bps is None:
            return self.share_max_bps
        limits = self.seller_share
        return min(max(said_bps, limits.share_min_bps), limits.share_max_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingRules:
    """How points pay a part of an order; a point pays a fen (E1, X2)."""

    asset_id: str
    redemption_account_id: str
    classes: tuple[SpendingClass, ...]
    excluded_payment_methods: frozenset[str]
    reserve_lifetime: timedelta
    order_points_max: int | None = None
    """Most points of one order (J3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitsProgram:
    """The whole of it."""

    vocabulary: Vocabulary
    earning: EarningRules
    plans: Mapping[PlanId, MembershipPlan]
    benefits: Mapping[BenefitId, Benefit]
    check_in: CheckInRules | None = None
    activities: ActivityRules | None = None
    risk: RiskRules | None = None
    campaigns: Mapping[CampaignId, Campaign] = field(default_factory=dict)
    reminders: ReminderRules = field(default_factory=ReminderRules)
    win_back: WinBackRules | None = None
    spending: SpendingRules | None = None
    coupons: CouponRules | None = None
    mall: MallRules | None = None
    merchants: MerchantRules | None = None
    wallet: WalletRules | None = None
    orchard: Orchard | None = None
    lotteries: Mapping[LotteryId, Lottery] = field(default_factory=dict)
