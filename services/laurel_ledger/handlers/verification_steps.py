"""The steps of verifying the journal: a stretch of a log, some accounts, some checkpoints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from laurel_kit.programs.errors import ProgramNotFound

from laurel_ledger.domain.account_verification import AccountFold
from laurel_ledger.domain.adjustment_verification import (
    check_adjustments,
    check_counts,
    posted_by_hand,
)
from laurel_ledger.domain.checkpoints import STORED_EVERY, LogBatch, ShardHead, SignedCheckpoint
from laurel_ledger.domain.log_verification import RECORDS_MAX, OwnAccounts, ShardLog
from laurel_ledger.domain.period_verification import EVERYWHERE, check_periods
from laurel_ledger.domain.standing_verification import Standings
from laurel_ledger.domain.transactions import RequestKey, Transaction
from laurel_ledger.domain.trees import Frontier, Node
from laurel_ledger.domain.verification import (
    Difference,
    StoredAccount,
    StoredHold,
    StoredLot,
    StoredRecord,
    differing,
    missing,
    unexpected,
)
from laurel_ledger.handlers.checkpoint_key import signed_rightly
from laurel_ledger.handlers.checkpoints import BATCHES_MAX, grow, head_after
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage import verification as books
from laurel_ledger.storage.budgets import unsound_allowances
from laurel_ledger.storage.checkpoints import batches_after, checkpoints_after
from laurel_ledger.storage.cohort_verification import (
    Cohort,
    outstanding_of_cohorts,
    outstanding_of_lots,
)
from laurel_ledger.storage.connections import Connection
from laurel_ledger.storage.hold_verification import read_holds, stray_parts
from laurel_ledger.storage.standing_verification import (
    adjustment_counts,
    read_adjustments,
    read_changes,
    read_periods,
)

DIFFERENCES_MAX = 1000
"""So many differences are kept; the others are counted."""
CHECKPOINTS_AT_ONCE = 100
"""Checkpoints of one step."""
ONLY_ROW = 1
"""The id of the row of checkpoint_head."""


class Stage(StrEnum):
    """What is being verified."""

    LOG = "log"
    ACCOUNTS = "accounts"
    CHECKPOINTS = "checkpoints"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How far verifying has come, and what was found: all that it needs to go on."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {
        "ser_json_bytes": "hex",
        "val_json_bytes": "hex",
    }

    shards: int
    records_total: int
    """Records to read: all there were at the beginning, twice."""
    stage: Stage = Stage.LOG
    log: ShardLog
    """The shard that is verified, or was last."""
    shard_id: int = 0
    account_id: int = 0
    """The last account of the shard that was verified."""
    checkpoint_no: int = 0
    heads: tuple[ShardHead, ...] = ()
    frontiers: tuple[Frontier, ...] = ()
    revisions: frozenset[str] = frozenset()
    """Program revisions that had a number at the beginning, and that no transaction had so far."""
    broken_trees: tuple[int, ...] = ()
    """Shards whose root differs from what checkpoints say, so that every later one does."""
    records_read: int = 0
    record_count: int = 0
    account_count: int = 0
    difference_count: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def records_done(self) -> int:
        """Of the records to read, those that are done with; refusals are read but once."""
        done = self.stage is Stage.DONE
        return self.records_total if done else min(self.records_read, self.records_total)

    def finding(self, found: Iterable[Difference]) -> Verification:
        """With some differences more."""
        new = tuple(found)
        return replace(
            self,
            difference_count=self.difference_count + len(new),
            differences=(*self.differences, *new)[:DIFFERENCES_MAX],
        )


async def begin_verification(ledger: Ledger) -> Verification:
    """Nothing verified yet but that every shard has its head and no row has another shard."""
    async with books.snapshot(ledger.connections) as connection:
        ends = await books.shard_ends(connection)
        # A head with a number out of all proportion is one too many, not the last of very many.
        shards = max(each for each in ends if each < 2 * len(ends)) + 1
        strays = await books.stray_shards(connection, shards)
        revisions = await books.revision_names(connection)
        periods = await read_periods(connection)
        adjustments = await adjustment_counts(connection)
        unsound = await unsound_allowances(connection, shards)
    headless = [each for each in range(shards) if each not in ends] + strays
    found = [missing("shard_head", each, f"shard {each}") for each in headless]
    found += unsound
    found += check_periods(periods)
    found += check_counts(adjustments)
    found += [unexpected("shard_head", each, f"shard {each}") for each in ends if each >= shards]
    found += [
        unexpected("revision_name", EVERYWHERE, name)
        for name, numbers in Counter(revisions).items()
        if numbers > 1
    ]
    return Verification(
        shards=shards,
        records_total=2 * sum(ends.values()),
        log=ShardLog(shard_id=0, shards=shards),
        revisions=frozenset(revisions),
        heads=tuple(ShardHead(shard_id=each) for each in range(shards)),
        frontiers=tuple(Frontier() for _ in range(shards)),
    ).finding(found)


async def verify_log(state: Verification, ledger: Ledger) -> Verification:
    """The next batches of a shard, and at their end its head and the program's own accounts."""
    log = state.log
    async with books.snapshot(ledger.connections) as connection:
        own = OwnAccounts.of(await books.read_own_accounts(connection, log.shard_id))
        stretch = await books.read_batches(
            connection, log.shard_id, log.batch_no, records=ledger.settings.verification_step
        )
        records = await _records_of(connection, log, stretch.batches)
        found: list[Difference] = []
        for batch in stretch.batches:
            found += log.check(batch, await _records_in(connection, batch, records), own)
        found = await _name_missing_accounts(connection, found)
        if stretch.last:
            found += await _verify_head(connection, log, own)
    read = len(records)
    state = replace(
        state,
        revisions=state.revisions - revisions_in(records.values()),
        records_read=state.records_read + read,
        record_count=state.record_count + read,
    ).finding(found)
    return _next_log(state) if stretch.last else state


def _next_log(state: Verification) -> Verification:
    """On to the next shard's log, or to the accounts of the first shard."""
    shard_id = state.log.shard_id + 1
    if shard_id == state.shards:
        unused = (unexpected("revision_name", EVERYWHERE, each) for each in state.revisions)
        return replace(state.finding(unused), stage=Stage.ACCOUNTS)
    return replace(state, log=ShardLog(shard_id=shard_id, shards=state.shards))


def revisions_in(records: Iterable[StoredRecord]) -> set[str]:
    """The program revisions that transactions name."""
    return {
        each.record.program_revision for each in records if isinstance(each.record, Transaction)
    }


async def _records_of(
    connection: Connection, log: ShardLog, batches: Sequence[LogBatch]
) -> dict[int, StoredRecord]:
    """The records of batches that follow one another, by position."""
    count = sum(batch.item_count for batch in batches if batch.item_count <= RECORDS_MAX)
    found = await books.records_in_place(connection, log.shard_id, log.position + 1, count)
    return {record.position: record for record in found}


async def _records_in(
    connection: Connection, batch: LogBatch, records: Mapping[int, StoredRecord]
) -> list[StoredRecord]:
    """The records of one batch; of one that is not where it should be, from wherever it says."""
    if batch.item_count > RECORDS_MAX:
        return []
    positions = range(batch.first_position, batch.first_position + batch.item_count)
    if all(position in records for position in positions):
        return [records[position] for position in positions]
    return await books.records_in_place(
        connection, batch.shard_id, batch.first_position, batch.item_count
    )


async def _name_missing_accounts(
    connection: Connection, found: list[Difference]
) -> list[Difference]:
    """Records that seemed to be missing because their account is, say so."""
    seemed = {
        int(each.row.removeprefix("position ")): each
        for each in found
        if each.table == "transaction" and not each.column
    }
    if not seemed:
        return found
    shard_id = found[0].shard_id
    homeless = await books.homeless_records(connection, shard_id, list(seemed))
    kept = [each for each in found if each not in [seemed[position] for position in homeless]]
    accounts = sorted(set(homeless.values()))
    return kept + [missing("account", shard_id, f"account {each}") for each in accounts]


async def _verify_head(connection: Connection, log: ShardLog, own: OwnAccounts) -> list[Difference]:
    """What a shard has come to."""
    shard_id = log.shard_id
    found: list[Difference] = []
    if head := await books.read_head(connection, shard_id):
        found += log.check_end(head, own)
    for position in await books.stray_records(connection, shard_id, log.position + 1):
        found.append(unexpected("transaction", shard_id, f"position {position}"))
    for asset, posted in await books.unbalanced(connection, shard_id):
        found += differing("account", shard_id, f"all of {asset}", posted=(0, posted))
    return found


async def verify_accounts(state: Verification, ledger: Ledger) -> Verification:
    """The next accounts of a shard with their lots and their requests."""
    shard_id, after = state.shard_id, state.account_id
    async with books.snapshot(ledger.connections) as connection:
        accounts, until = await books.read_accounts(
            connection, shard_id, after, records=ledger.settings.verification_step
        )
        lots = await books.read_lots(connection, shard_id, after, until)
        standings = Standings.of(await read_changes(connection, shard_id, after, until))
        by_hand: dict[RequestKey, Transaction] = {}
        folds: dict[int, AccountFold] = {}
        found: list[Difference] = []
        read = 0
        async for stored in books.records_of_accounts(connection, shard_id, after, until):
            fold = folds.setdefault(
                stored.account_id, AccountFold(shard_id=shard_id, account_id=stored.account_id)
            )
            found += standings.check(stored, fold)
            found += fold.add(stored)
            by_hand |= posted_by_hand(stored)
            if isinstance(stored.record, Transaction):
                fold.count_months(stored.record, await _zone_of(stored.record, ledger))
            read += 1
        found += _compare_accounts(accounts, lots, folds, shard_id, ledger)
        found += standings.check_end(folds, shard_id)
        last = until == books.LAST
        adjustments = await read_adjustments(connection, shard_id, after, until, last=last)
        found += check_adjustments(shard_id, adjustments, by_hand)
        holds = await read_holds(connection, shard_id, after, until)
        found += _compare_holds(holds, folds, shard_id)
        for row in await books.stray_movements(connection, shard_id, after, until):
            found.append(unexpected("lot_movement", shard_id, row))
        for row in await books.repeated_requests(connection, shard_id, after, until):
            found.append(unexpected("transaction", shard_id, row))
        if last:
            found += await stray_parts(connection, shard_id)
            found += _compare_cohorts(
                shard_id,
                await outstanding_of_lots(connection, shard_id),
                await outstanding_of_cohorts(connection, shard_id),
            )
    state = replace(
        state,
        account_id=until,
        records_read=state.records_read + read,
        account_count=state.account_count + len(accounts),
    ).finding(found)
    return _next_accounts(state) if last else state


def _compare_cohorts(
    shard_id: int, lots: Mapping[Cohort, int], cohorts: Mapping[Cohort, int]
) -> Iterator[Difference]:
    """What is outstanding of each cohort, against what the lots hold of it (I14)."""
    for cohort in sorted(lots.keys() | cohorts.keys()):
        yield from differing(
            "cohort",
            shard_id,
            " ".join(cohort),
            outstanding=(lots.get(cohort, 0), cohorts.get(cohort, 0)),
        )


async def _zone_of(transaction: Transaction, ledger: Ledger) -> ZoneInfo | None:
    """In which zone the program counted its months at the time of a transaction; None when a
    record that was damaged names none.
    """
    try:
        terms = await ledger.terms_at(transaction.key.program_id, transaction.effective_time)
    except ProgramNotFound:
        return None
    return terms.time_zone


def _next_accounts(state: Verification) -> Verification:
    """On to the next shard's accounts, or to the checkpoints."""
    shard_id = state.shard_id + 1
    if shard_id == state.shards:
        return replace(state, stage=Stage.CHECKPOINTS)
    return replace(state, shard_id=shard_id, account_id=0)


def _compare_accounts(
    accounts: Sequence[StoredAccount],
    lots: Sequence[StoredLot],
    folds: Mapping[int, AccountFold],
    shard_id: int,
    ledger: Ledger,
) -> Iterator[Difference]:
    """Members' accounts and lots as they stand, against what their records make of them."""
    by_account: dict[int, list[StoredLot]] = defaultdict(list)
    for lot in lots:
        by_account[lot.account_id].append(lot)
    now = ledger.clock.now()
    for account in accounts:
        if account.of_member:
            number = account.account_id
            fold = folds.get(number) or AccountFold(shard_id=shard_id, account_id=number)
            yield from fold.check_account(account)
            yield from fold.check_lots(by_account.pop(number, []), now)
    for number, strays in by_account.items():
        for lot in strays:
            yield unexpected("lot", shard_id, f"account {number} lot {lot.lot_no}")


def _compare_holds(
    holds: Sequence[StoredHold], folds: Mapping[int, AccountFold], shard_id: int
) -> Iterator[Difference]:
    """Holds as they stand, against what their transactions make of them."""
    by_account: dict[int, list[StoredHold]] = defaultdict(list)
    for each in holds:
        by_account[each.account_id].append(each)
    for number in folds.keys() | by_account.keys():
        fold = folds.get(number) or AccountFold(shard_id=shard_id, account_id=number)
        yield from fold.check_holds(by_account.get(number, []))


async def verify_checkpoints(state: Verification, ledger: Ledger) -> Verification:
    """The next checkpoints: their trees grown again from the log, their signatures."""
    async with books.snapshot(ledger.connections) as connection:
        signed = await checkpoints_after(connection, state.checkpoint_no, limit=CHECKPOINTS_AT_ONCE)
        for each in signed:
            state = await _verify_checkpoint(connection, state, each)
        if len(signed) == CHECKPOINTS_AT_ONCE:
            return state
        found = _verify_turn(state, await books.next_checkpoint_nos(connection))
        counts = await books.node_counts(connection)
    for shard_id, frontier in enumerate(state.frontiers):
        stored = counts.get(shard_id, 0)
        found += differing("tree_node", shard_id, "all rows", number=(_nodes_of(frontier), stored))
    return replace(state.finding(found), stage=Stage.DONE)


def _verify_turn(state: Verification, numbers: Mapping[int, int]) -> list[Difference]:
    """The row that says which checkpoint is the next one; those before it must be there."""
    expected = state.checkpoint_no + 1
    found = list(
        differing(
            "checkpoint_head",
            EVERYWHERE,
            "all rows",
            next_checkpoint_no=({ONLY_ROW: expected}, dict(numbers)),
        )
    )
    claimed = range(expected, numbers.get(ONLY_ROW, expected))[:DIFFERENCES_MAX]
    return found + [missing("checkpoint", EVERYWHERE, f"checkpoint {each}") for each in claimed]


async def _verify_checkpoint(
    connection: Connection, state: Verification, signed: SignedCheckpoint
) -> Verification:
    checkpoint = signed.checkpoint
    row = f"checkpoint {checkpoint.checkpoint_no}"
    found = [
        missing("checkpoint", EVERYWHERE, f"checkpoint {number}")
        for number in range(state.checkpoint_no + 1, checkpoint.checkpoint_no)[:DIFFERENCES_MAX]
    ]
    found += differing(
        "checkpoint",
        EVERYWHERE,
        row,
        signature=("right", _judged(signed)),
        shards=(state.shards, len(checkpoint.heads)),
    )
    sizes = {each: frontier.size for each, frontier in enumerate(state.frontiers)}
    grown = await batches_after(connection, sizes, limit=BATCHES_MAX)
    nodes: list[tuple[int, Node, bytes]] = []
    heads = list(state.heads)
    for claimed in checkpoint.heads[: state.shards]:
        shard_id = claimed.shard_id
        frontier = state.frontiers[shard_id]
        batches = [
            each
            for each in grown
            if each.shard_id == shard_id and each.batch_no <= claimed.batch_count
        ]
        nodes += [(shard_id, *made) for made in grow(frontier, batches)]
        heads[shard_id] = head_after(frontier, batches) if batches else heads[shard_id]
        if shard_id not in state.broken_trees and heads[shard_id] != claimed:
            found += _compare_heads(heads[shard_id], claimed, row)
            state = replace(state, broken_trees=(*state.broken_trees, shard_id))
    found += await _verify_nodes(connection, nodes)
    return replace(state, checkpoint_no=checkpoint.checkpoint_no, heads=tuple(heads)).finding(found)


def _compare_heads(expected: ShardHead, found: ShardHead, row: str) -> Iterator[Difference]:
    return differing(
        "checkpoint",
        found.shard_id,
        row,
        batch_counts=(expected.batch_count, found.batch_count),
        record_counts=(expected.record_count, found.record_count),
        chain_hashes=(expected.chain_hash, found.chain_hash),
        roots=(expected.root, found.root),
    )


async def _verify_nodes(
    connection: Connection, made: Sequence[tuple[int, Node, bytes]]
) -> list[Difference]:
    """The inner nodes that are stored, against those that the leaves make."""
    stored = await books.stored_nodes(connection, [(shard_id, node) for shard_id, node, _ in made])
    found: list[Difference] = []
    for shard_id, node, hashed in made:
        row = f"level {node.level} index {node.number}"
        if (shard_id, node) in stored:
            found += differing("tree_node", shard_id, row, hash=(hashed, stored[shard_id, node]))
        else:
            found.append(missing("tree_node", shard_id, row))
    return found


def _judged(signed: SignedCheckpoint) -> str:
    return "right" if signed_rightly(signed) else "wrong"


def _nodes_of(frontier: Frontier) -> int:
    """How many nodes of a tree are stored."""
    levels = range(STORED_EVERY, frontier.size.bit_length(), STORED_EVERY)
    return sum(frontier.size >> level for level in levels)


STEPS: Mapping[Stage, Callable[[Verification, Ledger], Awaitable[Verification]]] = {
    Stage.LOG: verify_log,
    Stage.ACCOUNTS: verify_accounts,
    Stage.CHECKPOINTS: verify_checkpoints,
}
