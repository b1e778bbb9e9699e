"""A run: clients that use a ledger, faults that happen to it, and a look at it all afterwards."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import grpc
from google.longrunning.operations_pb2 import GetOperationRequest
from google.longrunning.operations_pb2_grpc import OperationsStub
from laurel.ledger.v1.balances_pb2 import ListEntriesRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.finance_pb2 import GetTrialBalanceRequest
from laurel.ledger.v1.finance_pb2_grpc import FinanceServiceStub
from laurel.ledger.v1.journal_pb2 import VerifyJournalRequest, VerifyJournalResponse
from laurel.ledger.v1.journal_pb2_grpc import JournalServiceStub

from tests.histories.checker import anomalies
from tests.histories.clients import ASSET, PROGRAM, Client, entry_of, resolve
from tests.histories.faults import FAULTS
from tests.histories.history import Books, Entry, History
from tests.histories.stand import Stand

CLIENTS = 8
MEMBERS = tuple(f"m-{number}" for number in range(48))
DEADLINE = 30.0
POLL_INTERVAL = 0.1


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run came to."""

    anomalies: Sequence[str]
    operations: int
    """Requests whose outcome is known."""
    posted: int
    resolved_late: int
    """Requests of which nobody was told before all was quiet again."""
    readings: int
    faults: Mapping[str, int]
    recoveries: Sequence[float]
    """Seconds from each database that was ready again to a ledger that was."""


async def run(stand: Stand, *, seed: int, faults: Sequence[str], operations: int) -> Result:
    """Let the faults happen in a random order, each after its share of the operations."""
    history = History()
    chance = Random(seed)
    order = chance.sample(faults, len(faults))
    async with stand.channel() as channel:
        clients = [
            Client(f"c{number}", channel, history, MEMBERS, Random(f"{seed}-{number}"))
            for number in range(CLIENTS)
        ]
        share = max(1, operations // (len(order) + 1) // CLIENTS)
        for name in order:
            using = [asyncio.create_task(client.run(share)) for client in clients]
            await FAULTS[name](stand)
            await asyncio.gather(*using)
        await asyncio.gather(*(client.run(share) for client in clients))
        await asyncio.wait_for(stand.wait_answering(), DEADLINE)
        late = len(history.unresolved)
        await resolve(clients[0])
        books = await books_of(channel)
    return Result(
        anomalies=anomalies(history, books),
        operations=len(history.operations),
        posted=sum(isinstance(each.outcome, Entry) for each in history.operations),
        resolved_late=late,
        readings=len(history.readings),
        faults=Counter(order),
        recoveries=stand.recoveries,
    )


async def books_of(channel: grpc.aio.Channel) -> Books:
    """Every entry of every member, and what the ledger itself finds wrong with its books."""
    entries = {
        member_id: [entry async for entry in entries_of(channel, member_id)][::-1]
        for member_id in MEMBERS
    }
    found = [line async for line in differences(channel)]
    return Books(entries=entries, differences=found)


async def entries_of(channel: grpc.aio.Channel, member_id: str) -> AsyncIterator[Entry]:
    """A member's entries, the newest first, page by page."""
    wanted = ListEntriesRequest(
        program_id=PROGRAM, member_id=member_id, asset_id=ASSET, page_size=1000
    )
    while True:
        page = await BalanceServiceStub(channel).ListEntries(wanted, timeout=DEADLINE)
        for entry in page.entries:
            yield entry_of(entry)
        if not page.next_page_token:
            return
        wanted.page_token = page.next_page_token


async def differences(channel: grpc.aio.Channel) -> AsyncIterator[str]:
    """What does not sum to zero, and what the verifier of the journal finds."""
    balance = await FinanceServiceStub(channel).GetTrialBalance(
        GetTrialBalanceRequest(program_id=PROGRAM), timeout=DEADLINE
    )
    for asset in balance.trial_balance.assets:
        if asset.difference:
            yield f"{asset.asset_id} is out of balance by {asset.difference}"
    operation = await JournalServiceStub(channel).VerifyJournal(
        VerifyJournalRequest(request_id="verify-1"), timeout=DEADLINE
    )
    while not operation.done:
        await asyncio.sleep(POLL_INTERVAL)
        operation = await OperationsStub(channel).GetOperation(
            GetOperationRequest(name=operation.name), timeout=DEADLINE
        )
    verified = VerifyJournalResponse()
    assert operation.response.Unpack(verified), operation
    for difference in verified.differences:
        yield f"not as it was posted: {difference}"
