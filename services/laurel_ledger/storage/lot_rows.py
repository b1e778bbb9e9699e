"""Rows of lots and of what was done to them, as values of the domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from laurel_ledger.domain.accounts import Lot, Pin
from laurel_ledger.domain.changes import CarriedLot, Exchange, LotChange, Transfer

Row = Mapping[str, Any]

STATE = "l.active_time, l.activation_key, l.activated, l.freeze_key, l.parent_lot_no"
"""Columns that say when or on what a lot `l` is active, why it is frozen, and what it continues."""


def lot_of(row: Row, *, expired: bool = False) -> Lot:
    """A lot from its row."""
    return Lot(
        lot_no=row["lot_no"],
        funding_account_id=row["funding_account_id"],
        expire_time=row["expire_time"],
        create_time=row["create_time"],
        earned=row["earned"],
        consumed=row["consumed"],
        reserved=row["reserved"],
        expired=expired,
        active_time=row["active_time"],
        activation_key=row["activation_key"],
        activated=row["activated"],
        freeze_key=row["freeze_key"],
        parent_lot_no=row["parent_lot_no"],
    )


def change_text(change: LotChange) -> str:
    """What was done to lots as it is stored."""
    return json.dumps(
        {
            "lot_nos": change.lot_nos,
            "activation_key": change.activation_key,
            "freeze_key": change.freeze_key,
            "changed_lot_points": change.lots,
        }
    )


def transfer_text(transfer: Transfer) -> str:
    """The other side of a transfer or a merge as it is stored."""
    content = {"member_id": transfer.member_id, "request_id": transfer.request_id}
    if not transfer.lots:
        return json.dumps(content)
    lots = [
        (lot_no, active_time and active_time.isoformat(), key, activated)
        for lot_no, active_time, key, activated in transfer.lots
    ]
    return json.dumps({**content, "lots": lots})


def transfer_of(text: str) -> Transfer:
    """The same from what is stored."""
    content = json.loads(text)
    lots = tuple(
        CarriedLot(lot_no, time and datetime.fromisoformat(time), key, activated)
        for lot_no, time, key, activated in content.get("lots", ())
    )
    return Transfer(member_id=content["member_id"], request_id=content["request_id"], lots=lots)


def exchange_text(exchange: Exchange) -> str:
    """The other side of an exchange as it is stored."""
    return json.dumps(
        {
            "asset_id": exchange.asset_id,
            "request_id": exchange.request_id,
            "amount": exchange.amount,
        }
    )


def exchange_of(text: str) -> Exchange:
    """The same from what is stored."""
    return Exchange(**json.loads(text))


def change_of(text: str) -> LotChange:
    """The same from what is stored."""
    content = json.loads(text)
    return LotChange(
        lot_nos=tuple(content["lot_nos"]),
        activation_key=content["activation_key"],
        freeze_key=content["freeze_key"],
        lots=tuple(Pin(*each) for each in content["changed_lot_points"]),
    )
