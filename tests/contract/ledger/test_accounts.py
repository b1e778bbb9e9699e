"""Accounts over gRPC."""

from __future__ import annotations

import pytest
from laurel.ledger.v1 import accounts_pb2 as pb
from laurel.ledger.v1.accounts_pb2_grpc import AccountServiceStub

from .conftest import DEADLINE, LedgerStubs, earn, refusal_of, spend


@pytest.fixture
def accounts(ledger: LedgerStubs) -> AccountServiceStub:
    return AccountServiceStub(ledger.channel)


async def account_of(accounts: AccountServiceStub, **fields) -> pb.Account:
    names = {"program_id": "jd", "member_id": "m-1", "asset_id": "bean"} | fields
    return (await accounts.GetAccount(pb.GetAccountRequest(**names), timeout=DEADLINE)).account


def page_of(accounts: AccountServiceStub, **fields):
    request = pb.ListAccountsRequest(**({"program_id": "jd"} | fields))
    return accounts.ListAccounts(request, timeout=DEADLINE)


async def test_get_account_says_what_is_posted(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    first = await ledger.post(earn("a", 10))
    await ledger.post(spend("s", 4))
    found = await account_of(accounts)
    assert (found.member_id, found.asset_id) == ("m-1", "bean")
    assert (found.posted, found.version, found.lot_count) == (6, 2, 1)
    assert found.open_time == first.transaction.commit_time


async def test_get_account_of_a_stranger_is_refused(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    refused = await refusal_of(account_of(accounts))
    assert (refused.code.name, refused.reason) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
    assert refused.metadata == {"program_id": "jd", "account_id": "m-1", "kind": "MEMBER"}
    assert (await refusal_of(account_of(accounts, asset_id="gold"))).reason == "ASSET_NOT_FOUND"
    unknown = account_of(accounts, program_id="none")
    assert (await refusal_of(unknown)).reason == "PROGRAM_NOT_FOUND"


async def test_list_accounts_shows_every_member_once_while_others_come(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    members = {f"m-{number}" for number in range(30)}
    for member in members:
        await ledger.post(earn("e", 5, member_id=member))
    seen, token = [], ""
    while True:
        page = await page_of(accounts, page_size=7, page_token=token)
        assert len(page.accounts) <= 7
        seen += [each.member_id for each in page.accounts]
        await ledger.post(earn("e", 5, member_id=f"late-{len(seen)}"))
        token = page.next_page_token
        if not token:
            break
    assert sorted(name for name in seen if name in members) == sorted(members)
    assert len(set(seen)) == len(seen)


async def test_list_accounts_chooses_by_member_and_asset(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    await ledger.post(earn("e", 5, member_id="m-1"))
    await ledger.post(earn("e", 6, member_id="m-2"))
    assert [each.posted for each in (await page_of(accounts, member_id="m-2")).accounts] == [6]
    assert len((await page_of(accounts, asset_id="bean")).accounts) == 2
    assert not (await page_of(accounts, asset_id="gold")).accounts
    assert not (await page_of(accounts, member_id="platform")).accounts


async def test_list_accounts_refuses_what_it_cannot_answer(
    ledger: LedgerStubs, accounts: AccountServiceStub
) -> None:
    for number in range(2):
        await ledger.post(earn("e", 5, member_id=f"m-{number}"))
    token = (await page_of(accounts, page_size=1)).next_page_token
    refused = await refusal_of(page_of(accounts, asset_id="bean", page_token=token))
    assert refused.reason == "PAGE_TOKEN_INVALID"
    assert (await refusal_of(page_of(accounts, program_id="none"))).reason == "PROGRAM_NOT_FOUND"
    assert (await refusal_of(page_of(accounts, page_size=-1))).reason == "REQUEST_INVALID"
