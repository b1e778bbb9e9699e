"""What a decision becomes in the books: rows made in memory, written in one statement."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import Account, AccountKey, AccountKind, Hold, Lot
from laurel_ledger.domain.changes import HoldEvent
from laurel_ledger.domain.cohorts import CohortFold
from laurel_ledger.domain.posting import Decision
from laurel_ledger.domain.reversal_terms import Reversal
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    Record,
    Rejection,
    RequestKey,
    Transaction,
    TransactionType,
)
from laurel_ledger.domain.trees import root_of
from laurel_ledger.storage.cohorts import cohort_rows, write_months
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.gathering import Gathered, HolderKey, StripeKey
from laurel_ledger.storage.hold_rows import event_text
from laurel_ledger.storage.lot_rows import change_text, exchange_text, transfer_text
from laurel_ledger.storage.request_keys import key_of
from laurel_ledger.storage.rows import asked_amount, labels_text, refusal_text
from laurel_ledger.storage.spend_rows import line_reversals_content, said_content
from laurel_ledger.storage.writes import Table, write_batch

_new = tuple.__new__
"""Makes a name for a third of what its own constructor costs, a function in Python."""


class Place(NamedTuple):
    """Where a record goes."""

    shard_id: int
    account_id: int
    holder_no: int
    position: int


@dataclass(slots=True, kw_only=True)
class BatchRows:
    """The rows of a batch. Numbers are drawn from the heads of its shards, which it holds."""

    gathered: Gathered
    revision_nos: Mapping[str, int]
    shards: int
    cohorts: CohortFold
    rows: dict[Table, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {table: [] for table in Table}
    )
    opened: dict[StripeKey, list[Any]] = field(default_factory=dict)
    funded: dict[StripeKey, int] = field(default_factory=lambda: defaultdict(int))
    leaves: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    last_times: dict[int, datetime] = field(default_factory=dict)
    hold_positions: dict[RequestKey, int] = field(default_factory=dict)
    stripes: dict[AccountKey, StripeKey] = field(default_factory=dict)
    """The members' accounts of the batch by their names."""

    def add_account(self, account: Account, now: datetime) -> None:
        """A member's account as it is after the batch, and its lots that changed."""
        before = self.gathered.books.accounts.get(account.key)
        stripe = self.stripe_of(account.key)
        state = (
            account.lots_opened,
            account.posted,
            account.version,
            account.next_due_time,
            account.held,
            account.withheld,
        )
        account_id = self.gathered.account_ids.get(stripe)
        if account_id is None:
            account_id = self.open_account(stripe, now, state)
        else:
            place = (stripe.shard_id, None, account_id, None)
            self.rows[Table.ACCOUNT_CHANGED].append(place + state[:1] + NAMES_UNCHANGED + state[1:])
        known = {lot.lot_no: lot for lot in before.lots} if before else {}
        for lot in account.lots:
            earlier = known.get(lot.lot_no)
            if earlier is None:
                self._add_lot(account.key, stripe.shard_id, account_id, lot, now)
            elif lot is not earlier:
                self._change_lot(stripe.shard_id, account_id, account.key, lot)

    def add_record(self, record: Record, now: datetime) -> None:
        """A transaction or a kept refusal, at the next place in its shard's log."""
        stripe = self.stripe_of(record.key)
        shard_id = stripe.shard_id
        head = self.gathered.heads[shard_id]
        position = head.next_position
        head.next_position += 1
        self.leaves[shard_id].append(chain.leaf_of(record, shard_id=shard_id, position=position))
        self.last_times[shard_id] = record.commit_time
        account_id = self.gathered.account_ids[stripe]
        holder_no = self.gathered.holder_nos[_new(HolderKey, stripe[:4])]
        place = _new(Place, (shard_id, account_id, holder_no, position))
        if isinstance(record, Transaction):
            self._add_transaction(place, record, now)
        else:
            self._add_rejection(place, record)

    def finish(self) -> dict[Table, list[tuple[Any, ...]]]:
        """Fold the program's own accounts, close the batch of each shard; the rows to write."""
        for stripe, amount in self.funded.items():
            if stripe in self.opened:
                self.opened[stripe][POSTED] += amount
            else:
                account_id = self.gathered.account_ids[stripe]
                self.rows[Table.STRIPE_CHANGED].append(
                    (
                        *(stripe.shard_id, None, account_id, None, None, None),
                        *(None, None, None, amount, None, None, None, None),
                    )
                )
        for stripe, row in self.opened.items():
            row[OPEN_TIME] = self.last_times[stripe.shard_id]
            self.rows[Table.ACCOUNT_OPENED].append(tuple(row))
        for shard_id in self.gathered.heads:
            self._close(shard_id)
        self.rows[Table.COHORT] = cohort_rows(self.cohorts.changes)
        return self.rows

    def stripe_of(self, key: AccountKey) -> StripeKey:
        """The full name of a member's account."""
        stripe = self.stripes.get(key)
        if stripe is None:
            program_id, member_id, asset_id = key
            shard_id = shard_of(program_id, member_id, shards=self.shards)
            stripe = _new(
                StripeKey, (shard_id, program_id, AccountKind.MEMBER, member_id, asset_id)
            )
            self.stripes[key] = stripe
        return stripe

    def open_account(
        self, stripe: StripeKey, now: datetime, state: tuple[Any, ...] = (0, 0, 0, None, 0, False)
    ) -> int:
        """Number a new account; the holder's first account numbers the holder."""
        head = self.gathered.heads[stripe.shard_id]
        account_id = head.next_account_id
        head.next_account_id += 1
        holder_no = self.gathered.holder_nos.setdefault(_new(HolderKey, stripe[:4]), account_id)
        self.gathered.account_ids[stripe] = account_id
        lots_opened, posted, version, next_due_time, held, withheld = state
        self.opened[stripe] = [
            *(stripe.shard_id, stripe.kind, account_id, holder_no, lots_opened, now),
            *(stripe.program_id, stripe.holder_id, stripe.asset_id),
            *(posted, version, next_due_time, held, withheld),
        ]
        return account_id

    def own_account(
        self, key: AccountKey, kind: AccountKind, name: str, now: datetime
    ) -> StripeKey:
        """The stripe of one of the program's own accounts in the member's shard."""
        program_id, _, asset_id = key
        shard_id = self.stripe_of(key).shard_id
        stripe = _new(StripeKey, (shard_id, program_id, kind, name, asset_id))
        if stripe not in self.gathered.account_ids:
            self.open_account(stripe, now)
        return stripe

    def _add_lot(
        self, key: AccountKey, shard_id: int, account_id: int, lot: Lot, now: datetime
    ) -> None:
        funding = self.own_account(key, AccountKind.FUNDING, lot.funding_account_id, now)
        funding_account_id = self.gathered.account_ids[funding]
        self.rows[Table.LOT_OPENED].append(
            (
                shard_id,
                lot.expired,
                account_id,
                lot.lot_no,
                funding_account_id,
                lot.expire_time,
                lot.create_time,
                lot.earned,
                lot.consumed,
                self._months_of(key, lot),
                lot.reserved,
                lot.active_time,
                lot.activation_key,
                lot.activated,
                lot.freeze_key,
                lot.parent_lot_no,
            )
        )

    def _change_lot(self, shard_id: int, account_id: int, key: AccountKey, lot: Lot) -> None:
        self.rows[Table.LOT_CHANGED].append(
            (
                shard_id,
                lot.expired,
                account_id,
                lot.lot_no,
                None,
                None,
                None,
                lot.earned,
                lot.consumed,
                self._months_of(key, lot),
                lot.reserved,
                None,
                None,
                lot.activated,
                lot.freeze_key,
                None,
            )
        )

    def _months_of(self, key: AccountKey, lot: Lot) -> bytes:
        months = self.cohorts.months[key, lot.lot_no]
        return write_months(months.after(lot.consumed))

    def _add_transaction(self, place: Place, transaction: Transaction, now: datetime) -> None:
        shard_id, account_id, holder_no, position = place
        counter_id, entry = None, transaction.signed_amount
        if kind := COUNTER_KIND.get(transaction.type):
            counter = self.own_account(transaction.key, kind, transaction.counter_account_id, now)
            self.funded[counter] -= entry
            counter_id = self.gathered.account_ids[counter]
        only = transaction.movements[0] if len(transaction.movements) == 1 else None
        if only is not None and only.amount != entry:
            only = None  # The rest of it is owed.
        commit_time, effective_time = transaction.commit_time, transaction.effective_time
        timely = effective_time is commit_time or effective_time == commit_time
        request_key, request_text = key_of(transaction.request_id)
        self.rows[Table.TRANSACTION].append(
            (
                shard_id,
                transaction.type,
                account_id,
                holder_no,
                counter_id,
                self.revision_nos[transaction.program_revision],
                transaction.given,
                position,
                transaction.version,
                transaction.amount,
                transaction.posted_after,
                commit_time,
                request_key,
                only and only.position,
                only and only.lot_no,
                None if timely else effective_time,
                request_text,
                transaction.reason or None,
                labels_text(transaction.labels),
                None,
            )
        )
        if only is None:
            self.rows[Table.LOT_MOVEMENT].extend(
                (
                    *(place.shard_id, ordinal, place.account_id, transaction.version),
                    *(each.lot_no, each.position, each.amount),
                )
                for ordinal, each in enumerate(transaction.movements)
            )
        self._add_particulars(place, transaction)

    def _add_particulars(self, place: Place, transaction: Transaction) -> None:
        """What only some transactions have."""
        if transaction.reversal is not None:
            self._add_reversal(place, transaction, transaction.reversal)
        if transaction.lots is not None:
            row = (place.shard_id, place.position, change_text(transaction.lots))
            self.rows[Table.LOT_EVENT].append(row)
        if transaction.transfer is not None:
            row = (place.shard_id, place.position, transfer_text(transaction.transfer))
            self.rows[Table.LOT_EVENT].append(row)
        if transaction.conversion is not None:
            row = (place.shard_id, place.position, exchange_text(transaction.conversion))
            self.rows[Table.LOT_EVENT].append(row)
        if transaction.spending is not None or transaction.cost is not None:
            self._add_spend_event(place, said_content(transaction.spending, transaction.cost))
        if transaction.hold is not None:
            self._add_hold_event(place, transaction, transaction.hold)

    def _add_hold_event(self, place: Place, transaction: Transaction, event: HoldEvent) -> None:
        row = (place.shard_id, place.position, event_text(event))
        self.rows[Table.HOLD_EVENT].append(row)
        if transaction.type is TransactionType.HOLD:
            self.hold_positions[transaction.request_key] = place.position

    def add_hold(self, hold: Hold) -> None:
        """A hold as it is after the batch; its place is that of the transaction that placed it."""
        stripe = self.stripe_of(hold.key)
        key, text = key_of(hold.hold_id)
        name = RequestKey(hold.key.program_id, hold.key.member_id, hold.hold_id)
        self.rows[Table.HOLD].append(
            (
                *(stripe.shard_id, hold.state, self.gathered.account_ids[stripe]),
                *(self.gathered.holder_nos[HolderKey(*stripe[:4])], key),
                *(self.hold_positions.get(name, 0), hold.amount, hold.captured, hold.released),
                *(hold.create_time, hold.expire_time, text, json.dumps(hold.pins)),
            )
        )

    def _add_reversal(self, place: Place, transaction: Transaction, reversal: Reversal) -> None:
        key, text = key_of(reversal.reversed_request_id)
        self.rows[Table.REVERSAL].append(
            (
                *(place.shard_id, reversal.late_restore, reversal.shortfall, reversal.grace_days),
                *(place.holder_no, place.position, key, reversal.reversed_before),
                transaction.amount,
                *(reversal.original_amount, reversal.requested, reversal.late, text),
            )
        )
        if reversal.of_lines is not None:
            self._add_spend_event(place, line_reversals_content(reversal.of_lines))

    def _add_spend_event(self, place: Place, content: Mapping[str, Any]) -> None:
        row = (place.shard_id, place.position, json.dumps(content))
        self.rows[Table.SPEND_EVENT].append(row)

    def _add_rejection(self, place: Place, rejection: Rejection) -> None:
        draft = rejection.draft
        request_key, request_text = key_of(draft.request_id)
        self.rows[Table.TRANSACTION].append(
            (
                *(place.shard_id, draft.type, place.account_id, place.holder_no, None, None),
                *(draft.given, place.position, None, asked_amount(draft), None),
                *(rejection.commit_time, request_key, None, None, draft.effective_time),
                request_text,
                draft.reason or None,
                labels_text(draft.labels),
                refusal_text(rejection),
            )
        )

    def _close(self, shard_id: int) -> None:
        """Chain the records of a shard's batch and move its head on.

        Without records all that can have changed is that void lots without points are closed:
        whoever does not know that closes them again.
        """
        head = self.gathered.heads[shard_id]
        if leaves := self.leaves.get(shard_id):
            first = head.next_position - len(leaves)
            head.last_commit_time = self.last_times[shard_id]
            root = root_of(leaves)
            head.chain_hash = chain.link_of(
                head.chain_hash,
                root,
                shard_id=shard_id,
                batch_no=head.next_batch,
                first_position=first,
                item_count=len(leaves),
                commit_time=head.last_commit_time,
            )
            self.rows[Table.LOG].append(
                (
                    *(shard_id, len(leaves), head.next_batch, first),
                    *(head.last_commit_time, root, head.chain_hash, chain.marks_of(leaves)),
                )
            )
            head.next_batch += 1
            self.rows[Table.HEAD].append(
                (
                    *(shard_id, head.next_account_id, head.next_position, head.next_batch),
                    *(head.last_commit_time, head.chain_hash, head.periods_closed, head.changes),
                )
            )


NAMES_UNCHANGED = (None,) * 4
"""In the row of an account that changes: from when and whose it is."""
POSTED = 9
"""Where the balance stands in the row of an account to open."""
OPEN_TIME = 5
"""Where the time stands: that of the batch, so that it can be computed again from the log."""


async def record(
    connection: Connection,
    decision: Decision,
    gathered: Gathered,
    *,
    revision_nos: Mapping[str, int],
    zones: Mapping[str, ZoneInfo],
    shards: int,
    now: datetime,
) -> None:
    """Write a decision upon what was gathered, which is used up. Fails with HEAD_MOVED."""
    cohorts = CohortFold(months=gathered.lot_months, zones=zones)
    batch = BatchRows(gathered=gathered, revision_nos=revision_nos, shards=shards, cohorts=cohorts)
    for each in decision.records:
        if isinstance(each, Transaction):
            cohorts.add(each, shard_id=batch.stripe_of(each.key).shard_id)
    for account in decision.accounts.values():
        batch.add_account(account, now)
    for each in decision.records:
        batch.add_record(each, now)
    for hold in decision.holds:
        batch.add_hold(hold)
    await write_batch(connection, batch.finish())
