"""When the points of Taobao's program become void: J4 and J8."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from laurel_kit.programs.loading import examine
from laurel_ledger.domain.assets import expiry_of
from laurel_ledger.wire.program import LedgerSection

from tests.support.programs import shipped_text

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("asset_id", "earned", "void"),
    [
        ("coin", local(2026, 6, 30, 23, 59), local(2027, 7, 1)),
        ("coin", local(2026, 7, 1), local(2028, 1, 1)),
        ("coin", local(2026, 12, 31, 23, 59), local(2028, 1, 1)),
        ("tmall-point", local(2026, 1, 1), local(2028, 1, 1)),
        ("tmall-point", local(2026, 12, 31, 23, 59), local(2028, 1, 1)),
    ],
)
def test_coins_and_points_become_void_on_their_dates_j4_j8(
    asset_id: str, earned: datetime, void: datetime
) -> None:
    examination = examine(shipped_text("taobao"), LedgerSection())
    assert examination.model, examination.faults
    assert expiry_of(examination.model.assets[asset_id], earned, SHANGHAI) == void
