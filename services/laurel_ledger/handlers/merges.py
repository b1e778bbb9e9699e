"""Merging accounts: points go on in another account and theirs closes, in one commit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection, driver_of

from laurel_ledger.domain.account_changes import ChangeDraft
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.commits import commit_token
from laurel_ledger.domain.directory import AccountEntry
from laurel_ledger.domain.merges import MergeDraft, decide_merge
from laurel_ledger.domain.standings import ChangeKind
from laurel_ledger.domain.transactions import RequestKey, Transaction
from laurel_ledger.handlers.accounts import get_account
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.account_changes import record_change
from laurel_ledger.storage.merging import lock_both, wanted_by_merge
from laurel_ledger.storage.transactions import find_transaction

METHOD = "MergeAccounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeAccounts:
    """Whose account goes on in whose."""

    key: AccountKey
    to_member_id: str
    request_id: str
    etag: str
    release_holds: bool
    reason: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What is kept of a merge, for repeats."""

    account: AccountEntry
    received_request_id: str
    """Empty when there was nothing to carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedAccounts:
    """The account that is closed, and what went from it into the other one."""

    account: AccountEntry
    given: Transaction | None
    received: Transaction | None
    commit_token: str
    replayed: bool


async def merge_accounts(command: MergeAccounts, *, ledger: Ledger) -> MergedAccounts:
    """Carry an account into another one and close it. Raises the refusal if it is refused."""
    key = command.key
    entry = await get_account(key, ledger=ledger)
    terms = await ledger.terms_at(key.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    draft = _draft_of(command)
    wanted = wanted_by_merge(draft, shards)
    replayed = False

    async def work(connection: Connection) -> Merge:
        nonlocal replayed
        driver = await driver_of(connection)
        await lock_both(driver, wanted)
        name = {
            "program_id": key.program_id,
            "member_id": key.member_id,
            "request_id": command.request_id,
            "method": METHOD,
        }
        earlier = await requests.earlier(
            connection, **name, fingerprint=command.fingerprint, answer=Merge
        )
        replayed = earlier is not None
        if earlier is not None:
            return earlier
        merged = await ledger.store.post_within(
            driver,
            wanted,
            lambda books, now: decide_merge(books, draft, terms, now),
            zones={key.program_id: terms.time_zone},
            clock=ledger.clock,
        )
        await record_change(connection, key, merged.change, shards=shards)
        account = merged.account
        answer = Merge(
            account=replace(
                entry,
                standing=merged.change.standing,
                posted=account.posted,
                version=account.version,
            ),
            received_request_id=merged.received.request_id if merged.received else "",
        )
        await requests.remember(connection, **name, fingerprint=command.fingerprint, answer=answer)
        return answer

    merge = await ledger.database.transact(work)
    return await _answer(command, merge, replayed, ledger)


def _draft_of(command: MergeAccounts) -> MergeDraft:
    caller = current_caller()
    assert caller is not None, "accounts are merged in calls"
    return MergeDraft(
        closing=ChangeDraft(
            kind=ChangeKind.CLOSURE,
            key=command.key,
            etag=command.etag,
            maker_id=caller.subject,
            reason=command.reason,
        ),
        request_id=command.request_id,
        to_member_id=command.to_member_id,
        release_holds=command.release_holds,
    )


async def _answer(
    command: MergeAccounts,
    merge: Merge,
    replayed: bool,
    ledger: Ledger,  # One fact.
) -> MergedAccounts:
    """The merge with its transactions as they were posted."""
    program_id, member_id, _ = command.key
    shards = await ledger.store.shard_count()
    sides: list[Transaction] = []
    if merge.received_request_id:
        async with ledger.connections.use() as connection:
            for name in (
                RequestKey(program_id, member_id, command.request_id),
                RequestKey(program_id, command.to_member_id, merge.received_request_id),
            ):
                found = await find_transaction(connection, name, shards=shards)
                assert found is not None, "both sides of a merge were posted"
                sides.append(found)
    return MergedAccounts(
        account=merge.account,
        given=sides[0] if sides else None,
        received=sides[1] if sides else None,
        commit_token=commit_token(sides, shards=shards) if sides else "",
        replayed=replayed,
    )
