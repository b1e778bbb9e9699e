"""Posting transactions, and answering them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from laurel_ledger.domain.commits import commit_token
from laurel_ledger.domain.errors import TransactionNotFound
from laurel_ledger.domain.history import TransactionFilter
from laurel_ledger.domain.posting import Command, Group, Outcome, Posted, Refused
from laurel_ledger.domain.transactions import AnyDraft, Draft, RequestKey, Transaction
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.history import list_member_transactions
from laurel_ledger.storage.transactions import find_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PostTransaction:
    """One draft to post, or only to try."""

    draft: AnyDraft
    validate_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedTransaction:
    """What became of it."""

    transaction: Transaction
    commit_token: str
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPostTransactions:
    """Drafts of one program to post, each for itself or all or none."""

    program_id: str
    drafts: tuple[Draft, ...]
    atomic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedBatch:
    """What became of each."""

    outcomes: tuple[Outcome, ...]
    commit_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTransactions:
    """A page of a member's transactions: those before a position of the log."""

    wanted: TransactionFilter
    page_size: int
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """Transactions, the latest first; a position when there are more before it."""

    transactions: tuple[Transaction, ...]
    next_position: int | None


async def post_transaction(command: PostTransaction, *, ledger: Ledger) -> PostedTransaction:
    """Post a draft; known to be durable when this returns. Raises the refusal if it is refused."""
    group = Group(commands=(await _command(command.draft, ledger),))
    if command.validate_only:
        outcome = await _preview(group, ledger)
        transaction = _transaction_of(outcome)
        return PostedTransaction(
            transaction=transaction, commit_token="", replayed=outcome.replayed
        )
    (outcome,) = await ledger.engine.post(group, time_left=ledger.time_left())
    transaction = _transaction_of(outcome)
    return PostedTransaction(
        transaction=transaction,
        commit_token=commit_token([transaction], shards=await ledger.store.shard_count()),
        replayed=outcome.replayed,
    )


async def reverse_transaction(command: PostTransaction, *, ledger: Ledger) -> PostedTransaction:
    """Reverse a transaction, in full or in part: a draft of its own, posted as all are."""
    return await post_transaction(command, ledger=ledger)


async def batch_post_transactions(command: BatchPostTransactions, *, ledger: Ledger) -> PostedBatch:
    """Post drafts in order, each for itself or, if atomic, all or none.

    Raises BatchMemberFailed when an atomic batch could not be posted.
    """
    return await post_group(await prepare_batch(command, ledger), ledger)


async def prepare_batch(command: BatchPostTransactions, ledger: Ledger) -> Group:
    """Drafts with what their program says at their times. Raises ProgramNotFound."""
    terms = await ledger.terms_at(command.program_id, ledger.clock.now())
    commands = [
        await _command(draft, ledger) if draft.effective_time else Command(draft=draft, terms=terms)
        for draft in command.drafts
    ]
    return Group(commands=tuple(commands), atomic=command.atomic)


async def post_group(group: Group, ledger: Ledger) -> PostedBatch:
    """Post drafts that were prepared."""
    outcomes = await ledger.engine.post(group, time_left=ledger.time_left())
    if group.atomic and isinstance(outcomes[0], Refused):
        raise outcomes[0].error
    return PostedBatch(
        outcomes=outcomes,
        commit_token=commit_token(
            _transactions_of(outcomes), shards=await ledger.store.shard_count()
        ),
    )


async def get_transaction(key: RequestKey, *, ledger: Ledger) -> Transaction:
    """A posted transaction by its name. Raises TransactionNotFound."""
    await ledger.terms_at(key.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await find_transaction(connection, key, shards=shards)
    if found is None:
        raise TransactionNotFound(
            program_id=key.program_id, member_id=key.member_id, request_id=key.request_id
        )
    return found


async def list_transactions(query: ListTransactions, *, ledger: Ledger) -> TransactionPage:
    """A page of a member's posted transactions. Raises ProgramNotFound."""
    await ledger.terms_at(query.wanted.program_id, ledger.clock.now())
    shards = await ledger.store.shard_count()
    async with ledger.connections.use() as connection:
        found = await list_member_transactions(
            connection,
            query.wanted,
            before=query.before,
            limit=query.page_size + 1,
            shards=shards,
        )
    page = found[: query.page_size]
    return TransactionPage(
        transactions=tuple(transaction for _, transaction in page),
        next_position=page[-1][0] if len(found) > query.page_size else None,
    )


async def _command(draft: AnyDraft, ledger: Ledger) -> Command:
    """The draft with what the program says at its time."""
    instant = draft.effective_time or ledger.clock.now()
    return Command(draft=draft, terms=await ledger.terms_at(draft.program_id, instant))


async def _preview(group: Group, ledger: Ledger) -> Outcome:
    (outcome,) = await ledger.store.preview(
        group, clock=ledger.clock, skew_max=ledger.settings.clock_skew
    )
    return outcome


def _transaction_of(outcome: Outcome) -> Transaction:
    """What was posted; a refusal is raised."""
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.transaction


def _transactions_of(outcomes: Sequence[Outcome]) -> list[Transaction]:
    return [each.transaction for each in outcomes if isinstance(each, Posted)]
