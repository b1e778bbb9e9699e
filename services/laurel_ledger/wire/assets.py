"""Assets as messages."""

from __future__ import annotations

from collections.abc import Iterable

from laurel.ledger.v1 import assets_pb2 as pb

from laurel_ledger.handlers.assets import AssetTotals
from laurel_ledger.wire.program import write_expiry


def write_get_asset(totals: AssetTotals) -> pb.GetAssetResponse:
    """The asset asked for."""
    return pb.GetAssetResponse(asset=write_asset(totals))


def write_list_assets(assets: Iterable[AssetTotals]) -> pb.ListAssetsResponse:
    """The assets of a program."""
    return pb.ListAssetsResponse(assets=[write_asset(each) for each in assets])


def write_asset(totals: AssetTotals) -> pb.Asset:
    """An asset with the totals of the program's own accounts."""
    asset = totals.asset
    message = pb.Asset(
        program_id=totals.program_id,
        asset_id=asset.asset_id,
        display_name=asset.display_name,
        amount_max=asset.amount_max,
        balance_max=asset.balance_max,
        accounts=[
            pb.ProgramAccount(
                account_id=each.account.account_id,
                kind=each.account.kind.value,  # type: ignore[arg-type]  # Same numbers, by a test.
                display_name=each.account.display_name,
                posted=each.posted,
                budget=each.account.budgets.get(asset.asset_id),
                budget_left=each.budget_left_of(asset.asset_id),
            )
            for each in totals.accounts
        ],
        outstanding=totals.outstanding,
        program_revision=totals.program_revision,
        face_fen_per_10000=asset.face_fen_per_10000,
    )
    if asset.expiry is not None:
        message.expiry.CopyFrom(write_expiry(asset.expiry))
    return message
