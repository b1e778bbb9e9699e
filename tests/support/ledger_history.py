"""A ledger's history with everything in it that verifying has to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from laurel_kit.clock import SettableClock
from laurel_kit.database import Connection
from laurel_ledger.domain.account_changes import ChangeDraft, decide_change
from laurel_ledger.domain.accounts import AccountKey
from laurel_ledger.domain.adjustments import (
    Adjustment,
    AdjustmentDraft,
    AdjustmentKey,
    AdjustmentState,
    Operator,
    approve,
    decide_adjustment,
    reject,
)
from laurel_ledger.domain.allowances import Purse
from laurel_ledger.domain.assets import AdjustmentRole, AdjustmentRules
from laurel_ledger.domain.posting import Posted
from laurel_ledger.domain.reversal_terms import LateRestore, Shortfall
from laurel_ledger.domain.shards import shard_of
from laurel_ledger.domain.spendings import AskedLine, Line, Spending, SpendShortfall
from laurel_ledger.domain.standings import AccountLimits, ChangeKind
from laurel_ledger.domain.transactions import (
    Draft,
    HoldDraft,
    LotDraft,
    ReversalDraft,
    TransactionType,
)
from laurel_ledger.handlers.checkpoints import CheckpointSource
from laurel_ledger.handlers.finance import ClosePeriod, close_period
from laurel_ledger.handlers.ledger import Ledger
from laurel_ledger.storage.account_changes import lock_account, record_change
from laurel_ledger.storage.adjustments import (
    insert_adjustment,
    record_conclusion,
    record_decision,
)
from laurel_ledger.storage.budgets import divide

from tests.support.ledger import (
    NOON,
    PROGRAM,
    SKEW,
    TERMS,
    activate,
    capture,
    earn,
    freeze,
    group,
    hold,
    prolong,
    release,
    reverse,
    spend,
    thaw,
    transfer,
)
from tests.support.ledger import (
    void as void_lots,
)
from tests.support.proofs import KEY

# Most are in one shard, whose tree so grows high enough to have inner nodes that are stored.
MEMBERS = [f"m-{number}" for number in range(40) if shard_of(PROGRAM, f"m-{number}", shards=2) == 0]
MEMBERS = [*MEMBERS[:7], next(f"m-{n}" for n in range(40) if f"m-{n}" not in MEMBERS)]
ROLE = AdjustmentRole(role_id="lead", create_max=1000, approve_max=1000)
RULED = replace(TERMS, adjustments=AdjustmentRules(reasons={"goodwill": "Goodwill"}, roles=(ROLE,)))
MAKER, CHECKER = (
    Operator(operator_id=name, role_ids=frozenset({"lead"})) for name in ("ann", "bob")
)


async def post_history(ledger: Ledger, clock: SettableClock) -> None:
    """Earnings, spendings over several lots, refusals, reversals, holds, expiries, accounts that
    are suspended and limited, changes by hand, checkpoints on the way.
    """
    chance = Random(11)
    posted: list[Draft] = []
    held: list[HoldDraft] = []
    source = CheckpointSource(ledger=ledger, key=KEY)
    await close_periods(ledger)
    for number in range(320):
        clock.set(NOON + timedelta(minutes=number))
        member = chance.choice(MEMBERS)
        void = NOON + timedelta(minutes=number + chance.randrange(5, 90))
        later = void + timedelta(days=1)
        labels = {"order": f"o-{number}"} if number % 3 == 0 else {}
        drafts = [
            earn(chance.randrange(1, 50), member_id=member, reason="a reason", labels=labels),
            earn(
                chance.randrange(1, 50),
                member_id=member,
                expire_time=void,
                counter_account_id="merchant",
                request_id=f"00000000-0000-7000-8000-{number:012}",
                effective_time=clock.now() - timedelta(hours=1),
            ),
            spend(chance.randrange(1, 80), member_id=member, labels=labels),
            spend(9, member_id=member, spending=said_of(9, chance.choice(tuple(SpendShortfall)))),
            earn(3, member_id=member, asset_id="coin"),
            earn(40, member_id=member, asset_id="stamp"),
            earn(30, member_id=member, asset_id="token"),
            transfer(
                chance.randrange(1, 30),
                chance.choice([each for each in MEMBERS if each != member]),
                member_id=member,
            ),
            earn(7, member_id=member, activation_key=f"key-{number % 5}", expire_time=later),
            earn(5, member_id=member, active_time=clock.now() + timedelta(minutes=90)),
        ]
        batch = chance.sample(drafts, chance.randrange(1, 4) if number % 40 == 0 else 1)
        if number % 4 == 3:
            batch = [change_of(chance, posted, held, member)]
        if number % 8 == 5:
            batch = [*batch, change_of_lots(chance, number, member)]
        posted += [each for each in batch if isinstance(each, Draft)]
        held += [each for each in batch if each.type is TransactionType.HOLD]
        await ledger.store.post([group(*batch)], clock=clock, skew_max=SKEW)
        if number % 25 == 24:
            await change_account(ledger, AccountKey(PROGRAM, member, "bean"), number // 25)
            await change_by_hand(ledger, clock, member, number // 25)
        if number % 100 == 99 or number == 319:
            assert await source.run_due(clock.now() + timedelta(days=1), 1) == 1
    budget = {Purse(PROGRAM, "merchant", "bean"): 10**6}
    async with ledger.connections.use() as connection:
        await divide(connection, budget, shards=await ledger.store.shard_count())


def change_of(
    chance: Random, posted: list[Draft], held: list[HoldDraft], member: str
) -> ReversalDraft | HoldDraft:
    """Something that is done to what was posted or held before, or a new hold."""
    kind = chance.randrange(5)
    spent = [each for each in posted[-9:] if each.lines]
    if kind == 1 and spent:
        return reverse(chance.choice(spent), lines=(AskedLine("b", 1), AskedLine("a")))
    if kind < 2:
        named = [each for each in posted if each.counter_account_id == "merchant"]  # By a UUID.
        return reverse(
            chance.choice(named if kind and named else posted),
            chance.choice((None, 1, 2)),
            late_restore=chance.choice((LateRestore.EXPIRE, LateRestore.REISSUE)),
            shortfall=chance.choice((Shortfall.CLAMP, Shortfall.DEBT)),
        )
    if kind == 2 or not held:
        number = len(held)
        named = {"request_id": f"00000000-0000-7000-9000-{number:012}"} if number % 2 else {}
        return hold(chance.randrange(1, 9), member_id=member, **named)
    earlier = chance.choice(held[-4:])
    return chance.choice((capture(earlier, 1), capture(earlier, 1, final=True), release(earlier)))


def said_of(amount: int, shortfall: SpendShortfall) -> Spending:
    """Two lines of a spending."""
    lines = (Line("a", amount - 4), Line("b", 4))
    return Spending(requested=amount, shortfall=shortfall, lines=lines)


def change_of_lots(chance: Random, number: int, member: str) -> LotDraft:
    """Something that is done to lots that wait or are frozen, or may be."""
    key = f"key-{chance.randrange(5)}"
    return chance.choice(
        (
            activate(member_id=member, activation_key=key),
            freeze(member_id=member, freeze_key=f"case-{number}"),
            thaw(member_id=member),
            void_lots(member_id=member, activation_key=key),
            prolong(NOON + timedelta(days=2, hours=number), member_id=member),
        )
    )


async def close_periods(ledger: Ledger) -> None:
    """Two periods before anything happened, one after the other."""
    for number in (1, 2):
        wanted = ClosePeriod(
            program_id=PROGRAM,
            request_id=f"close-{number}",
            end_time=NOON - timedelta(days=9 - number),
            fingerprint=b"",
        )
        await close_period(wanted, ledger=ledger)


async def change_account(ledger: Ledger, key: AccountKey, number: int) -> None:
    """Something is done to an account, if it is there; what was suspended is resumed later."""
    kinds = (ChangeKind.LIMITING, ChangeKind.SUSPENSION, ChangeKind.RESUMPTION)
    kind = kinds[number % len(kinds)]
    few = AccountLimits(balance_max=60, earn_max=45, spend_max=70)
    draft = ChangeDraft(
        kind=kind,
        key=key,
        etag="",
        maker_id="ann",
        reason="a review",
        limits=few if kind is ChangeKind.LIMITING and number % 2 else None,
    )

    shards = await ledger.store.shard_count()

    async def work(connection: Connection) -> None:
        account = await lock_account(connection, key, shards=shards)
        if account is not None:
            change = decide_change(account, draft, ledger.clock.now())
            await record_change(connection, key, change, shards=shards)

    await ledger.database.transact(work)


async def change_by_hand(ledger: Ledger, clock: SettableClock, member: str, number: int) -> None:
    """Points are given or taken by hand, or that is only proposed, or rejected."""
    draft = AdjustmentDraft(
        key=AdjustmentKey(PROGRAM, member, f"a-{number}"),
        asset_id="bean",
        amount=5 if number % 3 else -900,
        funding_account_id="platform",
        reason_id="goodwill",
        comment="lost on the way",
        expire_time=clock.now() + timedelta(days=2) if number % 2 else None,
    )
    proposed = decide_adjustment(
        draft,
        MAKER,
        terms=RULED,
        now=clock.now(),
        transaction_id=f"00000000-0000-7000-a000-{number:012}",
    )
    shards = await ledger.store.shard_count()
    await keep(ledger, lambda connection: insert_adjustment(connection, proposed, shards=shards))
    if number % 5 == 0:
        return  # It waits.
    now = clock.now()
    decided = (
        reject(proposed, CHECKER, "no", now=now)
        if number % 5 == 1
        else approve(proposed, CHECKER, "yes", terms=RULED, now=now)
    )
    await keep(ledger, lambda connection: record_decision(connection, decided, shards=shards))
    if decided.state is AdjustmentState.APPROVED and number % 5 != 2:
        await post_by_hand(ledger, clock, decided)


async def post_by_hand(ledger: Ledger, clock: SettableClock, decided: Adjustment) -> None:
    """An approved change is posted, or cannot be."""
    wanted = group(decided.transaction_draft)
    outcomes = await ledger.store.post([wanted], clock=clock, skew_max=SKEW)
    posted = isinstance(outcomes[0][0], Posted)
    state = AdjustmentState.POSTED if posted else AdjustmentState.FAILED
    async with ledger.connections.use() as connection:
        reason = "" if posted else "INSUFFICIENT_POINTS"
        shards = await ledger.store.shard_count()
        await record_conclusion(connection, decided.draft.key, state, reason, shards=shards)


async def keep(ledger: Ledger, work: Callable[[Connection], Awaitable[None]]) -> None:
    """Store something in a transaction of its own."""
    await ledger.database.transact(work)
