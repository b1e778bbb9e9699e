"""Looks for anything in a history that an exact ledger could not have done.

It shares no code with the ledger. Members' accounts are lists of heaps of points, and everything is
found by walking lists.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from tests.histories.history import (
    EARN,
    EXPIRY,
    Books,
    Entry,
    History,
    Operation,
    Reading,
    Refused,
)


def anomalies(history: History, books: Books) -> list[str]:
    """Everything that is wrong, a line each; empty for a history that an exact ledger makes."""
    checks = (unresolved, contradicted, torn_groups, wrong_accounts, wrong_order, wrong_readings)
    found = [line for check in checks for line in check(history, books)]
    return [*history.surprises, *books.differences, *found]


def unresolved(history: History, _books: Books) -> Iterator[str]:
    """Whoever asks long enough must learn what became of his request."""
    for operation in history.unresolved:
        yield f"unresolved: {operation.request.request_id}"


def contradicted(history: History, books: Books) -> Iterator[str]:
    """What was told to a client is what the books say: nothing lost, nothing doubled."""
    stored = defaultdict(list)
    for member_id, entries in books.entries.items():
        for entry in entries:
            if entry.type != EXPIRY:
                stored[member_id, entry.request_id].append(entry)
    for operation in history.operations:
        request = operation.request
        found = stored.pop((request.member_id, request.request_id), [])
        if fault := fault_of(operation, found):
            yield f"{fault}: {request.request_id}, told {operation.outcome}, stored {found}"
    for _, request_id in stored:
        yield f"never asked for: {request_id}"


def fault_of(operation: Operation, found: Sequence[Entry]) -> str:
    """What is wrong between an answer and what is stored under its request id."""
    if len(found) > 1:
        return "doubled"
    if isinstance(operation.outcome, Refused):
        return "refused, but posted" if found else ""
    if operation.outcome is None or found == [operation.outcome]:
        return ""
    return "told otherwise" if found else "lost"


def torn_groups(history: History, _books: Books) -> Iterator[str]:
    """All of a group are posted or none is."""
    groups = defaultdict(set)
    for operation in history.operations:
        if operation.request.group and operation.outcome is not None:
            groups[operation.request.group].add(isinstance(operation.outcome, Entry))
    for group, posted in groups.items():
        if len(posted) > 1:
            yield f"torn: some of {group} are posted, some are not"


def wrong_accounts(history: History, books: Books) -> Iterator[str]:
    """Every account can be played again from its entries."""
    asked = {each.request.request_id: each.request for each in history.operations}
    for member_id, entries in books.entries.items():
        if [each.version for each in entries] != list(range(1, len(entries) + 1)):
            yield f"versions of {member_id} have gaps"
        for earlier, later in pairwise(entries):
            if earlier.commit_time >= later.commit_time:
                yield f"time of {member_id} goes back at version {later.version}"
        account = NaiveAccount()
        for entry in entries:
            request = asked.get(entry.request_id)
            if request and (request.type, request.amount) != (entry.type, abs(entry.amount)):
                yield f"another request than was asked: {entry} for {request}"
            for fault in account.play(entry):
                yield f"{member_id} version {entry.version}: {fault}"


@dataclass
class Heap:
    """Points that may be spent until the same instant."""

    lot_id: str
    expire_time: datetime | None
    left: int


class NaiveAccount:
    """An account as a list of heaps."""

    def __init__(self) -> None:
        self.heaps: list[Heap] = []

    def play(self, entry: Entry) -> Iterator[str]:
        """Do what an entry says happened, and tell what could not have."""
        if entry.type == EARN:
            yield from self._fill(entry)
        elif entry.type == EXPIRY:
            yield from self._expire(entry)
        else:
            yield from self._spend(entry)
        self.heaps = [heap for heap in self.heaps if heap.left]
        if sum(heap.left for heap in self.heaps) != entry.posted_after:
            yield f"{entry.posted_after} posted, {sum(heap.left for heap in self.heaps)} left"

    def not_void(self, instant: datetime) -> int:
        """What it holds that is not void at an instant."""
        return sum(
            heap.left
            for heap in self.heaps
            if heap.expire_time is None or heap.expire_time > instant
        )

    def _fill(self, entry: Entry) -> Iterator[str]:
        for moved in entry.moved:
            for heap in self.heaps:
                if heap.lot_id == moved.lot_id:
                    heap.left += moved.amount
                    break
            else:
                self.heaps.append(Heap(moved.lot_id, moved.expire_time, moved.amount))
        if sum(moved.amount for moved in entry.moved) != entry.amount:
            yield "what came into lots is not what was earned"

    def _expire(self, entry: Entry) -> Iterator[str]:
        due = [heap for heap in self.heaps if heap.expire_time == entry.effective_time]
        if -entry.amount != sum(heap.left for heap in due):
            yield f"{-entry.amount} expired, {sum(heap.left for heap in due)} were void"
        for heap in due:
            heap.left = 0

    def _spend(self, entry: Entry) -> Iterator[str]:
        """Points leave in the order of their expiry, and none that are void."""
        left = -entry.amount
        taken: Counter[str] = Counter()
        for heap in sorted(self.heaps, key=lambda heap: heap.expire_time or FAR):
            if heap.expire_time and heap.expire_time <= entry.commit_time:
                yield f"void points of {heap.lot_id} are still there at {entry.commit_time}"
            part = min(left, heap.left)
            heap.left -= part
            left -= part
            taken[heap.lot_id] += part
        if left:
            yield f"{left} were spent that nobody had"
        told = Counter({moved.lot_id: -moved.amount for moved in entry.moved})
        if +taken != +told:
            yield f"out of {dict(+told)}, but first to expire are {dict(+taken)}"


FAR = datetime.max.replace(tzinfo=UTC)


def wrong_order(history: History, _books: Books) -> Iterator[str]:
    """Who was answered before somebody else asked comes before him."""
    posted = defaultdict(list)
    for operation in history.operations:
        if isinstance(operation.outcome, Entry):
            posted[operation.request.member_id].append(operation)
    for member_id, operations in posted.items():
        operations.sort(key=lambda each: each.outcome.version, reverse=True)
        first_ended = float("inf")
        for operation in operations:
            if operation.begun > first_ended:
                yield f"{member_id} version {operation.outcome.version} was asked for too late"
            first_ended = min(first_ended, operation.ended)


def wrong_readings(history: History, books: Books) -> Iterator[str]:
    """What was read, or was said not to be enough, was there at some moment of the call."""
    spans = {member_id: Span(member_id, history) for member_id in books.entries}
    readings: dict[str, list[Reading]] = defaultdict(list)
    for reading in history.readings:
        low, high = spans[reading.member_id].versions(reading.begun, reading.ended)
        if low <= reading.version <= min(high, len(books.entries[reading.member_id])):
            readings[reading.member_id].append(reading)
        else:
            yield f"stale: {reading}, versions {low} to {high} were possible"
    for member_id, own in readings.items():
        yield from _misread(sorted(own, key=version_of), books.entries[member_id])
    balances = {
        member_id: [0, *(entry.posted_after for entry in entries)]
        for member_id, entries in books.entries.items()
    }
    for operation in history.operations:
        if isinstance(operation.outcome, Refused):
            member_id = operation.request.member_id
            yield from _wrong_refusal(
                operation, operation.outcome, balances[member_id], spans[member_id]
            )


def version_of(reading: Reading) -> int:
    """After how many entries something was read."""
    return reading.version


def _misread(readings: Sequence[Reading], entries: Sequence[Entry]) -> Iterator[str]:
    """Readings of an account, by version, against its entries: played once for all of them."""
    account, played = NaiveAccount(), 0
    for reading in readings:
        for entry in entries[played : reading.version]:
            list(account.play(entry))
        played = max(played, reading.version)
        posted = account.not_void(reading.as_of_time)
        if reading.posted != posted or reading.available > posted:
            yield f"misread: {reading}, {posted} were posted"


def _wrong_refusal(
    operation: Operation, refused: Refused, balances: Sequence[int], span: Span
) -> Iterator[str]:
    if refused.reason != "INSUFFICIENT_POINTS":
        return
    low, high = span.versions(operation.begun, operation.ended)
    possible = balances[low : min(high, len(balances) - 1) + 1]
    if refused.available >= operation.request.amount or refused.available not in possible:
        yield f"refused wrongly: {operation}, balances were {possible}"


class Span:
    """Which versions of an account there can have been during a call."""

    def __init__(self, member_id: str, history: History) -> None:
        own = [
            (each.begun, each.ended, each.outcome.version)
            for each in history.operations
            if isinstance(each.outcome, Entry) and each.request.member_id == member_id
        ]
        self._ends, self._reached = highest(sorted((ended, version) for _, ended, version in own))
        starts = sorted(((-begun, -version) for begun, _, version in own))
        self._starts, self._below = highest(starts)

    def versions(self, begun: float, ended: float) -> tuple[int, int]:
        """The lowest and the highest version between two instants."""
        before = bisect_right(self._ends, begun)
        after = bisect_right(self._starts, -ended)
        low = self._reached[before - 1] if before else 0
        high = -self._below[after - 1] - 1 if after else 10**9
        return low, high


def highest(pairs: list[tuple[float, int]]) -> tuple[list[float], list[int]]:
    """Instants, and the highest number up to each of them."""
    instants, numbers = [], []
    reached = -(10**9)
    for instant, number in pairs:
        reached = max(reached, number)
        instants.append(instant)
        numbers.append(reached)
    return instants, numbers
