"""The suite as other tools see it: reflection, health, refusals, the internal port."""

from __future__ import annotations

import json

import pytest

from tests.support.suites import SERVICES, TOOLS, Suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("suite"), pytest.mark.timeout(1200)]

ALREADY_EXISTS = 6


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_describes_itself_by_reflection(suite: Suite, service: str) -> None:
    listed = suite.shell(f"{TOOLS}/grpcurl -plaintext {suite.addresses[service]} list")
    assert f"laurel.{service}.v1." in listed.stdout
    for shared in ("laurel.program.v1.ProgramService", "grpc.health.v1.Health"):
        assert shared in listed.stdout.splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_healthy_and_knows_the_program(suite: Suite, service: str) -> None:
    assert suite.call(service, "grpc.health.v1.Health/Check", {})["status"] == "SERVING"
    method = "laurel.program.v1.ProgramService/GetRevision"
    assert suite.call(service, method, {"program_id": "jd"})["revision"]["program_id"] == "jd"


@pytest.mark.parametrize("service", SERVICES)
def test_channelz_is_on_the_internal_port_only(suite: Suite, service: str) -> None:
    port = suite.ports[f"{service} admin"]
    method = "grpc.channelz.v1.Channelz/GetServers"
    inside = suite.shell(f"{TOOLS}/grpcurl -plaintext 127.0.0.1:{port} {method}")
    assert inside.returncode == 0, inside.stderr
    outside = suite.grpcurl(service, method, {})
    assert outside.returncode != 0


def test_a_refused_request_names_all_its_faults(suite: Suite) -> None:
    request = {"program_id": "no such program!", "member_id": "", "asset_id": "bean"}
    refused = suite.grpcurl("ledger", "laurel.ledger.v1.BalanceService/GetBalance", request)
    assert refused.returncode != 0
    for field in ("program_id", "member_id", "REQUEST_INVALID"):
        assert field in refused.stderr


def test_a_write_without_a_deadline_is_refused(suite: Suite) -> None:
    request = {"program_id": "jd", "member_id": "m-1", "request_id": "r", "plan_id": "plus-year"}
    method = "laurel.benefits.v1.MembershipService/QuoteMembership"
    call = f"{TOOLS}/grpcurl -plaintext -d '{json.dumps(request)}'"
    refused = suite.shell(f"{call} {suite.addresses['benefits']} {method}")
    assert "DEADLINE_REQUIRED" in refused.stderr


def test_the_same_request_id_with_other_content_is_refused(suite: Suite) -> None:
    method = "laurel.ledger.v1.TransactionService/PostTransaction"
    earn = {"member_id": "m-3003", "asset_id": "bean", "funding_account_id": "platform"}
    request = {"request_id": "gift-1", "earn": {**earn, "amount": 10}}
    first = suite.call("ledger", method, {"program_id": "jd", "transaction": request})
    again = suite.call("ledger", method, {"program_id": "jd", "transaction": request})
    assert again["replayed"]
    assert again["transaction"] == first["transaction"]
    other = {"request_id": "gift-1", "earn": {**earn, "amount": 11}}
    refused = suite.grpcurl("ledger", method, {"program_id": "jd", "transaction": other})
    assert "REQUEST_ID_REUSED" in refused.stderr
    assert json.loads(refused.stderr)["code"] == ALREADY_EXISTS


def test_a_program_with_five_mistakes_reports_five_with_path_and_line(suite: Suite) -> None:
    source = (
        "program_id: jd\ndisplay_nam: JD\ntime_zone: Mars/Olympus\n"
        "ledger:\n  assets:\n    - {asset_id: bean, display_name: Bean, amount_max: -1}\n"
        "  accounts:\n    - {account_id: a, purpose: sponsor, display_name: A}\n"
        "    - {account_id: a b, purpose: funding, display_name: B}\n"
    )
    method = "laurel.program.v1.ProgramService/ValidateRevision"
    faults = suite.call("ledger", method, {"source": source})["faults"]
    lines = {(fault["path"], fault["line"]) for fault in faults}
    for expected in (
        ("time_zone", 3),
        ("ledger.assets[0].amount_max", 6),
        ("ledger.accounts[0].purpose", 8),
        ("ledger.accounts[1].account_id", 9),
    ):
        assert expected in lines
    assert any(line == 2 for _, line in lines), "the misspelt key"
