"""Assets over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime

from laurel.ledger.v1 import assets_pb2 as pb
from laurel.ledger.v1 import transactions_pb2
from laurel.program.v1.ledger_section_pb2 import CALENDAR_EXPIRY_END_OF_NEXT_YEAR
from laurel.program.v1.program_service_pb2 import ApplyRevisionRequest

from tests.support.programs import program_text

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


async def test_points_end_on_the_common_dates_of_their_asset(ledger: LedgerStubs, clock) -> None:
    """J4: what is earned up to 30 June is void after 30 June of the next year."""
    rule = "{common_dates: {dates: [{month: 6, day: 30}, {month: 12, day: 31}], years: 1}}"
    source = program_text().replace("{calendar: end_of_next_year}", rule)
    request = ApplyRevisionRequest(request_id="program-2", source=source)
    request.effective_time.FromDatetime(clock.now())
    await ledger.programs.ApplyRevision(request, timeout=DEADLINE)
    assert [each.month for each in (await asset(ledger)).asset.expiry.common_dates.dates] == [6, 12]
    for request_id, month, end in (("a", 6, 2027), ("b", 7, 2028)):
        clock.set(datetime(2026, month, 30, 12, tzinfo=UTC))
        (moved,) = (await ledger.post(earn(request_id, 5))).transaction.lot_movements
        void = datetime(end, 7 if end == 2027 else 1, 1, tzinfo=UTC)
        assert (void - moved.expire_time.ToDatetime(UTC)).total_seconds() == 8 * 3600


async def test_a_program_with_unusual_dates_of_expiry_is_refused(ledger: LedgerStubs) -> None:
    rule = "{common_dates: {dates: [{month: 2, day: 29}]}}"
    source = program_text().replace("{calendar: end_of_next_year}", rule)
    request = ApplyRevisionRequest(request_id="program-2", source=source)
    refused = await refusal_of(ledger.programs.ApplyRevision(request, timeout=DEADLINE))
    assert refused.reason == "PROGRAM_INVALID"
