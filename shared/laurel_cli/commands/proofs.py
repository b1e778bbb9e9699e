"""`laurel verify-proof` and `laurel verify`: whether the ledger is what it says."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import json_format
from laurel.ledger.v1.journal_pb2 import (
    GetConsistencyProofResponse,
    GetInclusionProofResponse,
    VerifyJournalRequest,
    VerifyJournalResponse,
)
from laurel.ledger.v1.journal_pb2_grpc import JournalServiceStub
from laurel.type.v1.operation_pb2 import OperationProgress
from rich.markup import escape

from laurel_cli.commands.options import DATA, Data, Json
from laurel_cli.commands.running import run_connected
from laurel_cli.connections import Connections
from laurel_cli.output import ERRORS, EXIT_REFUSED, as_json, fail, print_json, say
from laurel_cli.proofs import Proved, verify_consistency, verify_inclusion
from laurel_cli.records import ProofRefused

DEADLINE = 20.0
"""Seconds a call may take."""
POLL_INTERVAL = 0.5
"""Seconds between two looks at how far it is."""

Receipt = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, help="An answer with a proof, JSON."),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", exists=True, dir_okay=False, help="The public key you trust, PEM."),
]


def verify_proof(file: Receipt, key: Key = None, *, json: Json = False) -> None:
    """Check a receipt or a proof of consistency. Needs no running suite and no database."""
    trusted = None if key is None else read_key(key)
    try:
        shown = check(file.read_bytes(), trusted)
    except ProofRefused as refusal:
        if json:
            print_json({"holds": False, "why": str(refusal)})
            raise typer.Exit(EXIT_REFUSED) from None
        fail(f"The proof does not hold: {refusal}")
    if json:
        print_json({"holds": True} | asdict(shown) | {"create_time": shown.create_time.isoformat()})
    else:
        tell(shown, trusted=trusted is not None)


def check(content: bytes, trusted: bytes | None) -> Proved:
    """Check whichever proof it is. Raises ProofRefused."""
    receipt, consistency = GetInclusionProofResponse(), GetConsistencyProofResponse()
    for message in (receipt, consistency):
        try:
            json_format.Parse(content, message)
        except (json_format.ParseError, UnicodeDecodeError):
            continue
        if message is receipt and receipt.HasField("inclusion_proof"):
            return verify_inclusion(receipt.inclusion_proof, trusted)
        if message is consistency and consistency.HasField("consistency_proof"):
            return verify_consistency(consistency.consistency_proof, trusted)
    raise ProofRefused("the file holds no answer of GetInclusionProof or GetConsistencyProof")


def read_key(file: Path) -> bytes:
    """The public key in a PEM file."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise typer.BadParameter(f"{file} holds no Ed25519 public key")
    return key.public_bytes_raw()


def tell(shown: Proved, *, trusted: bool) -> None:
    """Print what was proved."""
    if shown.since_checkpoint_number is not None:
        say(
            f"Everything under checkpoint {shown.since_checkpoint_number} is under checkpoint "
            f"{shown.checkpoint_number}, unchanged."
        )
    for name, value in shown.record.items():
        if value not in ("", [], None):
            say(f"{name}: {escape(str(value))}")
    whose = "the key you trust" if trusted else f"key {shown.public_key}"
    say(
        f"Under checkpoint {shown.checkpoint_number} of {shown.create_time:%Y-%m-%d %H:%M:%S} UTC, "
        f"{shown.record_count:,} records, signed by {whose}."
    )
    if not trusted:
        say("Is that the ledger's key? With --key FILE it is compared with the one you trust.")


def verify(data: Data = DATA, *, json: Json = False) -> None:
    """Have the ledger verify its books; every difference is named, and the exit code is 1."""
    answer = run_connected(data, verify_journal, json=json)
    if json:
        print_json(as_json(answer))
    else:
        tell_verified(answer)
    if answer.difference_count:
        raise typer.Exit(EXIT_REFUSED)


async def verify_journal(connections: Connections) -> VerifyJournalResponse:
    """Start it, tell how far it is, and wait for its end."""
    request = VerifyJournalRequest(request_id=str(uuid4()))
    journal = JournalServiceStub(connections.ledger)
    operations = operations_pb2_grpc.OperationsStub(connections.ledger)
    operation = await journal.VerifyJournal(request, timeout=DEADLINE)
    name = operations_pb2.GetOperationRequest(name=operation.name)
    while not operation.done:
        tell_progress(operation)
        await asyncio.sleep(POLL_INTERVAL)
        operation = await operations.GetOperation(name, timeout=DEADLINE)
    if operation.HasField("error"):
        fail(f"Verifying broke off: {operation.error.message}")
    answer = VerifyJournalResponse()
    operation.response.Unpack(answer)
    return answer


def tell_progress(operation: operations_pb2.Operation) -> None:
    """Print how far it is."""
    progress = OperationProgress()
    operation.metadata.Unpack(progress)
    if progress.done:
        ERRORS.print(
            f"{progress.done:,} of {progress.total:,} records read, {progress.per_second:,}/s"
        )


def tell_verified(answer: VerifyJournalResponse) -> None:
    """Print what was found."""
    for each in answer.differences:
        where = f"{each.table} shard {each.shard_id} {each.row}"
        say(f"{where}: {each.column or 'row'} is {escape(each.found)}, not {escape(each.expected)}")
    say(
        f"{answer.record_count:,} records, {answer.account_count:,} accounts, "
        f"{answer.checkpoint_count:,} checkpoints: {answer.difference_count:,} differences."
    )
