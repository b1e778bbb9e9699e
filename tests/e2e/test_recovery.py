"""A suite that is hurt mends itself, and loses nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.support.suites import SERVICES, Suite, alive, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

BALANCE = "laurel.ledger.v1.BalanceService/GetBalance"
POST = "laurel.ledger.v1.TransactionService/PostTransaction"
WHO = {"program_id": "jd", "member_id": "m-4004", "asset_id": "bean"}
MENDING = 30.0
"""Seconds a mended suite may take to answer again."""


def give(suite: Suite, request_id: str, amount: int) -> dict:
    earn = {"member_id": "m-4004", "asset_id": "bean", "funding_account_id": "platform"}
    draft = {"request_id": request_id, "earn": {**earn, "amount": amount}}
    return suite.call("ledger", POST, {"program_id": "jd", "transaction": draft})


def answers(suite: Suite, service: str) -> bool:
    return suite.grpcurl(service, "grpc.health.v1.Health/Check", {}).returncode == 0


def has_balance(suite: Suite) -> bool:
    return suite.grpcurl("ledger", BALANCE, WHO).returncode == 0


def others_than(suite: Suite, killed: dict[str, int]) -> bool:
    """Whether each of the killed processes has a successor."""
    present = suite.process_ids()
    return all(present.get(name, process_id) != process_id for name, process_id in killed.items())


def test_killed_services_are_started_again_and_said_to_be(suite: Suite) -> None:
    killed = {name: suite.process_ids()[name] for name in SERVICES}
    for process_id in killed.values():
        os.kill(process_id, signal.SIGKILL)
    wait_for(lambda: others_than(suite, killed), MENDING, "other services")
    for name in SERVICES:
        wait_for(lambda name=name: answers(suite, name), MENDING, f"{name} to answer")
        assert f"{name} ended (SIGKILL)" in suite.text()


def test_a_killed_postmaster_is_recovered_without_losing_a_commit(suite: Suite) -> None:
    give(suite, "before-the-crash", 7)
    killed = {"postgres": suite.process_ids()["postgres"]}
    os.kill(killed["postgres"], signal.SIGKILL)
    wait_for(lambda: others_than(suite, killed), MENDING, "another postmaster")
    wait_for(lambda: has_balance(suite), MENDING, "balances again")
    assert suite.call("ledger", BALANCE, WHO)["balance"]["posted"] == "7"
    assert give(suite, "before-the-crash", 7)["replayed"]


def test_a_database_that_does_not_answer_is_unavailable_and_then_is_not(suite: Suite) -> None:
    postmaster = suite.process_ids()["postgres"]
    ledger = suite.process_ids()["ledger"]
    # Killed and kept from coming back: who would start it again is stopped as well.
    os.kill(suite.process_ids()["up"], signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    try:
        wait_for(lambda: not alive(postmaster), MENDING, "the postmaster's end")
        wait_for(lambda: not has_balance(suite), MENDING, "the ledger to notice")
        refused = suite.grpcurl("ledger", BALANCE, WHO)
        assert "DATABASE_UNAVAILABLE" in refused.stderr
        assert "RetryInfo" in refused.stderr
    finally:
        os.kill(suite.process_ids()["up"], signal.SIGCONT)
    began = time.monotonic()
    wait_for(lambda: has_balance(suite), MENDING, "balances again")
    assert time.monotonic() - began < MENDING
    assert suite.process_ids()["ledger"] == ledger, "it recovered without being started again"
