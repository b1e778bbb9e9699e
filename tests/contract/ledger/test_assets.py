"""Assets over gRPC."""

from __future__ import annotations

from laurel.ledger.v1 import assets_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.program.v1.ledger_section_pb2 import CALENDAR_EXPIRY_END_OF_NEXT_YEAR

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend


def asset(ledger: LedgerStubs, asset_id: str = "bean", program_id: str = "jd"):
    request = pb.GetAssetRequest(program_id=program_id, asset_id=asset_id)
    return ledger.assets.GetAsset(request, timeout=DEADLINE)


async def test_get_asset_says_its_rules_and_totals(ledger: LedgerStubs) -> None:
    for number in range(30):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number}"))
    await ledger.post(spend("s", 4, member_id="m-3"))
    found = (await asset(ledger)).asset
    assert found.expiry.calendar == CALENDAR_EXPIRY_END_OF_NEXT_YEAR
    assert found.outstanding == 296
    posted = {each.account_id: each.posted for each in found.accounts if each.posted}
    assert posted == {"platform": -300, "order-payment": 4}
    assert found.accounts[-1].kind == transactions_pb2.ACCOUNT_KIND_BREAKAGE


async def test_get_asset_needs_a_known_asset_and_program(ledger: LedgerStubs) -> None:
    assert (await refusal_of(asset(ledger, "gold"))).reason == "ASSET_NOT_FOUND"
    assert (await refusal_of(asset(ledger, "bean", "none"))).reason == "PROGRAM_NOT_FOUND"


async def test_list_assets_comes_in_the_order_of_the_program(ledger: LedgerStubs) -> None:
    request = pb.ListAssetsRequest(program_id="jd")
    found = await ledger.assets.ListAssets(request, timeout=DEADLINE)
    assert [each.asset_id for each in found.assets] == ["bean"]
    assert found.assets[0].outstanding == 0
