"""Postings on condition over gRPC: at which version, and with how many points."""

from __future__ import annotations

import asyncio

import grpc

from .conftest import LedgerStubs, earn, refusal_of, spend

ABORTED = grpc.StatusCode.ABORTED


async def test_post_transaction_posts_on_its_conditions_only(ledger: LedgerStubs) -> None:
    """A repeat answers the first outcome whatever it says of them, and a refusal keeps nothing."""
    await ledger.post(earn("e", 50, conditions={"expected_version": 0}))
    bought = spend("s", 20, conditions={"expected_version": 1, "available_min": 50})
    posted = await ledger.post(bought)
    again = await ledger.post(bought)
    assert (again.replayed, again.transaction) == (True, posted.transaction)
    stale = await refusal_of(ledger.post(spend("late", 20, conditions={"expected_version": 1})))
    assert (stale.code, stale.reason) == (ABORTED, "VERSION_MISMATCH")
    assert (stale.metadata["expected_version"], stale.metadata["version"]) == ("1", "2")
    poor = await refusal_of(ledger.post(spend("late", 20, conditions={"available_min": 31})))
    assert (poor.code, poor.reason) == (ABORTED, "BALANCE_CONDITION_FAILED")
    said = [poor.metadata[name] for name in ("condition", "bound", "points", "version")]
    assert said == ["available_min", "31", "30", "2"]
    assert not (await ledger.post(spend("late", 20))).replayed


async def test_post_transaction_on_one_version_at_once_posts_one(ledger: LedgerStubs) -> None:
    await ledger.post(earn("e", 50))
    drafts = [spend(f"s-{each}", 1, conditions={"expected_version": 1}) for each in range(8)]
    outcomes = await asyncio.gather(*map(ledger.post, drafts), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == 7
    assert {each.code() for each in refused} == {ABORTED}
