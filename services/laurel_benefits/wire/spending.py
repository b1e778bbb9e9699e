"""How points pay orders: from the message to the model, or to every fault in the rules."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import spending_pb2 as pb
from laurel.program.v1.ledger_section_pb2 import AccountPurpose
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.program_checks import Fault, not_one_of, undeclared
from laurel_benefits.domain.programs import SellerShare, SpendingClass, SpendingRules


def read_spending(message: pb.SpendingRules) -> SpendingRules:
    """What points may pay."""
    return SpendingRules(
        asset_id=message.asset_id,
        redemption_account_id=message.redemption_account_id,
        classes=tuple(
            SpendingClass(
                goods_classes=tuple(each.goods_classes),
                step_points=each.step_points,
                share_max_bps=each.share_max_bps,
                amount_min_fen=each.amount_min_fen,
                seller_share=read_seller_share(each),
            )
            for each in message.classes
        ),
        excluded_payment_methods=frozenset(message.excluded_payment_methods),
        reserve_lifetime=message.reserve_lifetime.ToTimedelta(),
        order_points_max=message.order_points_max or None,
    )


def read_seller_share(message: pb.SpendingClass) -> SellerShare | None:
    """How far sellers say the share."""
    if not message.HasField("seller_share"):
        return None
    share = message.seller_share
    return SellerShare(share_min_bps=share.share_min_bps, share_max_bps=share.share_max_bps)


def spending_faults(program: Program, path: str) -> Iterator[Fault]:
    """Assets, accounts and words that are not declared, and classes with two rules."""
    rules, orders = program.benefits.spending, program.benefits.orders
    assets = [asset.asset_id for asset in program.ledger.assets]
    yield from not_one_of(f"{path}.asset_id", rules.asset_id, assets, what="asset of the ledger")
    redeeming = [
        account.account_id
        for account in program.ledger.accounts
        if account.purpose == AccountPurpose.ACCOUNT_PURPOSE_REDEMPTION
    ]
    yield from not_one_of(
        f"{path}.redemption_account_id",
        rules.redemption_account_id,
        redeeming,
        what="redemption account of the ledger",
    )
    yield from undeclared(
        f"{path}.excluded_payment_methods",
        rules.excluded_payment_methods,
        orders.payment_methods,
        what="payment method",
    )
    seen: set[str] = set()
    for position, each in enumerate(rules.classes):
        place = f"{path}.classes[{position}].goods_classes"
        yield from undeclared(place, each.goods_classes, orders.goods_classes, what="goods class")
        yield from share_faults(each, f"{path}.classes[{position}]")
        for index, word in enumerate(each.goods_classes):
            if word in seen:
                yield f"{place}[{index}]", f"{word} has a rule already"
            seen.add(word)


def share_faults(message: pb.SpendingClass, path: str) -> Iterator[Fault]:
    """Limits of sellers that the share of who says none does not keep."""
    share = message.seller_share
    if not message.HasField("seller_share"):
        return
    if not share.share_min_bps <= message.share_max_bps <= share.share_max_bps:
        yield f"{path}.share_max_bps", "must lie within seller_share, for sellers who say none"
