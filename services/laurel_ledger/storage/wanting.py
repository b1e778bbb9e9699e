"""Whose books a batch needs, told from its drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laurel_ledger.domain.accounts import BREAKAGE, CLEARING, AccountKind
from laurel_ledger.domain.allowances import Purse
from laurel_ledger.domain.assets import Terms
from laurel_ledger.domain.posting import Group
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.transactions import (
    COUNTER_KIND,
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    ReversalDraft,
    TransactionType,
)
from laurel_ledger.storage.gathering import HolderKey, Wanted, own_of

NO_BUDGETS: Mapping[Purse, int] = {}


def wanted_by(groups: Sequence[Group], shards: int) -> Wanted:
    """Whose books a batch needs: members, who is on the other side, who takes expiries."""
    holders: set[HolderKey] = set()
    requests = set()
    reversals = set()
    holds = set()
    carriers = set()
    budgets: dict[Purse, int] = {}
    new = tuple.__new__  # A third of what a name's own constructor costs.
    member_kind, breakage_kind = AccountKind.MEMBER, AccountKind.BREAKAGE
    for group in groups:
        for command in group.commands:
            draft = command.draft
            program_id, member_id = draft.program_id, draft.member_id
            shard_id = shard_of(program_id, member_id, shards=shards)
            requests.add((shard_id, draft.request_key))
            holders.add(new(HolderKey, (shard_id, program_id, member_kind, member_id)))
            holders.add(own_of(shard_id, program_id, breakage_kind, BREAKAGE))
            if isinstance(draft, ReversalDraft):
                reversals.add((shard_id, draft.reversed_key))
                continue
            if isinstance(draft, LotDraft):
                if draft.type is TransactionType.LOT_EXTENSION:
                    member = HolderKey(shard_id, program_id, AccountKind.MEMBER, draft.member_id)
                    carriers.add((member, shard_id))
                continue  # What it makes void goes where expiries go.
            if isinstance(draft, HoldDraft):
                holds.add((shard_id, draft.hold_key))
                if draft.type not in COUNTER_KIND:
                    continue
            budgets.update(drawn_on(draft, command.terms))
            kind, name = COUNTER_KIND[draft.type], draft.counter_account_id
            holders.add(own_of(shard_id, program_id, kind, name))
            if kind is AccountKind.ADJUSTMENT:  # Lots are of who funds, too.
                holders.add(own_of(shard_id, program_id, AccountKind.FUNDING, name))
            if isinstance(draft, Draft) and (draft.to_member_id or draft.to_asset_id):
                member = HolderKey(shard_id, program_id, AccountKind.MEMBER, draft.member_id)
                receiver_id = draft.to_member_id or draft.member_id
                home = shard_of(program_id, receiver_id, shards=shards)
                carriers.add((member, home))
                holders |= receiver_of(home, program_id, receiver_id)
        holders |= _where_due(group, shards)
    return Wanted(
        holders=frozenset(holders),
        requests=frozenset(requests | reversals),
        reversals=frozenset(reversals),
        holds=frozenset(holds),
        carriers=frozenset(carriers),
        budgets=budgets,
    )


def _where_due(group: Group, shards: int) -> set[HolderKey]:
    """Whose books are needed where something is due."""
    holders = set()
    for due in group.due:
        program_id, member_id, _ = due.key
        shard_id = shard_of(program_id, member_id, shards=shards)
        holders.add(HolderKey(shard_id, program_id, AccountKind.MEMBER, member_id))
        holders.add(own_of(shard_id, program_id, AccountKind.BREAKAGE, BREAKAGE))
    return holders


def drawn_on(draft: AnyDraft, terms: Terms) -> Mapping[Purse, int]:
    """The budget that an earning draws on; most draw on none."""
    if draft.type is not TransactionType.EARN or not isinstance(draft, Draft):
        return NO_BUDGETS
    account = terms.accounts.get(draft.counter_account_id)
    if account is None or not account.budgets:
        return NO_BUDGETS
    budget = account.budgets.get(draft.asset_id)
    if budget is None:
        return NO_BUDGETS
    return {Purse(draft.program_id, draft.counter_account_id, draft.asset_id): budget}


def receiver_of(shard_id: int, program_id: str, member_id: str) -> set[HolderKey]:
    """Whose books are needed in the shard of who gets points that leave another account."""
    return {
        HolderKey(shard_id, program_id, AccountKind.MEMBER, member_id),
        own_of(shard_id, program_id, AccountKind.BREAKAGE, BREAKAGE),
        own_of(shard_id, program_id, AccountKind.CLEARING, CLEARING),
    }
