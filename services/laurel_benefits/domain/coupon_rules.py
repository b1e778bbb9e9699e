"""Coupons as a program declares them: what they take off, for whom, and beside which others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from laurel_kit.values import floor_basis_points

from laurel_benefits.domain.gate_terms import Gate, ScoreSource
from laurel_benefits.domain.ids import CouponTypeId, ScoreModelId


@dataclass(frozen=True, slots=True, kw_only=True)
class StackClass:
    """Coupons that behave alike beside others on an order (M9)."""

    class_id: str
    position: int
    """Its place in the order in which classes are applied, from 1."""
    per_order_max: int
    excluded_classes: frozenset[str]
    """Classes never used together with this one, whichever of the two says so."""
    cash_like: bool
    """Whether no points may buy its coupons (E10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountOffLines:
    """So many fen, at most what the lines cost."""

    amount_off_fen: int

    def of(self, price_fen: int) -> int:
        """What it takes off a price."""
        return min(self.amount_off_fen, price_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOff:
    """A share of a price, rounded down (X3), up to a most."""

    rate_bps: int
    amount_max_fen: int | None

    def of(self, price_fen: int) -> int:
        """What it takes off a price."""
        share = floor_basis_points(price_fen, self.rate_bps)
        return share if self.amount_max_fen is None else min(share, self.amount_max_fen)


Discount = AmountOffLines | RateOff


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponScope:
    """Lines a coupon is for: all that is named must fit; what is empty asks for nothing."""

    categories: frozenset[str] = frozenset()
    goods_classes: frozenset[str] = frozenset()
    shop_ids: frozenset[str] = frozenset()

    def holds(self, *, category_id: str, goods_class: str, shop_id: str) -> bool:
        """Whether a line is one of them."""
        named = (
            (self.categories, category_id),
            (self.goods_classes, goods_class),
            (self.shop_ids, shop_id),
        )
        return all(not words or word in words for words, word in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponTerms:
    """What a coupon does; who has one keeps them, whatever the program says later."""

    display_name: str
    class_id: str
    discount: Discount
    order_min_fen: int
    scope: CouponScope


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponType:
    """A coupon as it is issued."""

    coupon_type_id: CouponTypeId
    terms: CouponTerms
    gate: Gate
    stock: int | None
    per_member_max: int | None
    claimable: bool
    claim_start_time: datetime | None
    claim_end_time: datetime | None
    lifetime: timedelta
    coded: bool
    """Whether each one carries a code of a partner; then there are as many as there are codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRules:
    """The coupons of a program and what they have in common."""

    score_model_id: ScoreModelId
    score_source: ScoreSource
    claim_gate: Gate
    """Who may claim any coupon at all (M8)."""
    classes: Mapping[str, StackClass]
    types: Mapping[CouponTypeId, CouponType]
