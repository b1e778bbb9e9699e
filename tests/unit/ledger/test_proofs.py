"""Proofs of the ledger before a verifier that shares no code with it."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import laurel_cli.proofs
import laurel_cli.records
import pytest
from google.protobuf.message import Message
from laurel_cli.proofs import (
    tree_root,
    verify_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from laurel_cli.records import ProofRefused, read_record
from laurel_ledger.domain.accounts import AccountKey, Hold, Pin
from laurel_ledger.domain.chain import leaf_of, record_bytes
from laurel_ledger.domain.changes import Activation, Exchange, Given, HoldEvent, LotChange, Transfer
from laurel_ledger.domain.errors import BalanceLimitExceeded, InsufficientPoints
from laurel_ledger.domain.reversal_terms import LateRestore, Reversal, Shortfall
from laurel_ledger.domain.spendings import (
    AskedLine,
    Line,
    LineReversal,
    LineReversals,
    LotPolicy,
    Spending,
    SpendShortfall,
)
from laurel_ledger.domain.transactions import Rejection, TransactionType
from laurel_ledger.domain.trees import root_of

from tests.support.ledger import NOON, earn, freeze, hold, reverse, spend
from tests.support.proofs import KEY, Log, random_log, random_record, transaction_of

PROOFS = 10_000
SEEDS = 20
PUBLIC = KEY.private.public_key().public_bytes_raw()


def refused(verify, proof: Message) -> bool:
    try:
        verify(proof, PUBLIC)
    except ProofRefused:
        return True
    return False


def tampered(message: Message, random: Random) -> Message:
    """The message with one value in it changed: a bit, a number, an element of a list."""
    changed = type(message)()
    changed.CopyFrom(message)
    while True:
        owner, field = random.choice(places(changed))
        value = getattr(owner, field.name)
        if field.is_repeated:
            if not value:
                continue
            index = random.randrange(len(value))
            if field.message_type or random.random() < 0.3:
                del value[index]
            else:
                value[index] = flipped(value[index], random)
        else:
            setattr(owner, field.name, flipped(value, random))
        if changed != message:
            return changed


def places(message: Message) -> list:
    """Every field that could be changed, with the message it belongs to."""
    found = []
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated or not field.message_type:
            found.append((message, field))
        if field.message_type:
            for each in value if field.is_repeated else [value]:
                found += places(each)
    return found


def flipped(value, random: Random):
    """The value with one bit changed."""
    if isinstance(value, int):
        return value ^ (1 << random.randrange(10))
    if not value:
        return b"\x00"
    index = random.randrange(len(value))
    return value[:index] + bytes([value[index] ^ (1 << random.randrange(8))]) + value[index + 1 :]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_proof_of_a_random_record_holds_and_no_tampered_one_does(seed: int) -> None:
    log = random_log(seed)
    for _ in range(PROOFS // SEEDS // 2):
        for prove, verify in (
            (log.inclusion, verify_inclusion),
            (log.consistency, verify_consistency),
        ):
            proof = prove()
            verify(proof, PUBLIC)
            changed = tampered(proof, log.random)
            assert refused(verify, changed), changed


def test_the_verifier_shares_no_code_with_the_ledger() -> None:
    for module in (laurel_cli.proofs, laurel_cli.records):
        tree = ast.parse(Path(module.__file__).read_text())
        names = [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
        assert not [name for name in names if name.startswith(("laurel_ledger", "laurel_kit"))]


def test_both_sides_make_the_same_root() -> None:
    leaves = [bytes([each]) * 32 for each in range(40)]
    for size in range(1, len(leaves)):
        assert tree_root(leaves[:size]) == root_of(leaves[:size])


def test_a_proof_before_a_key_that_is_not_trusted_is_refused() -> None:
    proof = random_log(1).inclusion()
    verify_inclusion(proof)
    with pytest.raises(ProofRefused, match="another key"):
        verify_inclusion(proof, bytes(32))


def test_a_proof_of_another_record_is_refused() -> None:
    log = random_log(2)
    first, second = log.inclusion(), log.inclusion()
    while first.record == second.record:
        second = log.inclusion()
    first.record = second.record
    assert refused(verify_inclusion, first)


def test_a_ledger_that_forgot_a_batch_cannot_prove_consistency() -> None:
    log, forgetful = random_log(3), random_log(3)
    shard = max(forgetful.shards, key=lambda each: len(each.batches))
    records = list(shard.records)
    shard.batches, shard.records = [], []
    for each in (*records[:-2], records[-1], [random_record(log.random, 5)]):
        shard.close(each)
    forgetful.grow(4)
    forgetful.checkpoints = [log.checkpoints[-1], forgetful.checkpoints[-1]]
    forgetful.random = Random(4)
    proof = forgetful.consistency()
    while proof.earlier == proof.later:
        proof = forgetful.consistency()
    assert refused(verify_consistency, proof)


def test_a_checkpoint_signed_over_something_else_is_refused() -> None:
    log: Log = random_log(5)
    proof = log.inclusion()
    proof.checkpoint.signature = log.inclusion().checkpoint.public_key * 2
    with pytest.raises(ProofRefused, match="signature"):
        verify_checkpoint(proof.checkpoint, PUBLIC)


TRANSACTION = transaction_of(earn(10, labels={"a": "b"}), 1)
MOVEMENT = TRANSACTION.movements[0]
REVERSAL = Reversal(
    reversed_request_id="r-1",
    original_amount=10,
    reversed_before=0,
    requested=5,
    late_restore=LateRestore.GRACE,
    grace_days=3,
    shortfall=Shortfall.DEBT,
)
HELD = HoldEvent(
    hold=Hold(
        key=TRANSACTION.key,
        hold_id="h-1",
        amount=7,
        create_time=NOON,
        expire_time=NOON + timedelta(hours=1),
        pins=(Pin(1, 7),),
    ),
    held_after=7,
    lifetime=timedelta(hours=1),
)
SPENDING = Spending(requested=10, lines=(Line("a", 4), Line("b", 6)))
OTHERWISE = {
    "key": AccountKey("jd", "m-2", "bean"),
    "request_id": "other",
    "type": TransactionType.SPEND,
    "amount": 11,
    "counter_account_id": "merchant",
    "version": 3,
    "posted_after": 11,
    "commit_time": NOON + timedelta(hours=1),
    "effective_time": NOON + timedelta(hours=1),
    "reason": "other",
    "labels": {"a": "c"},
    "program_revision": "sha256:second",
    "given": Given.EFFECTIVE_TIME,
    "movements": (MOVEMENT, MOVEMENT),
    "reversal": REVERSAL,
    "hold": HELD,
    "activation": Activation(NOON, None),
    "lots": LotChange(lot_nos=(1,), lots=(Pin(1, 7),)),
    "spending": SPENDING,
    "transfer": Transfer(member_id="m-2", request_id="other"),
    "conversion": Exchange(asset_id="coin", request_id="other", amount=3),
    "cost": 0,
}
MOVED_OTHERWISE = {
    "lot_no": 2,
    "amount": 11,
    "position": 7,
    "funding_account_id": "merchant",
    "expire_time": None,
}
DRAFT = spend(5, labels={"a": "b"})
DRAFTED_OTHERWISE = {
    "program_id": "other",
    "request_id": "other",
    "type": TransactionType.EARN,
    "member_id": "m-2",
    "asset_id": "coin",
    "amount": 6,
    "counter_account_id": "other",
    "expire_time": NOON,
    "effective_time": NOON,
    "reason": "other",
    "labels": {"a": "c"},
    "program_revision": "sha256:second",
    "active_time": NOON,
    "activation_key": "key",
    "spending": SPENDING,
    "to_member_id": "m-2",
    "to_asset_id": "coin",
    "cost": 0,
}
REFUSAL = InsufficientPoints(asset_id="bean", available=1, requested=5)


def digest(record) -> bytes:
    return leaf_of(record, shard_id=1, position=1)


@pytest.mark.parametrize("field", [each.name for each in fields(TRANSACTION)])
def test_every_field_of_a_transaction_is_in_its_digest(field: str) -> None:
    assert digest(replace(TRANSACTION, **{field: OTHERWISE[field]})) != digest(TRANSACTION)


@pytest.mark.parametrize("field", [each.name for each in fields(MOVEMENT)])
def test_every_field_of_a_movement_is_in_the_digest(field: str) -> None:
    moved = replace(MOVEMENT, **{field: MOVED_OTHERWISE[field]})
    assert digest(replace(TRANSACTION, movements=(moved,))) != digest(TRANSACTION)


ASKED = [each.name for each in fields(DRAFT) if each.name != "conditions"]
"""What a draft asks for; on what condition is no part of it."""


@pytest.mark.parametrize("field", ASKED)
def test_every_field_of_a_refused_draft_is_in_the_digest(field: str) -> None:
    refusal = Rejection(draft=DRAFT, error=REFUSAL, commit_time=NOON)
    other = replace(refusal, draft=replace(DRAFT, **{field: DRAFTED_OTHERWISE[field]}))
    assert digest(other) != digest(refusal)


def test_what_a_refusal_says_is_in_the_digest() -> None:
    refusal = Rejection(draft=DRAFT, error=REFUSAL, commit_time=NOON)
    others = [
        replace(refusal, commit_time=NOON + timedelta(microseconds=1)),
        replace(refusal, error=InsufficientPoints(asset_id="bean", available=2, requested=5)),
        replace(
            refusal,
            error=BalanceLimitExceeded(asset_id="bean", posted=1, amount=2, balance_max=2),
        ),
    ]
    assert len({digest(each) for each in (refusal, *others)}) == 4


SAID_OTHERWISE = [
    replace(SPENDING, requested=11),
    replace(SPENDING, shortfall=SpendShortfall.DEBT),
    replace(SPENDING, lot_policy=LotPolicy.OLDEST),
    replace(SPENDING, lot_policy=LotPolicy.NEWEST),
    replace(SPENDING, lines=(Line("a", 5), Line("b", 6))),
    replace(SPENDING, lines=(Line("c", 4), Line("b", 6))),
]
LINES = LineReversals(asked=(AskedLine("a", 3),), lines=(LineReversal("a", 1, 3),))
DONE_OTHERWISE = [
    None,
    replace(LINES, asked=()),
    replace(LINES, asked=(AskedLine("a"),)),
    replace(LINES, lines=(LineReversal("b", 1, 3),)),
    replace(LINES, lines=(LineReversal("a", 2, 3),)),
    replace(LINES, lines=(LineReversal("a", 1, 2),)),
]


def test_what_is_said_of_lines_is_in_the_digest() -> None:
    spendings = [replace(TRANSACTION, spending=each) for each in (SPENDING, *SAID_OTHERWISE)]
    assert len({digest(each) for each in spendings}) == 7
    reversals = [replace(REVERSAL, of_lines=each) for each in (LINES, *DONE_OTHERWISE)]
    assert len({digest(replace(TRANSACTION, reversal=each)) for each in reversals}) == 7
    asked = [reverse(DRAFT, lines=each) for each in ((), LINES.asked, (AskedLine("a"),))]
    refusals = [Rejection(draft=each, error=REFUSAL, commit_time=NOON) for each in asked]
    assert len({digest(each) for each in refusals}) == 3


def test_a_place_is_in_the_digest() -> None:
    digests = {
        leaf_of(TRANSACTION, shard_id=shard, position=position)
        for shard in (0, 1)
        for position in (1, 2)
    }
    assert len(digests) == 4


def test_labels_and_texts_never_run_into_one_another() -> None:
    variants = [
        {"labels": {"ab": "c"}},
        {"labels": {"a": "bc"}},
        {"labels": {"a": "b", "c": ""}},
        {"labels": {}, "reason": "abc"},
        {"labels": {}, "reason": "ab", "program_revision": "c"},
    ]
    assert len({digest(replace(TRANSACTION, **each)) for each in variants}) == len(variants)


def test_the_verifier_reads_back_what_was_recorded() -> None:
    read = read_record(record_bytes(TRANSACTION, shard_id=2, position=9))
    assert (read["shard"], read["position"], read["outcome"]) == (2, 9, "posted")
    assert (read["type"], read["amount"], read["member_id"]) == ("earn", 10, "m-1")
    assert read["labels"] == [{"a": "b"}]
    assert read["lot_movements"][0]["amount"] == 10
    refusal = Rejection(draft=DRAFT, error=REFUSAL, commit_time=NOON)
    read = read_record(record_bytes(refusal, shard_id=0, position=1))
    assert (read["outcome"], read["refusal"]) == ("refused", "InsufficientPoints")
    assert {"available": 1} in read["facts"]
    assert read["expire_time"] is None


def test_the_verifier_reads_back_what_only_some_records_have() -> None:
    read = read_record(
        record_bytes(replace(TRANSACTION, reversal=REVERSAL), shard_id=2, position=9)
    )
    assert (read["reversal"]["requested"], read["reversal"]["grace_days"]) == (5, 3)
    assert read["reversal"]["reversed_request_id"] == "r-1"
    read = read_record(record_bytes(replace(TRANSACTION, hold=HELD), shard_id=2, position=9))
    assert (read["hold"]["hold_id"], read["hold"]["pins"]) == ("h-1", [{"1": 7}])
    later = replace(TRANSACTION, activation=Activation(NOON, None))
    read = read_record(record_bytes(later, shard_id=2, position=9))
    assert (read["active_time"], read["activation_key"]) == (NOON.isoformat(), "")
    changed = replace(
        TRANSACTION, lots=LotChange(lot_nos=(1,), freeze_key="case", lots=(Pin(1, 7),))
    )
    read = read_record(record_bytes(changed, shard_id=2, position=9))
    assert (read["lot_ids"], read["with_freeze_key"], read["lots"]) == (["1"], "case", [{"1": 7}])
    back = reverse(DRAFT, late_restore=LateRestore.GRACE, grace_days=3)
    asked = (
        (back, "grace_days", 3),
        (hold(7), "lifetime", 3_600_000_000),
        (freeze(), "with_freeze_key", "case"),
        (earn(1, activation_key="key"), "activation_key", "key"),
    )
    for draft, name, value in asked:
        refusal = Rejection(draft=draft, error=REFUSAL, commit_time=NOON)
        assert read_record(record_bytes(refusal, shard_id=0, position=1))[name] == value


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_half_a_record_is_refused(cut: int) -> None:
    content = record_bytes(TRANSACTION, shard_id=2, position=9)
    for damaged in (content[:-cut], content + bytes(cut), content[cut:]):
        with pytest.raises(ProofRefused):
            read_record(damaged)
