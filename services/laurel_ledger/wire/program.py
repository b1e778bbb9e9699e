"""The ledger's section of a program, from message to model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from laurel.program.v1.ledger_section_pb2 import (
    AccountDefinition,
    AssetDefinition,
    ExchangeRateDefinition,
)
from laurel.program.v1.ledger_section_pb2 import (
    AdjustmentRules as RulesMessage,
)
from laurel.program.v1.ledger_section_pb2 import (
    ExpiryRule as ExpiryMessage,
)
from laurel.program.v1.program_pb2 import Program
from laurel_kit.programs.sections import ProgramFault, ProgramFaults

from laurel_ledger.domain.accounts import AccountKind
from laurel_ledger.domain.assets import (
    AMOUNT_MAX,
    AdjustmentRole,
    AdjustmentRules,
    Asset,
    CalendarExpiry,
    CommonDates,
    DateOfYear,
    ExchangeRate,
    ExpiryRule,
    ProgramAccount,
    check_adjustments,
    check_budgets,
    check_exchanges,
    check_section,
)

NAME = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerModel:
    """What a program says to the ledger, apart from which revision of it that is."""

    assets: Mapping[str, Asset]
    accounts: Mapping[str, ProgramAccount]
    adjustments: AdjustmentRules
    exchanges: Mapping[tuple[str, str], ExchangeRate]


class LedgerSection:
    """How the ledger understands a program file."""

    name = NAME

    def compile(self, program: Program) -> LedgerModel:
        """The model of the section. Raises ProgramFaults with every fault of it."""
        assets = tuple(read_asset(each) for each in program.ledger.assets)
        accounts = tuple(read_account(each) for each in program.ledger.accounts)
        rules = read_adjustments(program.ledger.adjustments)
        reason_ids = [each.reason_id for each in program.ledger.adjustments.reasons]
        rates = tuple(read_exchange_rate(each) for each in program.ledger.exchanges)
        faults = [
            *check_section(assets, accounts),
            *check_adjustments(reason_ids, rules.roles),
            *check_budgets(
                [asset.asset_id for asset in assets],
                accounts,
                [[each.asset_id for each in it.budgets] for it in program.ledger.accounts],
            ),
            *check_exchanges([asset.asset_id for asset in assets], rates),
        ]
        if faults:
            raise ProgramFaults(
                [ProgramFault(f"{NAME}.{fault.path}", fault.message) for fault in faults]
            )
        return LedgerModel(
            assets={asset.asset_id: asset for asset in assets},
            accounts={account.account_id: account for account in accounts},
            adjustments=rules,
            exchanges={(rate.asset_id, rate.to_asset_id): rate for rate in rates},
        )


SECTION = LedgerSection()
"""The one section of this service."""


def read_asset(message: AssetDefinition) -> Asset:
    """An asset; limits left out are the ledger's own."""
    return Asset(
        asset_id=message.asset_id,
        display_name=message.display_name,
        expiry=read_expiry(message.expiry) if message.HasField("expiry") else None,
        amount_max=message.amount_max or AMOUNT_MAX,
        balance_max=message.balance_max or AMOUNT_MAX,
        transferable=message.transferable,
        face_fen_per_10000=message.face_fen_per_10000,
    )


def read_exchange_rate(message: ExchangeRateDefinition) -> ExchangeRate:
    """A rate by which points are exchanged."""
    return ExchangeRate(
        asset_id=message.asset_id,
        to_asset_id=message.to_asset_id,
        amount=message.amount,
        to_amount=message.to_amount,
    )


def read_expiry(message: ExpiryMessage) -> ExpiryRule:
    """When points become void: with a calendar span, after common dates, or a while later."""
    rule = message.WhichOneof("rule")
    if rule == "calendar":
        return CalendarExpiry(message.calendar)
    if rule == "common_dates":
        dates = tuple(DateOfYear(each.month, each.day) for each in message.common_dates.dates)
        return CommonDates(dates=dates, years=message.common_dates.years)
    lifetime: timedelta = message.lifetime.ToTimedelta()
    return lifetime


def write_expiry(expiry: ExpiryRule) -> ExpiryMessage:
    """The same as a message."""
    rule = ExpiryMessage()
    if isinstance(expiry, CalendarExpiry):
        rule.calendar = expiry.value  # type: ignore[assignment]  # Same numbers, by a test.
    elif isinstance(expiry, CommonDates):
        rule.common_dates.years = expiry.years
        for month, day in expiry.dates:
            rule.common_dates.dates.add(month=month, day=day)
    else:
        rule.lifetime.FromTimedelta(expiry)
    return rule


_KINDS = {1: AccountKind.FUNDING, 2: AccountKind.REDEMPTION}


def read_account(message: AccountDefinition) -> ProgramAccount:
    """One of the program's own accounts."""
    return ProgramAccount(
        account_id=message.account_id,
        kind=_KINDS[message.purpose],
        display_name=message.display_name,
        budgets={each.asset_id: each.amount for each in message.budgets},
    )


def read_adjustments(message: RulesMessage) -> AdjustmentRules:
    """Who may change balances by hand, and why."""
    return AdjustmentRules(
        reasons={each.reason_id: each.display_name for each in message.reasons},
        roles=tuple(
            AdjustmentRole(
                role_id=each.role_id, create_max=each.create_max, approve_max=each.approve_max
            )
            for each in message.roles
        ),
    )
