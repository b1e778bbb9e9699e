"""Lanes and the engine over books that a test controls: order, limits, deadlines, isolation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from laurel_kit.database import Contention, DatabaseUnavailable, LostRace
from laurel_kit.refusals import DeadlineExceeded, QueueFull, ShuttingDown
from laurel_ledger.domain.errors import InvariantViolation, ShardHalted
from laurel_ledger.domain.pages import Books
from laurel_ledger.domain.posting import decide_batch
from laurel_ledger.engine.lanes import LINGERS_MAX, Lane, Ticket
from laurel_ledger.engine.posting import Limits, PostingEngine
from laurel_ledger.storage.books import BrokenCommit

from tests.support.ledger import NOON, SKEW, earn, group

LIMITS = Limits(lanes=2, batch_max=10, queue_max=20, attempts=3, clock_skew=SKEW)


class ScriptedBooks:
    """Stands where the database is: each batch meets the next trouble of a script."""

    def __init__(self, *troubles: BaseException | None) -> None:
        self.troubles = list(troubles)
        self.batches: list[int] = []
        self.poison: str | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.books = Books(accounts={}, records={})

    async def shard_count(self) -> int:
        return 16

    async def post(self, groups, *, clock, skew_max, halted=()):
        await self.gate.wait()
        if halted:
            raise ShardHalted(shard=min(halted))
        self.batches.append(sum(len(group.commands) for group in groups))
        if any(c.draft.request_id == self.poison for g in groups for c in g.commands):
            raise InvariantViolation(invariant="I4")
        trouble = self.troubles.pop(0) if self.troubles else None
        decision = decide_batch(self.books, groups, now=NOON, skew_max=skew_max)
        if isinstance(trouble, BrokenCommit):
            self.keep(decision)
            raise BrokenCommit(decision.outcomes)
        if trouble:
            raise trouble
        self.keep(decision)
        return decision.outcomes

    def keep(self, decision) -> None:
        records = {record.request_key: record for record in decision.records}
        self.books = Books(
            accounts={**self.books.accounts, **decision.accounts},
            records={**self.books.records, **records},
        )


@asynccontextmanager
async def running(books: ScriptedBooks, limits: Limits = LIMITS):
    engine = PostingEngine(store=books, clock=None, limits=limits)
    task = asyncio.create_task(engine.run())
    await asyncio.sleep(0)
    try:
        yield engine
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds) -> None:
    """Let everybody else run until something holds."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)


def load(engine: PostingEngine) -> int:
    return sum(lane.load for lane in engine.lanes)


async def busy(engine: PostingEngine) -> asyncio.Task:
    """Keep the lane of the usual member busy behind the gate."""
    call = asyncio.create_task(post(engine, earn(1)))
    await until(lambda: load(engine))
    await until(lambda: not load(engine))
    return call


async def waiting(engine: PostingEngine, *calls) -> list[asyncio.Task]:
    """Calls that wait behind what is busy."""
    tasks = [asyncio.create_task(call) for call in calls]
    before = load(engine)
    await until(lambda: load(engine) >= before + len(tasks))
    return tasks


def post(engine: PostingEngine, *drafts, time_left: float = 5, **options):
    return engine.post(group(*drafts, **options), time_left=time_left)


async def test_what_arrives_during_a_commit_is_the_next_batch() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    async with running(books) as engine:
        first = await busy(engine)
        calls = await waiting(engine, *(post(engine, earn(1)) for _ in range(8)))
        books.gate.set()
        await asyncio.gather(first, *calls)
    assert books.batches == [1, 8]


async def test_a_batch_over_many_shards_keeps_its_order() -> None:
    books = ScriptedBooks()
    async with running(books) as engine:
        drafts = [earn(number + 1, member_id=f"m-{number}") for number in range(9)]
        outcomes = await post(engine, *drafts)
    assert [each.transaction.amount for each in outcomes] == list(range(1, 10))
    assert len(books.batches) == 2


async def test_an_atomic_group_stays_together() -> None:
    books = ScriptedBooks()
    async with running(books) as engine:
        drafts = [earn(1, member_id=f"m-{number}") for number in range(15)]
        assert len(await post(engine, *drafts, atomic=True)) == 15
    assert books.batches == [15]


async def test_a_full_queue_refuses_before_anything_begins() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    async with running(books) as engine:
        first = await busy(engine)
        calls = await waiting(engine, post(engine, *(earn(1) for _ in range(19))))
        with pytest.raises(QueueFull):
            await post(engine, earn(1), earn(1))
        calls += await waiting(engine, post(engine, earn(1)))
        with pytest.raises(QueueFull):
            await post(engine, earn(1))
        books.gate.set()
        await asyncio.gather(first, *calls)


async def test_what_was_not_begun_in_time_never_begins() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    async with running(books) as engine:
        first = await busy(engine)
        (late,) = await waiting(engine, post(engine, earn(1), time_left=0))
        books.gate.set()
        await first
        with pytest.raises(DeadlineExceeded):
            await late
    assert books.batches == [1]


async def test_a_caller_who_left_is_not_served() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    async with running(books) as engine:
        first = await busy(engine)
        (gone,) = await waiting(engine, post(engine, earn(1)))
        gone.cancel()
        books.gate.set()
        await first
        await until(lambda: not load(engine))
    assert books.batches == [1]


async def test_a_lost_race_is_run_again() -> None:
    books = ScriptedBooks(LostRace(), LostRace())
    async with running(books) as engine:
        (outcome,) = await post(engine, earn(1))
    assert not outcome.replayed
    assert books.batches == [1, 1, 1]


async def test_a_race_lost_again_and_again_is_contention() -> None:
    books = ScriptedBooks(*(LostRace() for _ in range(3)))
    async with running(books) as engine:
        with pytest.raises(Contention):
            await post(engine, earn(1))
        await post(engine, earn(1))


async def test_a_database_that_is_down_is_told_after_some_attempts() -> None:
    books = ScriptedBooks(*(DatabaseUnavailable() for _ in range(3)))
    async with running(books) as engine:
        with pytest.raises(DatabaseUnavailable):
            await post(engine, earn(1))
        await post(engine, earn(1))


async def test_a_commit_without_an_answer_is_settled_by_its_request_ids() -> None:
    books = ScriptedBooks(BrokenCommit(()))
    first = earn(1)
    async with running(books) as engine:
        (outcome,) = await post(engine, first)
        (again,) = await post(engine, first)
    assert (outcome.replayed, again.replayed) == (False, True)
    assert len(books.books.records) == 1


async def test_a_poisonous_draft_harms_only_itself_and_halts_its_shard() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    books.poison = "poison"
    async with running(books) as engine:
        first = await busy(engine)
        names = ["a", "b", "poison"]
        calls = await waiting(engine, *(post(engine, earn(1, request_id=name)) for name in names))
        books.gate.set()
        await first
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in answers] == [tuple, tuple, InvariantViolation]
        with pytest.raises(ShardHalted):
            await post(engine, earn(1))


async def test_what_waits_at_the_end_is_told() -> None:
    books = ScriptedBooks()
    books.gate.clear()
    async with running(books) as engine:
        begun = await busy(engine)
        (waits,) = await waiting(engine, post(engine, earn(1)))
    with pytest.raises(DatabaseUnavailable):
        await begun
    with pytest.raises(ShuttingDown):
        await waits
    with pytest.raises(ShuttingDown):
        await post(engine, earn(1))


class Closing(ScriptedBooks):
    """Their connection is closed as its user is told to end: the word is lost to that failure."""

    async def post(self, groups, *, clock, skew_max, halted=()):
        self.batches.append(sum(len(group.commands) for group in groups))
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise DatabaseUnavailable from None


async def test_an_end_that_comes_while_the_connection_breaks_is_heard() -> None:
    books = Closing()
    engine = PostingEngine(store=books, clock=None, limits=LIMITS)
    task = asyncio.create_task(engine.run())
    call = asyncio.create_task(post(engine, earn(1)))
    await until(lambda: books.batches)
    task.cancel()
    _, left = await asyncio.wait([task, call], timeout=30)
    assert not left, left
    assert isinstance(call.exception(), DatabaseUnavailable)
    assert books.batches == [1], "nothing is begun again by who was told to end"


@asynccontextmanager
async def running_lane(**options: object) -> AsyncIterator[tuple[Lane, list[int]]]:
    """A lane whose batches are answered at once, and their sizes."""
    sizes: list[int] = []

    async def note(tickets: Sequence[Ticket]) -> None:
        sizes.append(len(tickets))
        for ticket in tickets:
            ticket.answer.set_result(())

    lane = Lane(post=note, batch_max=100, linger=0.05, **options)
    task = asyncio.create_task(lane.run())
    try:
        yield lane, sizes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def submit(lane: Lane) -> asyncio.Future[object]:
    """Have a draft posted by a lane."""
    loop = asyncio.get_running_loop()
    ticket = Ticket(group=group(earn(1)), deadline=loop.time() + 9, answer=loop.create_future())
    lane.submit(ticket)
    return ticket.answer


async def test_a_lone_caller_is_not_kept_waiting() -> None:
    async with running_lane() as (lane, sizes):
        for _ in range(3):
            await submit(lane)
    assert sizes == [1, 1, 1]


async def test_a_batch_waits_on_while_more_come_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleep = asyncio.sleep
    async with running_lane(crowded=True) as (lane, sizes):

        async def meanwhile(_: float) -> None:
            """Another caller comes with every wait."""
            submit(lane)
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", meanwhile)
        await submit(lane)
        monkeypatch.undo()
    assert sizes == [LINGERS_MAX + 1]


async def test_several_callers_share_a_batch() -> None:
    async with running_lane(crowded=True) as (lane, sizes):
        answers = []
        for _ in range(3):
            answers.append(submit(lane))
            await asyncio.sleep(0)  # The lane has its turn, and waits for more.
        await asyncio.gather(*answers)
    assert sizes == [3]
