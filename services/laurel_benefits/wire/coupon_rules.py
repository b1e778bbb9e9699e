"""The coupons of a program: from the message to the model, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from laurel.program.v1 import coupons_section_pb2 as pb
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.coupon_rules import (
    AmountOffLines,
    CouponRules,
    CouponScope,
    CouponTerms,
    CouponType,
    Discount,
    RateOff,
    StackClass,
)
from laurel_benefits.domain.ids import CouponTypeId, ScoreModelId
from laurel_benefits.domain.program_checks import Fault, not_one_of, repeated, undeclared
from laurel_benefits.wire.gates import LevelPositions, read_gate, read_source
from laurel_benefits.wire.reference_faults import gate_faults, model_faults
from laurel_benefits.wire.times import read_instant

PATH = "benefits.coupons"


def read_coupon_rules(message: pb.CouponRules, levels: LevelPositions) -> CouponRules:
    """The coupons and what they have in common."""
    model_id = message.score_model_id
    types = [read_coupon_type(each, model_id, levels) for each in message.coupon_types]
    return CouponRules(
        score_model_id=ScoreModelId(model_id),
        score_source=read_source(message.score_source),
        claim_gate=read_gate(message.claim_gate, model_id, levels),
        classes={
            each.class_id: read_stack_class(each, position, message)
            for position, each in enumerate(message.stack_classes, start=1)
        },
        types={each.coupon_type_id: each for each in types},
    )


def read_stack_class(message: pb.StackClass, position: int, rules: pb.CouponRules) -> StackClass:
    """A class at its place; what another one excludes of it, it excludes too."""
    named = {
        other.class_id
        for other in rules.stack_classes
        if message.class_id in other.excluded_classes
    }
    return StackClass(
        class_id=message.class_id,
        position=position,
        per_order_max=message.per_order_max,
        excluded_classes=frozenset(message.excluded_classes) | named,
        cash_like=message.cash_like,
    )


def read_coupon_type(message: pb.CouponType, model_id: str, levels: LevelPositions) -> CouponType:
    """A coupon as it is issued."""
    start, end = claim_window(message)
    return CouponType(
        coupon_type_id=CouponTypeId(message.coupon_type_id),
        terms=CouponTerms(
            display_name=message.display_name,
            class_id=message.class_id,
            discount=read_discount(message),
            order_min_fen=message.order_min_fen,
            scope=CouponScope(
                categories=frozenset(message.scope.categories),
                goods_classes=frozenset(message.scope.goods_classes),
                shop_ids=frozenset(message.scope.shop_ids),
            ),
        ),
        gate=read_gate(message.gate, model_id, levels),
        stock=message.stock or None,
        per_member_max=message.per_member_max or None,
        claimable=message.claimable,
        claim_start_time=start,
        claim_end_time=end,
        lifetime=message.lifetime.ToTimedelta(),
        coded=message.coded,
    )


def read_discount(message: pb.CouponType) -> Discount:
    """What a coupon takes off."""
    if message.WhichOneof("discount") == "amount_off_fen":
        return AmountOffLines(amount_off_fen=message.amount_off_fen)
    return read_rate_off(message.rate_off)


def read_rate_off(message: pb.RateOff) -> RateOff:
    """A share of a price."""
    return RateOff(rate_bps=message.rate_bps, amount_max_fen=message.amount_max_fen or None)


def claim_window(message: pb.CouponType) -> tuple[datetime | None, datetime | None]:
    """From when on and until when a coupon can be claimed, where that is limited."""
    start = read_instant(message.claim_start_time) if message.HasField("claim_start_time") else None
    end = read_instant(message.claim_end_time) if message.HasField("claim_end_time") else None
    return start, end


def coupon_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with the coupons of a program."""
    rules = program.benefits.coupons
    model_id, source = rules.score_model_id, rules.score_source
    yield from model_faults(program, model_id, PATH, source=source)
    gate_path = f"{PATH}.claim_gate"
    yield from gate_faults(program, rules.claim_gate, model_id, gate_path, source=source)
    class_ids = [each.class_id for each in rules.stack_classes]
    yield from repeated(f"{PATH}.stack_classes", "class_id", class_ids)
    for position, each in enumerate(rules.stack_classes):
        place = f"{PATH}.stack_classes[{position}].excluded_classes"
        yield from undeclared(place, each.excluded_classes, class_ids, what="stack class")
    type_ids = [each.coupon_type_id for each in rules.coupon_types]
    yield from repeated(f"{PATH}.coupon_types", "coupon_type_id", type_ids)
    for position, coupon_type in enumerate(rules.coupon_types):
        yield from type_faults(program, coupon_type, f"{PATH}.coupon_types[{position}]")


def type_faults(program: Program, message: pb.CouponType, path: str) -> Iterator[Fault]:
    """Faults of one coupon."""
    rules = program.benefits.coupons
    class_ids = [each.class_id for each in rules.stack_classes]
    yield from not_one_of(f"{path}.class_id", message.class_id, class_ids, what="stack class")
    model_id, source = rules.score_model_id, rules.score_source
    yield from gate_faults(program, message.gate, model_id, f"{path}.gate", source=source)
    yield from undeclared(
        f"{path}.scope.goods_classes",
        message.scope.goods_classes,
        program.benefits.orders.goods_classes,
        what="goods class",
    )
    start, end = claim_window(message)
    if start and end and end <= start:
        yield f"{path}.claim_end_time", "must be after claim_start_time"
