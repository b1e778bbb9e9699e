"""Suspending, resuming, limiting and closing accounts, while nobody posts in their shard."""

from __future__ import annotations

from dataclasses import dataclass, replace

from laurel_kit import requests
from laurel_kit.access import current_caller
from laurel_kit.database import Connection

from laurel_ledger.domain.account_changes import ChangeDraft, decide_change
from laurel_ledger.domain.accounts import AccountKey, AccountKind
from laurel_ledger.domain.directory import AccountEntry
from laurel_ledger.domain.errors import AccountNotFound
from laurel_ledger.domain.posting import DueAccount, Group
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.standings import AccountChange, AccountLimits, ChangeKind
from laurel_ledger.handlers.accounts import get_account
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.account_changes import lock_account, record_change


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAccount:
    """What to do to an account."""

    kind: ChangeKind
    key: AccountKey
    request_id: str
    etag: str
    reason: str
    limits: AccountLimits | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAccount:
    """The account after it, and whether an earlier request did it."""

    account: AccountEntry
    replayed: bool = False


async def suspend_account(command: ChangeAccount, *, ledger: Ledger) -> ChangedAccount:
    """Stop new postings. Raises the refusal if it is refused."""
    return await _change_account(command, ledger)


async def resume_account(command: ChangeAccount, *, ledger: Ledger) -> ChangedAccount:
    """Let postings go on. Raises the refusal if it is refused."""
    return await _change_account(command, ledger)


async def set_account_limits(command: ChangeAccount, *, ledger: Ledger) -> ChangedAccount:
    """Set what postings may come to. Raises the refusal if it is refused."""
    return await _change_account(command, ledger)


async def close_account(command: ChangeAccount, *, ledger: Ledger) -> ChangedAccount:
    """Close an empty account for good, once what is due in it is posted."""
    return await _change_account(command, ledger)


async def _change_account(command: ChangeAccount, ledger: Ledger) -> ChangedAccount:
    key = command.key
    entry = await get_account(key, ledger=ledger)
    if command.kind is ChangeKind.CLOSURE:
        await _post_due(key, ledger)
    caller = current_caller()
    assert caller is not None, "accounts are changed in calls"
    draft = ChangeDraft(
        kind=command.kind,
        key=key,
        etag=command.etag,
        maker_id=caller.subject,
        reason=command.reason,
        limits=command.limits,
    )
    shards = await ledger.store.shard_count()

    async def work(connection: Connection) -> ChangedAccount:
        account = await lock_account(connection, key, shards=shards)
        name = _name(command)
        earlier = await requests.earlier(
            connection, **name, fingerprint=command.fingerprint, answer=ChangedAccount
        )
        if earlier is not None:
            return replace(earlier, replayed=True)
        if account is None:
            raise AccountNotFound(
                program_id=key.program_id, account_id=key.member_id, kind=AccountKind.MEMBER.name
            )
        change = decide_change(account, draft, ledger.clock.now())
        await record_change(connection, key, change, shards=shards)
        answer = ChangedAccount(account=_after(entry, change, account.posted, account.version))
        await requests.remember(connection, **name, fingerprint=command.fingerprint, answer=answer)
        return answer

    return await ledger.database.transact(work)


def _after(entry: AccountEntry, change: AccountChange, posted: int, version: int) -> AccountEntry:
    """The account as the directory shows it after a change."""
    return replace(entry, standing=change.standing, posted=posted, version=version)


def _name(command: ChangeAccount) -> dict[str, str]:
    return {
        "program_id": command.key.program_id,
        "member_id": command.key.member_id,
        "request_id": command.request_id,
        "method": f"Account{command.kind.name.title()}",
    }


async def _post_due(key: AccountKey, ledger: Ledger) -> None:
    """Void points whose expiry nobody has posted yet do not keep an account from closing."""
    terms = await ledger.terms_at(key.program_id, ledger.clock.now())
    due = DueAccount(key=key, program_revision=terms.revision_id)
    shards = await ledger.store.shard_count()
    await ledger.engine.expire(
        Group(due=(due,)),
        shard_id=shard_of(key.program_id, key.member_id, shards=shards),
        time_left=ledger.time_left(),
    )
