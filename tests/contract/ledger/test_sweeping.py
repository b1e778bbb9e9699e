"""Expiries that nobody touches are posted when the clock passes them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from google.protobuf.duration_pb2 import Duration
from laurel.ledger.v1.assets_pb2 import GetAssetRequest
from laurel.ledger.v1.balances_pb2 import ListEntriesRequest
from laurel.sandbox.v1.clock_pb2 import AdvanceClockRequest
from laurel.sandbox.v1.clock_pb2_grpc import ClockServiceStub
from laurel_ledger.domain.posting import Group
from laurel_ledger.storage.books import BooksStore

from .conftest import DEADLINE, LedgerStubs, earn


async def test_advancing_the_clock_posts_every_expiry_on_the_way(ledger: LedgerStubs) -> None:
    """Beans of 2026 are void with the end of 2027 (E19) and recorded as breakage (E21)."""
    for number in range(20):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number}"))
    advance = AdvanceClockRequest(duration=Duration(seconds=86_400 * 800))
    clock = ClockServiceStub(ledger.channel)
    moved = await clock.AdvanceClock(advance, timeout=DEADLINE)
    assert moved.timers_run >= 20  # 20 lots, and a checkpoint for the new records
    asset = await ledger.assets.GetAsset(
        GetAssetRequest(program_id="jd", asset_id="bean"), timeout=DEADLINE
    )
    posted = {each.account_id: each.posted for each in asset.asset.accounts if each.posted}
    assert posted == {"platform": -200, "breakage": 200}
    assert asset.asset.outstanding == 0
    request = ListEntriesRequest(program_id="jd", member_id="m-7", asset_id="bean")
    entries = (await ledger.balances.ListEntries(request, timeout=DEADLINE)).entries
    assert [each.posted_after for each in entries] == [0, 10]
    assert (await clock.AdvanceClock(advance, timeout=DEADLINE)).timers_run == 0


async def test_what_is_due_in_many_shards_shares_the_commits_of_its_lanes(
    ledger: LedgerStubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number}"))
    post, sizes = BooksStore.post, []

    async def counted(self: BooksStore, groups: Sequence[Group], **options):
        sizes.append(sum(len(group.due) for group in groups))
        return await post(self, groups, **options)

    monkeypatch.setattr(BooksStore, "post", counted)
    advance = AdvanceClockRequest(duration=Duration(seconds=86_400 * 800))
    await ClockServiceStub(ledger.channel).AdvanceClock(advance, timeout=DEADLINE)
    assert sum(sizes) == 20
    assert len(sizes) <= ledger.running.foundation.settings.lanes
