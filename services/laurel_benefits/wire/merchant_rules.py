"""Merchants in a program: from the message to the model, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from laurel.program.v1 import merchants_section_pb2 as pb
from laurel.program.v1.ledger_section_pb2 import AccountPurpose
from laurel.program.v1.program_pb2 import Program

from laurel_benefits.domain.ids import ShopId, ShopProgramId
from laurel_benefits.domain.merchant_rules import MerchantRules, ShopProgram, ShopProgramKind
from laurel_benefits.domain.program_checks import Fault, repeated
from laurel_benefits.wire.reference_faults import accounts_of, asset_faults

PATH = "benefits.merchants"


def read_merchants(program: Program) -> MerchantRules:
    """How merchants give points, with the accounts in whose name they can."""
    message = program.benefits.merchants
    shop_programs = [read_shop_program(each) for each in message.shop_programs]
    return MerchantRules(
        asset_id=message.asset_id,
        points_per_yuan=message.points_per_yuan,
        grant_max_points=message.grant_max_points or None,
        funding_account_ids=frozenset(accounts_of(program, AccountPurpose.ACCOUNT_PURPOSE_FUNDING)),
        by_shop={shop_id: each for each in shop_programs for shop_id in each.shop_ids},
    )


def read_shop_program(message: pb.ShopProgram) -> ShopProgram:
    """A membership of shops."""
    kind = pb.ShopProgramKind.Name(message.kind).removeprefix("SHOP_PROGRAM_KIND_")
    return ShopProgram(
        shop_program_id=ShopProgramId(message.shop_program_id),
        display_name=message.display_name,
        kind=ShopProgramKind(kind),
        shop_ids=frozenset(ShopId(shop_id) for shop_id in message.shop_ids),
    )


def merchant_faults(program: Program) -> Iterator[Fault]:
    """Everything wrong with merchants and shop memberships."""
    rules = program.benefits.merchants
    yield from asset_faults(program, f"{PATH}.asset_id", rules.asset_id)
    names = [each.shop_program_id for each in rules.shop_programs]
    yield from repeated(f"{PATH}.shop_programs", "shop_program_id", names)
    seen: set[str] = set()
    for position, each in enumerate(rules.shop_programs):
        path = f"{PATH}.shop_programs[{position}]"
        single = each.kind == pb.ShopProgramKind.SHOP_PROGRAM_KIND_SINGLE_SHOP
        if single and len(each.shop_ids) > 1:
            yield f"{path}.shop_ids", "a membership of a single shop has one"
        for index, shop_id in enumerate(each.shop_ids):
            if shop_id in seen:
                yield f"{path}.shop_ids[{index}]", f"{shop_id} has a membership already"
            seen.add(shop_id)
