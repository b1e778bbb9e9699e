"""Checkpoints, proofs and verifying over gRPC, and what `laurel` says to them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import asyncpg
import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.json_format import MessageToJson
from laurel.ledger.v1 import journal_pb2 as pb
from laurel_cli.__main__ import application
from laurel_cli.proofs import verify_checkpoint, verify_consistency, verify_inclusion
from laurel_cli.records import ProofRefused, read_record
from laurel_kit.clock import SettableClock
from laurel_kit.schema import HISTORY
from laurel_ledger.config import LedgerSettings
from laurel_ledger.handlers.verification import JOB
from laurel_ledger.service import build
from laurel_ledger.storage.schema import METADATA
from typer.testing import CliRunner, Result

from tests.support.checkpoint_keys import write_public_key
from tests.support.patience import PATIENT
from tests.support.proofs import KEY
from tests.support.servers import serve

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend


@pytest.fixture
def timer_interval() -> timedelta:
    """Checkpoints are made when a test says so, and never between."""
    return timedelta(hours=1)


async def checkpoint(ledger: LedgerStubs, clock: SettableClock) -> pb.Checkpoint:
    """Have the next one made."""
    clock.set(clock.now() + timedelta(seconds=10))
    await ledger.running.scheduler.run_due()
    return (await checkpoints(ledger, page_size=1)).checkpoints[0]


async def checkpoints(ledger: LedgerStubs, **fields) -> pb.ListCheckpointsResponse:
    request = pb.ListCheckpointsRequest(**fields)
    return await ledger.journal.ListCheckpoints(request, timeout=DEADLINE)


async def inclusion(ledger: LedgerStubs, request_id: str, **fields) -> pb.InclusionProof:
    fields = {"program_id": "jd", "member_id": "m-1", "request_id": request_id} | fields
    request = pb.GetInclusionProofRequest(**fields)
    answer = await ledger.journal.GetInclusionProof(request, timeout=DEADLINE)
    return answer.inclusion_proof


async def consistency(ledger: LedgerStubs, earlier: int, **fields) -> pb.ConsistencyProof:
    request = pb.GetConsistencyProofRequest(earlier_checkpoint_number=earlier, **fields)
    answer = await ledger.journal.GetConsistencyProof(request, timeout=DEADLINE)
    return answer.consistency_proof


async def verified(ledger: LedgerStubs, request_id: str) -> pb.VerifyJournalResponse:
    request = pb.VerifyJournalRequest(request_id=request_id)
    operation = await ledger.journal.VerifyJournal(request, timeout=DEADLINE)
    return response_of(await ended(ledger.channel, operation.name))


async def ended(channel: grpc.aio.Channel, name: str) -> operations_pb2.Operation:
    request = operations_pb2.WaitOperationRequest(name=name)
    request.timeout.FromSeconds(60)
    stub = operations_pb2_grpc.OperationsStub(channel)
    operation = await stub.WaitOperation(request, timeout=59)
    assert operation.done
    return operation


def response_of(operation: operations_pb2.Operation) -> pb.VerifyJournalResponse:
    answer = pb.VerifyJournalResponse()
    assert operation.response.Unpack(answer), operation.error
    return answer


async def test_list_checkpoints_begins_with_the_latest_page_by_page(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    assert not (await checkpoints(ledger)).checkpoints
    for number in range(1, 6):
        await ledger.post(earn(f"e-{number}", 10))
        made = await checkpoint(ledger, clock)
        assert (made.checkpoint_number, made.record_count) == (number, number)
        verify_checkpoint(made, None)
    first = await checkpoints(ledger, page_size=2)
    second = await checkpoints(ledger, page_size=2, page_token=first.next_page_token)
    last = await checkpoints(ledger, page_size=2, page_token=second.next_page_token)
    pages = [
        [each.checkpoint_number for each in page.checkpoints] for page in (first, second, last)
    ]
    assert pages == [[5, 4], [3, 2], [1]]
    assert not last.next_page_token


async def test_list_checkpoints_makes_none_while_nothing_is_posted(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(earn("a", 10))
    await checkpoint(ledger, clock)
    assert (await checkpoint(ledger, clock)).checkpoint_number == 1
    await ledger.post(earn("b", 10))
    assert (await checkpoint(ledger, clock)).checkpoint_number == 2
    await ledger.post(earn("c", 10))
    await ledger.running.scheduler.run_due()
    assert len((await checkpoints(ledger)).checkpoints) == 2
    assert (await checkpoint(ledger, clock)).checkpoint_number == 3


async def test_list_checkpoints_refuses_a_damaged_token(ledger: LedgerStubs) -> None:
    assert (await refusal_of(checkpoints(ledger, page_token="x"))).reason == "PAGE_TOKEN_INVALID"


async def test_get_inclusion_proof_is_a_receipt_for_what_became_of_a_request(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(earn("a", 10, labels={"order": "o-1"}))
    await refusal_of(ledger.post(spend("b", 11)))
    await ledger.post(spend("c", 4))
    made = await checkpoint(ledger, clock)
    for request_id, outcome in (("a", "posted"), ("b", "refused"), ("c", "posted")):
        proof = await inclusion(ledger, request_id)
        proved = verify_inclusion(proof, made.public_key)
        assert (proved.record["request_id"], proved.record["outcome"]) == (request_id, outcome)
        assert proved.checkpoint_number == 1
        proof.checkpoint.shard_heads[0].record_count += 1
        with pytest.raises(ProofRefused):
            verify_inclusion(proof, made.public_key)


async def test_get_inclusion_proof_holds_under_every_later_checkpoint(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    for number in range(4):
        drafts = [earn(f"{number}-{each}", 5, member_id=f"m-{each}") for each in range(40)]
        await asyncio.gather(*(ledger.post(draft) for draft in drafts))
        await checkpoint(ledger, clock)
    for number in range(4):
        for later in range(number + 1, 5):
            proof = await inclusion(ledger, f"{number}-7", member_id="m-7", checkpoint_number=later)
            verify_inclusion(proof)
            assert read_record(proof.record)["request_id"] == f"{number}-7"
            verify_consistency(await consistency(ledger, number + 1, later_checkpoint_number=later))


async def test_get_inclusion_proof_asks_to_wait_for_the_next_checkpoint(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(earn("a", 10))
    await checkpoint(ledger, clock)
    await ledger.post(earn("b", 10))
    refused = await refusal_of(inclusion(ledger, "b"))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CHECKPOINT_PENDING",
    )
    assert refused.metadata == {"request_id": "b", "checkpoint_number": "1"}
    assert "google.rpc.RetryInfo".rpartition(".")[2] in refused.details


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"request_id": "none"}, "TRANSACTION_NOT_FOUND"),
        ({"member_id": "none"}, "TRANSACTION_NOT_FOUND"),
        ({"program_id": "none"}, "PROGRAM_NOT_FOUND"),
        ({"checkpoint_number": 7}, "CHECKPOINT_NOT_FOUND"),
        ({"checkpoint_number": 0}, "REQUEST_INVALID"),
        ({"member_id": ""}, "REQUEST_INVALID"),
    ],
)
async def test_get_inclusion_proof_refuses_what_it_cannot_prove(
    ledger: LedgerStubs, clock: SettableClock, fields: dict, reason: str
) -> None:
    await ledger.post(earn("a", 10))
    await checkpoint(ledger, clock)
    fields = {"request_id": "a"} | fields
    assert (await refusal_of(inclusion(ledger, **fields))).reason == reason


async def test_get_inclusion_proof_of_changed_books_names_the_batch(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(earn("a", 10))
    await checkpoint(ledger, clock)
    await as_owner(ledger, "update transaction set reason = 'a gift'")
    refused = await refusal_of(inclusion(ledger, "a"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "CHAIN_BROKEN")
    assert refused.metadata["batch"] == "1"


async def test_get_consistency_proof_shows_that_nothing_was_left_out(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    for number in range(6):
        drafts = [earn(f"{number}-{each}", 5, member_id=f"m-{each}") for each in range(number * 5)]
        await asyncio.gather(*(ledger.post(draft) for draft in drafts))
        await checkpoint(ledger, clock) if drafts else None
    for earlier in range(1, 6):
        proof = await consistency(ledger, earlier)
        assert verify_consistency(proof).since_checkpoint_number == earlier
        assert proof.later.checkpoint_number == 5


@pytest.mark.parametrize(
    ("earlier", "fields", "reason"),
    [
        (1, {"later_checkpoint_number": 3}, "CHECKPOINT_NOT_FOUND"),
        (2, {}, "CHECKPOINT_NOT_FOUND"),
        (2, {"later_checkpoint_number": 1}, "REQUEST_INVALID"),
        (0, {}, "REQUEST_INVALID"),
    ],
)
async def test_get_consistency_proof_refuses_what_it_cannot_prove(
    ledger: LedgerStubs, clock: SettableClock, earlier: int, fields: dict, reason: str
) -> None:
    await ledger.post(earn("a", 10))
    await checkpoint(ledger, clock)
    assert (await refusal_of(consistency(ledger, earlier, **fields))).reason == reason


async def test_verify_journal_finds_nothing_in_sound_books(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    for number in range(30):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number % 5}"))
    await refusal_of(ledger.post(spend("refused", 1000)))
    await checkpoint(ledger, clock)
    answer = await verified(ledger, "v-1")
    assert answer.difference_count == 0, answer
    assert (answer.record_count, answer.checkpoint_count) == (31, 1)
    assert answer.account_count > 5


async def test_verify_journal_names_what_was_changed(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    await ledger.post(earn("a", 10))
    await ledger.post(earn("b", 10, member_id="m-2"))
    await as_owner(ledger, "update lot set earned = 11 where account_id = 1 and shard_id = 0")
    await as_owner(ledger, "update transaction set reason = 'x'")
    answer = await verified(ledger, "v-1")
    found = {(each.table, each.row, each.column) for each in answer.differences}
    assert ("transaction", "position 1", "digest") in found
    again = await verified(ledger, "v-1")
    assert again == answer


async def test_verify_journal_refuses_a_request_without_a_name(ledger: LedgerStubs) -> None:
    assert (await refusal_of(verified(ledger, ""))).reason == "REQUEST_INVALID"


async def test_verify_journal_goes_on_where_its_process_ended(
    ledger: LedgerStubs, clock: SettableClock
) -> None:
    for number in range(40):
        await ledger.post(earn(f"e-{number}", 10, member_id=f"m-{number % 5}"))
    await as_owner(ledger, "update transaction set reason = 'x' where position = 1")
    settings = LedgerSettings(
        database_url=ledger.database.url,
        sandbox=True,
        address="127.0.0.1:0",
        verification_step=1,
        **PATIENT,
    )
    await pause_verifying(ledger)
    request = pb.VerifyJournalRequest(request_id="v-1")
    name = (await ledger.journal.VerifyJournal(request, timeout=DEADLINE)).name
    async with serve(build, settings, clock=clock):
        done = await done_of(ledger, 5)
    assert 5 <= done < 80
    async with serve(build, settings, clock=clock) as channel:
        answer = response_of(await ended(channel, name))
    differing = {each.row for each in answer.differences if each.table == "transaction"}
    assert differing == {"position 1"}
    assert answer.record_count == 40
    attempts = "select attempts from operation"
    assert await as_owner(ledger, attempts) >= 2


async def pause_verifying(ledger: LedgerStubs) -> None:
    """Leave verifying to other processes."""
    ledger.running.foundation.operations._kinds.pop(JOB)


async def done_of(ledger: LedgerStubs, least: int) -> int:
    """How many records are verified, once it is so many."""
    for _ in range(2000):
        if (done := await as_owner(ledger, "select done from operation")) >= least:
            return done
    raise AssertionError("verifying does not get on")


async def as_owner(ledger: LedgerStubs, statement: str):
    """What somebody with all rights does."""
    owner = await asyncpg.connect(ledger.database.owner_url)
    try:
        return await owner.fetchval(statement)
    finally:
        await owner.close()


@pytest.mark.parametrize(
    "table", [each.name for each in METADATA.sorted_tables if each.info.get(HISTORY)]
)
async def test_the_role_of_the_service_cannot_change_history(
    ledger: LedgerStubs, table: str
) -> None:
    service = await asyncpg.connect(ledger.database.url)
    column = list(METADATA.tables[table].columns)[-1].name
    try:
        for statement in (
            f'update "{table}" set "{column}" = "{column}"',
            f'delete from "{table}"',
            f'truncate "{table}"',
            f'drop table "{table}"',
            f'alter table "{table}" disable trigger all',
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
    finally:
        await service.close()


def laurel(*arguments: str) -> Result:
    return CliRunner().invoke(application, arguments)


async def test_a_receipt_is_checked_from_a_file_alone(
    ledger: LedgerStubs, clock: SettableClock, tmp_path: Path
) -> None:
    await ledger.post(earn("a", 10, reason="[bold] welcome"))
    made = await checkpoint(ledger, clock)
    key = write_public_key(tmp_path / "key.pem", made.public_key)
    receipt = tmp_path / "receipt.json"
    proof = await inclusion(ledger, "a")
    receipt.write_text(MessageToJson(pb.GetInclusionProofResponse(inclusion_proof=proof)))
    told = laurel("verify-proof", str(receipt), "--key", str(key))
    assert told.exit_code == 0, told.output
    assert "request_id: a" in told.output
    assert "[bold] welcome" in told.output
    assert "the key you trust" in told.output
    shown = json.loads(laurel("verify-proof", str(receipt), "--json").output)
    assert (shown["holds"], shown["record"]["amount"]) == (True, 10)

    other = write_public_key(tmp_path / "other.pem", other_key())
    told = laurel("verify-proof", str(receipt), "--key", str(other))
    assert told.exit_code == 1
    proof.batch.first_position = 0
    receipt.write_text(MessageToJson(pb.GetInclusionProofResponse(inclusion_proof=proof)))
    refused = laurel("verify-proof", str(receipt), "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.output)["holds"] is False


def other_key() -> bytes:
    """A key that signed nothing here."""
    return KEY.private.public_key().public_bytes_raw()


async def test_a_proof_of_consistency_is_checked_from_a_file_alone(
    ledger: LedgerStubs, clock: SettableClock, tmp_path: Path
) -> None:
    for number in range(2):
        await ledger.post(earn(f"e-{number}", 10))
        await checkpoint(ledger, clock)
    answer = pb.GetConsistencyProofResponse(consistency_proof=await consistency(ledger, 1))
    file = tmp_path / "proof.json"
    file.write_text(MessageToJson(answer, preserving_proto_field_name=True))
    told = laurel("verify-proof", str(file))
    assert told.exit_code == 0, told.output
    assert "checkpoint 1 is under checkpoint 2" in told.output.replace("\n", " ")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"inclusionProof": {}}', "\xff", "null"])
def test_a_file_that_holds_no_proof_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "proof.json"
    file.write_bytes(content.encode("latin-1"))
    told = laurel("verify-proof", str(file))
    assert told.exit_code == 1
    assert "does not hold" in told.output


async def test_verify_tells_its_findings(
    ledger: LedgerStubs, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.post(earn("a", 10))
    monkeypatch.setenv("LAUREL_LEDGER_ADDRESS", f"127.0.0.1:{ledger.running.server.port}")
    told = await asyncio.to_thread(laurel, "verify", "--json")
    assert told.exit_code == 0, told.output
    await as_owner(ledger, "update account set posted = posted + 1 where kind = 1")
    told = await asyncio.to_thread(laurel, "verify")
    assert told.exit_code == 1
    assert "posted is 11, not 10" in told.output
