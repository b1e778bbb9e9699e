"""Posting over gRPC: outcomes, repeats and refusals as a caller sees them."""

from __future__ import annotations

from laurel.ledger.v1.balances_pb2 import GetBalanceRequest

from .conftest import DEADLINE, LedgerStubs, earn


async def test_post_transaction_gives_points_that_get_balance_shows(ledger: LedgerStubs) -> None:
    posted = await ledger.post(earn("r-1", 100))
    assert posted.transaction.entries[0].posted_after == 100
    request = GetBalanceRequest(program_id="jd", member_id="m-1", asset_id="bean")
    answer = await ledger.balances.GetBalance(request, timeout=DEADLINE)
    assert answer.balance.available == 100
