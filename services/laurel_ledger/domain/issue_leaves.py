"""The digests of earnings in columns: those of `chain`, without a transaction for each of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from laurel_ledger.domain import chain
from laurel_ledger.domain.issuing import Issuance
from laurel_ledger.domain.transactions import TransactionType

_FIRST = struct.Struct(">1s15s1shqhhqqqqq")
_LENGTH = struct.Struct(">I")
_MOVEMENT = struct.Struct(">Iiqqq")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningColumns:
    """Earnings of one shard as they are recorded, in the order of its log."""

    indexes: Sequence[int]
    """Which of the issuance they are."""
    first_position: int
    """In the log; the others follow one by one."""
    commit_times: Sequence[int]
    versions: Sequence[int]
    posted_after: Sequence[int]
    lot_nos: Sequence[int]
    lot_positions: Sequence[int]


def leaves_of(
    issuance: Issuance, earnings: EarningColumns, *, shard_id: int, expire_time: int
) -> list[bytes]:
    """The digest of each; instants are in microseconds, as the chain counts them."""
    template, text = issuance.template, chain.text_bytes
    given = template.given
    effective = template.effective_time and chain.microseconds(template.effective_time)
    program, funder = text(template.program_id), text(template.counter_account_id)
    asset = text(template.asset_id)
    revision = text(template.program_revision or issuance.terms.revision_id)
    rest = funder + text(template.reason) + revision + chain.labels_bytes(template.labels)
    member_ids, request_ids, amounts = issuance.member_ids, issuance.request_ids, issuance.amounts
    first, length, movement, earn = _FIRST.pack, _LENGTH.pack, _MOVEMENT.pack, TransactionType.EARN
    position = earnings.first_position
    leaves = []
    for index, commit, version, posted, lot_no, lot_position in zip(
        earnings.indexes,
        earnings.commit_times,
        earnings.versions,
        earnings.posted_after,
        earnings.lot_nos,
        earnings.lot_positions,
        strict=True,
    ):
        member, name = member_ids[index].encode(), request_ids[index].encode()
        amount = amounts[index]
        effective_time = commit if effective is None else effective
        content = (
            first(
                *(b"\x00", chain.VERSION, chain.POSTED, shard_id, position, earn, given),
                *(amount, version, posted, commit, effective_time),
            )
            + program
            + length(len(member))
            + member
            + asset
            + length(len(name))
            + name
            + rest
            + movement(1, lot_no, amount, lot_position, expire_time)
            + funder
        )
        leaves.append(sha256(content).digest())
        position += 1
    return leaves
