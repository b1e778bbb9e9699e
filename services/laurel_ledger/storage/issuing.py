"""Earnings of one rule in columns: accounts read, and what was decided written, under locks.

What is written is what the decision over drafts would have written, row by row. New rows are copied
as they are packed here, what changes travels as texts of arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from laurel_ledger.domain import chain
from laurel_ledger.domain.accounts import AccountKey, AccountKind
from laurel_ledger.domain.cohorts import (
    CohortChange,
    CohortFold,
    CohortKey,
    IssueMark,
    LotMonths,
)
from laurel_ledger.domain.issue_leaves import EarningColumns, leaves_of
from laurel_ledger.domain.issuing import FoundAccounts, Issuance, IssueTerms, decide_issue
from laurel_ledger.domain.pages import MICROSECOND, Books
from laurel_ledger.domain.transactions import TransactionType
from laurel_ledger.storage.cohorts import read_months, write_months
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.copied_rows import (
    NULL,
    array_text,
    bytes_field,
    copy_rows,
    instant_field,
    instant_number,
    jsonb_field,
    text_field,
)
from laurel_ledger.storage.gathering import Gathered, Head, HolderKey, StripeKey
from laurel_ledger.storage.recording import BatchRows
from laurel_ledger.storage.rows import labels_text
from laurel_ledger.storage.writes import COLUMNS, write_batch

FUNDERS = """
select shard_id, asset_id, account_id, holder_no
from account
where shard_id = any($1::smallint[]) and program_id = $2 and kind = 2 and holder_id = $3
"""

FOUND = """
select
    array_agg(s.plain order by s.ordinal) as plain,
    array_agg(s.account_id order by s.ordinal) as account_ids,
    array_agg(s.holder_no order by s.ordinal) as holder_nos,
    array_agg(s.lots_opened order by s.ordinal) as lots_opened,
    array_agg(s.posted order by s.ordinal) as posted,
    array_agg(s.version order by s.ordinal) as versions,
    array_agg(s.lot_no order by s.ordinal) as lot_nos,
    array_agg(s.earned order by s.ordinal) as earned,
    array_agg(s.consumed order by s.ordinal) as consumed,
    array_agg(s.months order by s.ordinal) as months
from (
    select
        w.ordinal, a.account_id, o.lot_no, o.earned, o.consumed, o.months,
        coalesce(a.lots_opened, 0) as lots_opened, coalesce(a.posted, 0) as posted,
        coalesce(a.version, 0) as version,
        coalesce(a.holder_no, (
            select min(h.holder_no)
            from account h
            where h.shard_id = w.shard_id and h.program_id = $4 and h.kind = 1
                and h.holder_id = w.member_id
        )) as holder_no,
        a.account_id is null or (
            a.held = 0 and not a.withheld
            and (a.next_due_time is null or a.next_due_time > $6)
            and not o.due and o.remaining = a.posted and o.fitting <= 1
            and not exists (
                select
                from account_change c
                where c.shard_id = a.shard_id and c.account_id = a.account_id
            )
        ) as plain
    from unnest($1::text::smallint[], $2::text::integer[], $3::text[]) with ordinality
        as w (shard_id, funding_account_id, member_id, ordinal)
    left join lateral (
        select
            shard_id, account_id, holder_no, lots_opened, posted, version, held, withheld,
            next_due_time
        from account
        where shard_id = w.shard_id and program_id = $4 and kind = 1 and holder_id = w.member_id
            and asset_id = $5
        -- So it is looked up by its name: of small tables the planner would read all accounts once.
        limit 1
    ) a on true
    left join lateral (
        select
            coalesce(sum(l.earned - l.consumed), 0) as remaining,
            coalesce(bool_or(l.expire_time <= $6), false) as due,
            count(*) filter (where l.fits) as fitting,
            min(l.lot_no) filter (where l.fits) as lot_no,
            min(l.earned) filter (where l.fits) as earned,
            min(l.consumed) filter (where l.fits) as consumed,
            (array_agg(l.months) filter (where l.fits))[1] as months
        from (
            select
                *,
                funding_account_id = w.funding_account_id
                    and expire_time is not distinct from $7 and active_time is null
                    and activation_key is null and freeze_key is null and not activated as fits
            from lot
            where shard_id = a.shard_id and account_id = a.account_id and not expired
        ) l
    ) o on true
) s
"""
"""Members' accounts as columns, and in each the lot that the earning would fill. The account is
plain if the decision in columns can be made: see `FoundAccounts`.
"""

CHANGED = """
with account_changed as (
    update account a
    set lots_opened = w.lots_opened, posted = w.posted, version = w.version,
        next_due_time = least(a.next_due_time, $6::timestamptz)
    from unnest(
        $1::text::smallint[], $2::text::integer[], $3::text::integer[], $4::text::bigint[],
        $5::text::bigint[]
    ) as w (shard_id, account_id, lots_opened, posted, version)
    where a.shard_id = w.shard_id and a.account_id = w.account_id
)
update lot l
set earned = w.earned, months = coalesce(decode(w.months, 'hex'), l.months)
from unnest(
    $7::text::smallint[], $8::text::integer[], $9::text::integer[], $10::text::bigint[],
    $11::text::text[]
) as w (shard_id, account_id, lot_no, earned, months)
where l.shard_id = w.shard_id and l.account_id = w.account_id and l.lot_no = w.lot_no
"""

_ACCOUNT = struct.Struct(">hihihiiiiiiiq")
_ACCOUNT_STATE = struct.Struct(">iqiq")
_LOT = struct.Struct(">hihi?iiiiii")
_LOT_STATE = struct.Struct(">iqiqiq")
_TRANSACTION = struct.Struct(">hihihiiiiiiiiihiqiqiqiqiqi16siqii")
_ZERO = struct.pack(">iq", 8, 0)
_NO = struct.pack(">i?", 1, False)
_WIDTHS = {table: len(names.split()) for table, names in COLUMNS.items()}


async def find_funders(
    connection: Connection, issuance: Issuance, shards: Sequence[int]
) -> dict[StripeKey, tuple[int, int]]:
    """The stripes of who funds, of whatever asset, each with its number and its holder's."""
    template = issuance.template
    names = (template.program_id, template.counter_account_id)
    rows = await connection.fetch(FUNDERS, shards, *names)
    return {
        _funder(issuance, shard_id)._replace(asset_id=asset_id): (account_id, holder_no)
        for shard_id, asset_id, account_id, holder_no in rows
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueBooks:
    """What was read of the members, column by column, in the order of the issuance."""

    accounts: FoundAccounts
    columns: Mapping[str, Sequence[Any]]


async def find_accounts(
    connection: Connection,
    issuance: Issuance,
    homes: Sequence[int],
    funders: Mapping[StripeKey, tuple[int, int]],
    *,
    shared: IssueTerms,
) -> IssueBooks:
    """The members' accounts; `homes` are their shards. Nothing is read into a value of its own."""
    asset_id = issuance.template.asset_id
    numbers = {
        stripe.shard_id: account_id
        for stripe, (account_id, _) in funders.items()
        if stripe.asset_id == asset_id
    }
    (row,) = await connection.fetch(
        FOUND,
        array_text(homes),
        array_text([numbers.get(home, 0) for home in homes]),
        issuance.member_ids,
        issuance.template.program_id,
        asset_id,
        shared.first_commit_time,
        shared.expire_time,
    )
    found = FoundAccounts(plain=row["plain"], posted=row["posted"])
    return IssueBooks(accounts=found, columns=dict(row))


@dataclass(slots=True, kw_only=True)
class IssueRows:
    """The rows of an issuance; those that every batch has are left to `BatchRows`."""

    issuance: Issuance
    shared: IssueTerms
    indexes: Sequence[int]
    """Which of them are posted."""
    columns: Mapping[str, Sequence[Any]]
    batch: BatchRows
    revision_no: int
    transactions: list[bytes] = field(default_factory=list)
    lots: list[bytes] = field(default_factory=list)
    accounts: list[bytes] = field(default_factory=list)
    accounts_changed: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    lots_changed: list[tuple[int, int, int, int, str]] = field(default_factory=list)

    def add_shard(self, shard_id: int, places: Sequence[int]) -> None:
        """The earnings of a shard: their places among those that are posted."""
        head = self.batch.gathered.heads[shard_id]
        shared, columns = self.shared, self.columns
        indexes = [self.indexes[place] for place in places]
        account_ids = self._number_accounts(shard_id, indexes)
        lots_opened, lot_nos = columns["lots_opened"], columns["lot_nos"]
        posted, amounts = columns["posted"], self.issuance.amounts
        first = chain.microseconds(shared.first_commit_time)
        earnings = EarningColumns(
            indexes=indexes,
            first_position=head.next_position,
            commit_times=[first + place for place in places],
            versions=[columns["versions"][index] + 1 for index in indexes],
            posted_after=[posted[index] + amounts[index] for index in indexes],
            lot_nos=[lot_nos[index] or lots_opened[index] + 1 for index in indexes],
            lot_positions=[columns["earned"][index] or 0 for index in indexes],
        )
        ends = shared.expire_time
        self.batch.leaves[shard_id] = leaves_of(
            self.issuance,
            earnings,
            shard_id=shard_id,
            expire_time=chain.NEVER if ends is None else chain.microseconds(ends),
        )
        head.next_position += len(indexes)
        self.batch.last_times[shard_id] = shared.first_commit_time + places[-1] * MICROSECOND
        self._add_transactions(shard_id, account_ids, earnings)
        self._add_accounts(shard_id, account_ids, earnings)
        self._add_lots(shard_id, account_ids, earnings)
        funder = _funder(self.issuance, shard_id)
        self.batch.funded[funder] -= sum([amounts[index] for index in indexes])

    def _number_accounts(self, shard_id: int, indexes: Sequence[int]) -> list[int]:
        """The members' accounts; new ones are numbered, the funder's after the first member's."""
        head = self.batch.gathered.heads[shard_id]
        funder = _funder(self.issuance, shard_id)
        known, numbers = self.columns["account_ids"], []
        for index in indexes:
            account_id = known[index]
            if account_id is None:
                account_id = head.next_account_id
                head.next_account_id += 1
            numbers.append(account_id)
            if funder not in self.batch.gathered.account_ids:
                self.batch.open_account(funder, self.shared.first_commit_time)
        return numbers

    def _add_transactions(
        self, shard_id: int, account_ids: Sequence[int], earnings: EarningColumns
    ) -> None:
        """A row of `transaction` for each: all alike but for numbers and names."""
        template, holder_nos = self.issuance.template, self.columns["holder_nos"]
        counter = self.batch.gathered.account_ids[_funder(self.issuance, shard_id)]
        tail = b"".join(
            (
                instant_field(template.effective_time),
                NULL,
                text_field(template.reason or None),
                jsonb_field(labels_text(template.labels)),
                NULL,
            )
        )
        pack, amounts, names = _TRANSACTION.pack, self.issuance.amounts, self.issuance.request_ids
        offset = instant_number(chain.EPOCH)
        width, position, given = _WIDTHS["transaction"], earnings.first_position, template.given
        for index, account_id, version, posted, commit, lot_position, lot_no in zip(
            *(earnings.indexes, account_ids, earnings.versions, earnings.posted_after),
            *(earnings.commit_times, earnings.lot_positions, earnings.lot_nos),
            strict=True,
        ):
            holder_no = account_id if holder_nos[index] is None else holder_nos[index]
            row = pack(
                *(width, 2, shard_id, 2, TransactionType.EARN, 4, account_id, 4, holder_no),
                *(4, counter, 4, self.revision_no, 2, given, 8, position, 8, version),
                *(8, amounts[index], 8, posted, 8, commit + offset),
                *(16, bytes.fromhex(names[index].replace("-", "")), 8, lot_position, 4, lot_no),
            )
            self.transactions.append(row + tail)
            position += 1

    def _add_accounts(
        self, shard_id: int, account_ids: Sequence[int], earnings: EarningColumns
    ) -> None:
        """Accounts as they are afterwards: opened ones as rows, others as what changes."""
        template, columns = self.issuance.template, self.columns
        program, asset = text_field(template.program_id), text_field(template.asset_id)
        rest = instant_field(self.shared.expire_time) + _ZERO + _NO
        opened = instant_number(self.batch.last_times[shard_id])
        for index, account_id, version, posted, lot_no in zip(
            *(earnings.indexes, account_ids, earnings.versions, earnings.posted_after),
            earnings.lot_nos,
            strict=True,
        ):
            lots_opened = max(columns["lots_opened"][index], lot_no)
            if columns["account_ids"][index] is not None:
                self.accounts_changed.append((shard_id, account_id, lots_opened, posted, version))
                continue
            holder_no = columns["holder_nos"][index]
            beginning = _ACCOUNT.pack(
                *(_WIDTHS["account"], 2, shard_id, 2, AccountKind.MEMBER, 4, account_id),
                *(4, account_id if holder_no is None else holder_no, 4, lots_opened, 8, opened),
            )
            member = text_field(self.issuance.member_ids[index])
            state = _ACCOUNT_STATE.pack(8, posted, 8, version)
            self.accounts.append(beginning + program + member + asset + state + rest)

    def _add_lots(
        self, shard_id: int, account_ids: Sequence[int], earnings: EarningColumns
    ) -> None:
        """Lots that were opened as rows, others as what changes; and what their cohorts gain."""
        columns, shared, amounts = self.columns, self.shared, self.issuance.amounts
        funding = self.batch.gathered.account_ids[_funder(self.issuance, shard_id)]
        ends, offset = instant_field(shared.expire_time), instant_number(chain.EPOCH)
        months = LotMonths(shared.expire_month, (IssueMark(shared.issue_month, 0),))
        rest = bytes_field(write_months(months)) + _ZERO + NULL + NULL + _NO + NULL + NULL
        for index, account_id, commit, lot_no, lot_position in zip(
            *(earnings.indexes, account_ids, earnings.commit_times, earnings.lot_nos),
            earnings.lot_positions,
            strict=True,
        ):
            amount = amounts[index]
            if columns["lot_nos"][index] is None:
                beginning = _LOT.pack(
                    *(_WIDTHS["lot"], 2, shard_id, 1, False, 4, account_id, 4, lot_no),
                    *(4, funding),
                )
                counters = _LOT_STATE.pack(8, commit + offset, 8, amount, 8, 0)
                self.lots.append(beginning + ends + counters + rest)
                after = months
            else:
                before, consumed = columns["months"][index], columns["consumed"][index]
                after, text = _filled(before, shared.issue_month, lot_position, consumed)
                earned = lot_position + amount
                self.lots_changed.append((shard_id, account_id, lot_no, earned, text))
            self._count(shard_id, after, amount)

    def _count(self, shard_id: int, months: LotMonths, amount: int) -> None:
        """What a cohort gains: points that come into a lot are of its last month."""
        template, changes = self.issuance.template, self.batch.cohorts.changes
        key = CohortKey(
            *(shard_id, template.program_id, template.asset_id, template.counter_account_id),
            *(months.issued[-1].month, months.expire_month),
        )
        if key not in changes:
            changes[key] = CohortChange()
        changes[key].issued += amount

    async def write(self, connection: Connection) -> None:
        """Write everything; fails with a unique violation when a name was used before."""
        await copy_rows(connection, "transaction", self.transactions)
        await copy_rows(connection, "account", self.accounts)
        await copy_rows(connection, "lot", self.lots)
        await connection.execute(
            CHANGED,
            *_texts(self.accounts_changed, 5),
            self.shared.expire_time,
            *_texts(self.lots_changed, 5),
        )
        await write_batch(connection, self.batch.finish())


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What was written."""

    issuance: Issuance
    indexes: list[int]
    """Which of them were posted."""
    before: Mapping[int, Head]
    after: Mapping[int, Head]

    def changed(self, homes: Sequence[int]) -> dict[AccountKey, int]:
        """The accounts that changed, each with its shard."""
        program_id, asset_id = self.issuance.template.program_id, self.issuance.template.asset_id
        member_ids = self.issuance.member_ids
        return {
            AccountKey(program_id, member_ids[index], asset_id): homes[index]
            for index in self.indexes
        }


async def issue(
    connection: Connection,
    issuance: Issuance,
    shared: IssueTerms,
    *,
    homes: Sequence[int],
    before: Mapping[int, Head],
    revision_no: int,
    shards: int,
) -> Issued:
    """Read the accounts, decide and write, while the heads of their shards are locked.

    Fails with a unique violation when a name was used before.
    """
    funders = await find_funders(connection, issuance, sorted(before))
    found = await find_accounts(connection, issuance, homes, funders, shared=shared)
    indexes = decide_issue(issuance, shared, found.accounts)
    by_shard = _by_shard(indexes, homes)
    heads = {shard_id: replace(before[shard_id]) for shard_id in by_shard}
    gathered = Gathered(
        heads=heads,
        books=Books(accounts={}, records={}),
        lot_months={},
        account_ids={stripe: account_id for stripe, (account_id, _) in funders.items()},
        holder_nos={HolderKey(*stripe[:4]): holder for stripe, (_, holder) in funders.items()},
    )
    cohorts = CohortFold(months={}, zones={})
    rows = IssueRows(
        issuance=issuance,
        shared=shared,
        indexes=indexes,
        columns=found.columns,
        batch=BatchRows(gathered=gathered, revision_nos={}, shards=shards, cohorts=cohorts),
        revision_no=revision_no,
    )
    for shard_id, places in by_shard.items():
        rows.add_shard(shard_id, places)
    if indexes:
        await rows.write(connection)
    return Issued(issuance=issuance, indexes=indexes, before=before, after=heads)


def _by_shard(indexes: Sequence[int], homes: Sequence[int]) -> dict[int, list[int]]:
    """Which of the posted ones, by their places, are in which shard."""
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indexes):
        places.setdefault(homes[index], []).append(place)
    return places


def _filled(stored: bytes, month: int, position: int, consumed: int) -> tuple[LotMonths, str]:
    """The months of a lot that is filled, and how to write them; NULL where they stay as they are,
    as those of nearly all lots do.
    """
    before = read_months(stored)
    after = before.with_month(month, position).after(consumed)
    if after is before:
        return before, "NULL"
    written = write_months(after)
    return after, "NULL" if written == stored else written.hex()


def _texts(rows: Sequence[Sequence[object]], width: int) -> list[str]:
    """Rows as the texts of the arrays that `unnest` takes."""
    columns = list(zip(*rows, strict=True)) or [() for _ in range(width)]
    return [array_text(column) for column in columns]


def _funder(issuance: Issuance, shard_id: int) -> StripeKey:
    template = issuance.template
    return StripeKey(
        *(shard_id, template.program_id, AccountKind.FUNDING),
        *(template.counter_account_id, template.asset_id),
    )
