"""Rows of holds and of what was done to them, as values of the domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from laurel_ledger.domain.accounts import AccountKey, Hold, HoldState, Pin
from laurel_ledger.domain.changes import HoldEvent
from laurel_ledger.domain.transactions import (
    HoldDraft,
    TransactionType,
)
from laurel_ledger.storage.request_keys import request_id_of

MICROSECOND = timedelta(microseconds=1)

Row = Mapping[str, Any]


def hold_of(row: Row) -> Hold:
    """A hold from its row and that of its account."""
    return Hold(
        key=AccountKey(row["program_id"], row["member_id"], row["asset_id"]),
        hold_id=request_id_of(row["hold_key"], row["hold_id"]),
        amount=row["amount"],
        captured=row["captured"],
        released=row["released"],
        create_time=row["create_time"],
        expire_time=row["expire_time"],
        pins=tuple(Pin(*pin) for pin in json.loads(row["pins"])),
        state=HoldState(row["state"]),
    )


def hold_from(row: Row, key: AccountKey) -> Hold:
    """A hold of an account from its row as JSON."""
    return Hold(
        key=key,
        hold_id=request_id_of(row["hold_key"], row["hold_id"]),
        amount=row["amount"],
        captured=row["captured"],
        released=row["released"],
        create_time=datetime.fromisoformat(row["create_time"]),
        expire_time=datetime.fromisoformat(row["expire_time"]),
        pins=tuple(Pin(*pin) for pin in row["pins"]),
        state=HoldState(row["state"]),
    )


def event_text(event: HoldEvent) -> str:
    """What was done to a hold as it is stored, with the hold after it."""
    hold = event.hold
    content = {
        "hold_id": hold.hold_id,
        "amount": hold.amount,
        "captured": hold.captured,
        "released": hold.released,
        "create_time": hold.create_time.isoformat(),
        "expire_time": hold.expire_time.isoformat(),
        "pins": hold.pins,
        "state": hold.state,
        "held_after": event.held_after,
        "expiring": event.expiring,
        "lifetime": microseconds_of(event.lifetime),
        "final": event.final,
    }
    return json.dumps(content)


def event_of(key: AccountKey, text: str) -> HoldEvent:
    """The same from what is stored."""
    content = json.loads(text)
    return HoldEvent(
        hold=Hold(
            key=key,
            hold_id=content["hold_id"],
            amount=content["amount"],
            captured=content["captured"],
            released=content["released"],
            create_time=datetime.fromisoformat(content["create_time"]),
            expire_time=datetime.fromisoformat(content["expire_time"]),
            pins=tuple(Pin(*pin) for pin in content["pins"]),
            state=HoldState(content["state"]),
        ),
        held_after=content["held_after"],
        expiring=content["expiring"],
        lifetime=lifetime_of(content["lifetime"]),
        final=content["final"],
    )


def asked_of_hold(draft: HoldDraft) -> dict[str, Any]:
    """What a refused change of a hold asked for, beside the columns it shares with others."""
    return {
        "hold_id": draft.hold_id,
        "amount": draft.amount,
        "lifetime": microseconds_of(draft.lifetime),
        "final": draft.final,
        "counter_account_id": draft.counter_account_id,
    }


def refused_hold(row: Row, refusal: Row) -> HoldDraft:
    """The same from what is stored."""
    asked = refusal["hold"]
    return HoldDraft(
        program_id=row["program_id"],
        request_id=request_id_of(row["request_key"], row["request_id"]),
        type=TransactionType(row["type"]),
        member_id=row["member_id"],
        asset_id=row["asset_id"],
        hold_id=asked["hold_id"],
        amount=asked["amount"],
        lifetime=lifetime_of(asked["lifetime"]),
        final=asked["final"],
        counter_account_id=asked["counter_account_id"],
        reason=row["reason"] or "",
        labels=json.loads(row["labels"]) if row["labels"] else {},
        program_revision=refusal.get("program_revision", ""),
    )


def microseconds_of(lifetime: timedelta | None) -> int | None:
    """A lifetime as it is stored."""
    return None if lifetime is None else lifetime // MICROSECOND


def lifetime_of(microseconds: int | None) -> timedelta | None:
    """The same from what is stored."""
    return None if microseconds is None else microseconds * MICROSECOND
