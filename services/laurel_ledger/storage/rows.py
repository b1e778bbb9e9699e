"""Rows of the books as values of the domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from laurel_ledger.domain.accounts import AccountKey, Movement
from laurel_ledger.domain.changes import Activation, Given
from laurel_ledger.domain.errors import LASTING, LedgerError
from laurel_ledger.domain.reversal_terms import LateRestore, Reversal, Shortfall
from laurel_ledger.domain.spendings import AskedLine
from laurel_ledger.domain.transactions import (
    AnyDraft,
    Draft,
    HoldDraft,
    Record,
    Rejection,
    ReversalDraft,
    Transaction,
    TransactionType,
)
from laurel_ledger.storage.hold_rows import asked_of_hold, event_of, refused_hold
from laurel_ledger.storage.lot_rows import change_of, exchange_of, transfer_of
from laurel_ledger.storage.request_keys import request_id_of
from laurel_ledger.storage.spend_rows import (
    cost_of,
    line_reversals_of,
    spending_content,
    spending_of,
)

RECORD = """
select
    t.shard_id, t.position, t.type, t.given, t.version, t.amount, t.posted_after, t.commit_time,
    t.request_key, t.effective_time, t.request_id, t.reason, t.labels::text as labels,
    t.refusal::text as refusal,
    m.program_id, m.holder_id as member_id, m.asset_id,
    c.holder_id as counter_account_id, r.program_revision,
    moved.lot_nos, moved.amounts, moved.positions, moved.funding_account_ids, moved.expire_times,
    back.reversed_key, back.reversed_request_id, back.original_amount, back.reversed_before,
    back.requested, back.late, back.late_restore, back.grace_days, back.shortfall,
    held.content::text as hold_event, changed.content::text as lot_event,
    spent.content::text as spend_event,
    moved.active_times,
    moved.activation_keys
"""
"""What a record is read from, whatever leads to it; goes before a `from` with a row `t`."""

SIGNED = """
case
    when t.type in (1, 4, 18, 20, 22, 23) then t.amount
    when t.type < 7 or t.type in (14, 17, 19, 21, 24) then -t.amount
    else 0
end
"""
"""What a transaction `t` adds to the member's account."""

MOVED = f"""
    select t.lot_no, {SIGNED} as amount,
        t.lot_position as position, 0 as ordinal
    where t.lot_no is not null
    union all
    select s.lot_no, s.amount, s.position, s.ordinal
    from lot_movement s
    where t.lot_no is null and s.shard_id = t.shard_id and s.account_id = t.account_id
        and s.version = t.version
"""  # noqa: S608  # No value of a caller is in the text.
"""What a transaction did to lots; a part of a statement with a row `t`."""

AROUND_RECORD = f"""
join account m on m.shard_id = t.shard_id and m.account_id = t.account_id
left join account c on c.shard_id = t.shard_id and c.account_id = t.counter_account_id
left join revision_name r on r.revision_no = t.revision_no
left join lateral (
    select
        array_agg(v.lot_no order by v.ordinal) as lot_nos,
        array_agg(v.amount order by v.ordinal) as amounts,
        array_agg(v.position order by v.ordinal) as positions,
        array_agg(f.holder_id order by v.ordinal) as funding_account_ids,
        array_agg(l.expire_time order by v.ordinal) as expire_times,
        array_agg(l.active_time order by v.ordinal) as active_times,
        array_agg(l.activation_key order by v.ordinal) as activation_keys
    from ({MOVED}) v
    join lot l on l.shard_id = t.shard_id and l.account_id = t.account_id and l.lot_no = v.lot_no
    join account f on f.shard_id = l.shard_id and f.account_id = l.funding_account_id
) moved on true
left join lateral (
    select v.*
    from reversal v
    where t.type in (4, 5) and v.shard_id = t.shard_id and v.position = t.position
) back on true
left join lateral (
    select e.content
    from hold_event e
    where t.type between 6 and 10 and e.shard_id = t.shard_id and e.position = t.position
) held on true
left join lateral (
    select e.content
    from lot_event e
    where t.type in (11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22)
        and e.shard_id = t.shard_id and e.position = t.position
) changed on true
left join lateral (
    select e.content
    from spend_event e
    where (t.type in (2, 4) or t.given & 32 > 0) and e.shard_id = t.shard_id
        and e.position = t.position
) spent on true
"""  # noqa: S608  # No value of a caller is in the text.
"""The joins that a record needs; goes after a `from` with a row `t`."""

Row = Mapping[str, Any]


def record_of(row: Row) -> Record:
    """A transaction, or the refusal that is kept in its place."""
    return transaction_of(row) if row["refusal"] is None else rejection_of(row)


def transaction_of(row: Row) -> Transaction:
    """A posted transaction."""
    key = AccountKey(row["program_id"], row["member_id"], row["asset_id"])
    return Transaction(
        key=key,
        request_id=request_id_of(row["request_key"], row["request_id"]),
        type=TransactionType(row["type"]),
        amount=row["amount"],
        counter_account_id=row["counter_account_id"] or "",
        version=row["version"],
        posted_after=row["posted_after"],
        movements=tuple(map(_movement, *(row[name] or () for name in _MOVED))),
        commit_time=row["commit_time"],
        effective_time=row["effective_time"] or row["commit_time"],
        reason=row["reason"] or "",
        labels=json.loads(row["labels"]) if row["labels"] else {},
        program_revision=row["program_revision"],
        given=Given(row["given"]),
        reversal=_reversal_of(row) if row["reversed_key"] else None,
        hold=event_of(key, row["hold_event"]) if row["hold_event"] else None,
        activation=_activation_of(row) if row["type"] == TransactionType.EARN else None,
        **_of_lots(row),
        spending=spending_of(row["spend_event"]) if row["type"] == TransactionType.SPEND else None,
        cost=cost_of(row["spend_event"]) if row["type"] == TransactionType.EARN else None,
    )


BETWEEN_MEMBERS = (
    TransactionType.TRANSFER_OUT,
    TransactionType.TRANSFER_IN,
    TransactionType.MERGE_OUT,
    TransactionType.MERGE_IN,
)
"""The types whose other side is a transaction of another member."""


def _of_lots(row: Row) -> dict[str, Any]:
    """What a transaction says of lots, or what is on the other side of it."""
    if not row["lot_event"]:
        return {}
    if row["type"] in BETWEEN_MEMBERS:
        return {"transfer": transfer_of(row["lot_event"])}
    if row["type"] in (TransactionType.EXCHANGE_OUT, TransactionType.EXCHANGE_IN):
        return {"conversion": exchange_of(row["lot_event"])}
    return {"lots": change_of(row["lot_event"])}


def _activation_of(row: Row) -> Activation | None:
    """That of the lot which was filled: lots with one are filled by earnings of the same only."""
    time, key = row["active_times"][0], row["activation_keys"][0]
    return None if time is None and key is None else Activation(time, key)


def _reversal_of(row: Row) -> Reversal:
    return Reversal(
        reversed_request_id=request_id_of(row["reversed_key"], row["reversed_request_id"]),
        original_amount=row["original_amount"],
        reversed_before=row["reversed_before"],
        requested=row["requested"],
        late_restore=LateRestore(row["late_restore"]),
        grace_days=row["grace_days"],
        shortfall=Shortfall(row["shortfall"]),
        late=row["late"],
        of_lines=line_reversals_of(row["spend_event"]),
    )


_MOVED = ("lot_nos", "amounts", "positions", "funding_account_ids", "expire_times")


def _movement(
    lot_no: int, amount: int, position: int, funding: str, expire_time: datetime | None
) -> Movement:
    return Movement(
        lot_no=lot_no,
        amount=amount,
        position=position,
        funding_account_id=funding,
        expire_time=expire_time,
    )


def rejection_of(row: Row) -> Rejection:
    """A kept refusal with the draft it answered."""
    refusal = json.loads(row["refusal"])
    fields = {
        name: datetime.fromisoformat(value) if name.endswith("_time") else value
        for name, value in refusal["fields"].items()
    }
    error: LedgerError = LASTING[refusal["error"]](**fields)
    return Rejection(draft=_draft_of(row, refusal), error=error, commit_time=row["commit_time"])


def _draft_of(row: Row, refusal: Row) -> AnyDraft:
    if "reversal" in refusal:
        return _refused_reversal(row, refusal)
    return refused_hold(row, refusal) if "hold" in refusal else _refused(row, refusal)


def _refused(row: Row, refusal: Row) -> Draft:
    expire_time, active_time = refusal.get("expire_time"), refusal.get("active_time")
    return Draft(
        program_id=row["program_id"],
        request_id=request_id_of(row["request_key"], row["request_id"]),
        type=TransactionType(row["type"]),
        member_id=row["member_id"],
        asset_id=row["asset_id"],
        amount=row["amount"],
        counter_account_id=refusal["counter_account_id"],
        expire_time=datetime.fromisoformat(expire_time) if expire_time else None,
        effective_time=row["effective_time"],
        reason=row["reason"] or "",
        labels=json.loads(row["labels"]) if row["labels"] else {},
        program_revision=refusal.get("program_revision", ""),
        active_time=datetime.fromisoformat(active_time) if active_time else None,
        activation_key=refusal.get("activation_key"),
        spending=spending_of(refusal.get("spending")),
        to_member_id=refusal.get("to_member_id", ""),
        to_asset_id=refusal.get("to_asset_id", ""),
        cost=refusal.get("cost"),
    )


def _refused_reversal(row: Row, refusal: Row) -> ReversalDraft:
    asked = refusal["reversal"]
    return ReversalDraft(
        program_id=row["program_id"],
        request_id=request_id_of(row["request_key"], row["request_id"]),
        type=TransactionType(row["type"]),
        member_id=row["member_id"],
        asset_id=row["asset_id"],
        reversed_request_id=asked["reversed_request_id"],
        amount=asked["amount"],
        lines=tuple(AskedLine(*line) for line in asked["lines"]),
        late_restore=LateRestore(asked["late_restore"]),
        grace_days=asked["grace_days"],
        shortfall=Shortfall(asked["shortfall"]),
        effective_time=row["effective_time"],
        reason=row["reason"] or "",
        labels=json.loads(row["labels"]) if row["labels"] else {},
        program_revision=refusal.get("program_revision", ""),
    )


_ASKED_OF_REVERSAL = (
    *("reversed_request_id", "amount", "lines", "late_restore", "grace_days", "shortfall"),
)


def refusal_text(rejection: Rejection) -> str:
    """What a kept refusal stores beside the columns it shares with transactions."""
    draft, error = rejection.draft, rejection.error
    fields = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in vars(error).items()
    }
    content: dict[str, object] = {"error": type(error).__name__, "fields": fields}
    if isinstance(draft, ReversalDraft):
        content["reversal"] = {name: getattr(draft, name) for name in _ASKED_OF_REVERSAL}
    elif isinstance(draft, HoldDraft):
        content["hold"] = asked_of_hold(draft)
    else:
        assert isinstance(draft, Draft), "no refusal of a change of lots is kept"
        content |= _asked_of(draft)
    if draft.program_revision:
        content["program_revision"] = draft.program_revision
    return json.dumps(content)


def _asked_of(draft: Draft) -> dict[str, object]:
    """What only some drafts say, and whose account is on the other side."""
    asked = {
        "counter_account_id": draft.counter_account_id,
        "expire_time": draft.expire_time and draft.expire_time.isoformat(),
        "active_time": draft.active_time and draft.active_time.isoformat(),
        "activation_key": draft.activation_key,
        "to_member_id": draft.to_member_id or None,
        "to_asset_id": draft.to_asset_id or None,
        "spending": draft.spending and spending_content(draft.spending),
        "cost": draft.cost,
    }
    return {name: value for name, value in asked.items() if value is not None}


def asked_amount(draft: AnyDraft) -> int:
    """How much a refused draft asked for, as it is stored; one point stands for all that remain."""
    return draft.amount or 1


def labels_text(labels: Mapping[str, str]) -> str | None:
    """Labels as they are stored; none take no space."""
    return json.dumps(labels, ensure_ascii=False) if labels else None
