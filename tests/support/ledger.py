"""A small program and short words for drafts, for tests of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.assets import Asset, CalendarExpiry, ExchangeRate, ProgramAccount, Terms
from laurel_ledger.domain.posting import Command, Group
from laurel_ledger.domain.transactions import (
    AnyDraft,
    Draft,
    HoldDraft,
    LotDraft,
    ReversalDraft,
    TransactionType,
)

PROGRAM = "jd"
MEMBER = "m-1"
SKEW = timedelta(minutes=5)
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
RATES = (
    ExchangeRate(asset_id="token", to_asset_id="bean", amount=10, to_amount=3),
    ExchangeRate(asset_id="token", to_asset_id="stamp", amount=1, to_amount=30),
)
_numbers = count(1)


def terms(**assets: Asset) -> Terms:
    """Beans that end with the next year, coins that live a day, few stamps, tokens to give away."""
    beans = Asset(asset_id="bean", display_name="Beans", expiry=CalendarExpiry.END_OF_NEXT_YEAR)
    coins = Asset(asset_id="coin", display_name="Coins", expiry=timedelta(days=1))
    stamps = Asset(
        asset_id="stamp", display_name="Stamps", expiry=None, amount_max=100, balance_max=150
    )
    tokens = Asset(asset_id="token", display_name="Tokens", expiry=None, transferable=True)
    accounts = (
        ProgramAccount(account_id="platform", kind=AccountKind.FUNDING, display_name="Platform"),
        ProgramAccount(account_id="merchant", kind=AccountKind.FUNDING, display_name="Merchant"),
        ProgramAccount(account_id="checkout", kind=AccountKind.REDEMPTION, display_name="Checkout"),
    )
    return Terms(
        program_id=PROGRAM,
        revision_id="sha256:first",
        time_zone=ZoneInfo("Asia/Shanghai"),
        assets={each.asset_id: each for each in (beans, coins, stamps, tokens)} | assets,
        accounts={each.account_id: each for each in accounts},
        exchanges={(each.asset_id, each.to_asset_id): each for each in RATES},
    )


TERMS = terms()


def earn(amount: int, **options: object) -> Draft:
    """An earning of beans of the usual member."""
    return draft(TransactionType.EARN, amount, "platform", **options)


def spend(amount: int, **options: object) -> Draft:
    """A spending of beans of the usual member."""
    return draft(TransactionType.SPEND, amount, "checkout", **options)


def transfer(amount: int, to_member_id: str = "m-2", **options: object) -> Draft:
    """Tokens that the usual member gives to another one."""
    content = {"asset_id": "token", "to_member_id": to_member_id}
    return draft(TransactionType.TRANSFER_OUT, amount, "clearing", **(content | options))


def exchange(amount: int, **options: object) -> Draft:
    """Tokens of the usual member for beans."""
    content = {"asset_id": "token", "to_asset_id": "bean"}
    return draft(TransactionType.EXCHANGE_OUT, amount, "conversion", **(content | options))


def reverse(draft: Draft, amount: int | None = None, **options: object) -> ReversalDraft:
    """A reversal of what a draft became, of all that is left of it unless an amount is given."""
    content = {
        "program_id": PROGRAM,
        "request_id": f"r-{next(_numbers)}",
        "member_id": draft.member_id,
        "reversed_request_id": draft.request_id,
    }
    return ReversalDraft(amount=amount, **(content | options))


def hold(amount: int, *, minutes: int = 60, **options: object) -> HoldDraft:
    """Beans of the usual member to set aside for some minutes."""
    name = options.pop("request_id", f"r-{next(_numbers)}")
    content = {"member_id": MEMBER, "asset_id": "bean", "hold_id": name}
    lifetime = timedelta(minutes=minutes)
    return hold_draft(
        TransactionType.HOLD, name, amount=amount, **({"lifetime": lifetime} | content | options)
    )


def capture(held: HoldDraft, amount: int | None = None, **options: object) -> HoldDraft:
    """A capture of a hold at the checkout."""
    content = {"counter_account_id": "checkout", "amount": amount}
    return change(TransactionType.CAPTURE, held, **(content | options))


def release(held: HoldDraft, **options: object) -> HoldDraft:
    """The end of a hold."""
    return change(TransactionType.RELEASE, held, **options)


def extend(held: HoldDraft, *, minutes: int, **options: object) -> HoldDraft:
    """A longer life of a hold."""
    lifetime = timedelta(minutes=minutes)
    return change(TransactionType.EXTENSION, held, lifetime=lifetime, **options)


def change(type_: TransactionType, held: HoldDraft, **options: object) -> HoldDraft:
    """A change of a hold with a request id of its own."""
    name = options.pop("request_id", f"r-{next(_numbers)}")
    content = {"member_id": held.member_id, "hold_id": held.hold_id}
    return hold_draft(type_, name, **(content | options))


def activate(**options: object) -> LotDraft:
    """An activation of lots."""
    return change_lots(TransactionType.ACTIVATION, **options)


def freeze(freeze_key: str = "case", **options: object) -> LotDraft:
    """A freeze of lots."""
    return change_lots(TransactionType.FREEZE, freeze_key=freeze_key, **options)


def thaw(**options: object) -> LotDraft:
    """The end of a freeze."""
    return change_lots(TransactionType.THAW, **options)


def void(**options: object) -> LotDraft:
    """Lots to be made void."""
    return change_lots(TransactionType.VOIDING, **options)


def prolong(expire_time: datetime, **options: object) -> LotDraft:
    """Lots to last until then."""
    return change_lots(TransactionType.LOT_EXTENSION, expire_time=expire_time, **options)


def change_lots(type_: TransactionType, **options: object) -> LotDraft:
    """A change of lots of beans of the usual member, with a request id of its own."""
    content = {
        "program_id": PROGRAM,
        "request_id": f"r-{next(_numbers)}",
        "member_id": MEMBER,
        "asset_id": "bean",
    }
    return LotDraft(type=type_, **(content | options))


def hold_draft(type_: TransactionType, request_id: object, **content: object) -> HoldDraft:
    """A draft for a hold."""
    return HoldDraft(program_id=PROGRAM, type=type_, request_id=request_id, **content)


def draft(type_: TransactionType, amount: int, counter: str, **options: object) -> Draft:
    """A draft with a request id of its own unless one is given."""
    content = {
        "program_id": PROGRAM,
        "request_id": f"r-{next(_numbers)}",
        "member_id": MEMBER,
        "asset_id": "bean",
        "counter_account_id": counter,
    }
    return Draft(type=type_, amount=amount, **(content | options))


def group(*drafts: AnyDraft, atomic: bool = False, terms: Terms = TERMS) -> Group:
    """Drafts that arrived together."""
    return Group(commands=tuple(Command(draft=each, terms=terms) for each in drafts), atomic=atomic)
