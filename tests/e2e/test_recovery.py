"""A suite that is hurt mends itself, and loses nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.support.suites import SERVICES, Suite, alive, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(300)]

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


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_is_started_again(suite: Suite, service: str) -> None:
    killed = suite.process_ids()[service]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: suite.process_ids()[service] != killed, MENDING, f"another {service}")
    wait_for(lambda: answers(suite, service), MENDING, f"{service} to answer")
    assert f"{service} ended (SIGKILL)" in suite.text()


def test_a_killed_postmaster_is_recovered_without_losing_a_commit(suite: Suite) -> None:
    give(suite, "before-the-crash", 7)
    killed = suite.process_ids()["postgres"]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: suite.process_ids()["postgres"] != killed, MENDING, "another postmaster")
    wait_for(lambda: has_balance(suite), MENDING, "balances again")
    assert suite.call("ledger", BALANCE, WHO)["balance"]["posted"] == "7"
    assert give(suite, "before-the-crash", 7)["replayed"]


def test_a_database_that_does_not_answer_is_unavailable_and_then_is_not(suite: Suite) -> None:
    postmaster = suite.process_ids()["postgres"]
    # Killed and stopped from coming back: whoever starts it anew is stopped as well.
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
    assert suite.process_ids()["ledger"], "the service recovered without being started again"
