"""`laurel member show`: everything about a member on one screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from laurel.benefits.v1.memberships_pb2 import Membership, MembershipState
from rich.markup import escape

from laurel_cli.commands.options import DATA, PROGRAM, Data, Json, Program
from laurel_cli.commands.running import run_connected
from laurel_cli.member_view import Holding, MemberView, Standing, view_member
from laurel_cli.output import new_table, print_json, say, say_table

application = typer.Typer(help="Look at members.", no_args_is_help=True)


@application.callback()
def member() -> None:
    """Look at members."""


@application.command()
def show(
    member_id: Annotated[str, typer.Argument(metavar="MEMBER", help="The member.")],
    program: Program = PROGRAM,
    data: Data = DATA,
    *,
    json: Json = False,
) -> None:
    """Show what a member has, is worth and is entitled to."""
    view = run_connected(
        data, lambda connections: view_member(connections, program, member_id), json=json
    )
    if json:
        print_json(view.as_json())
    else:
        tell(view)


def tell(view: MemberView) -> None:
    """Print the whole screen."""
    zone = ZoneInfo(view.program.time_zone)
    say(f"[bold]{escape(view.member_id)}[/]  {view.program.display_name}")
    for holding in view.holdings:
        tell_holding(holding, zone)
    for standing in view.standings:
        tell_standing(standing, zone)
    for name, membership in view.memberships:
        tell_membership(name, membership, zone)


def tell_holding(holding: Holding, zone: ZoneInfo) -> None:
    """Print a balance and its lots."""
    say()
    say(f"[bold]{holding.name}[/]  {holding.balance.available:,} available")
    if not holding.lots:
        return
    table = new_table("  lot paid by", "left", "earned", "void from", numbers=("left", "earned"))
    for lot in holding.lots:
        void = day(lot.expire_time, zone) if lot.HasField("expire_time") else "never"
        table.add_row(f"  {lot.funding_account_id}", f"{lot.remaining:,}", f"{lot.earned:,}", void)
    say_table(table)


def tell_standing(standing: Standing, zone: ZoneInfo) -> None:
    """Print a score, its level and its dimensions."""
    score = standing.live.score
    level = f"{score.level.level_id} {score.level.display_name}".strip()
    say()
    say(f"[bold]{standing.name}[/]  {score.value:,}  level {level}")
    if standing.published:
        published = standing.published
        on = f"{day(published.as_of_time, zone)}"
        say(f"  published {published.value:,} on {on}, level {published.level.level_id}")
    table = new_table("  dimension", "points", numbers=("points",))
    for dimension in standing.live.dimensions:
        name = dimension.display_name or dimension.dimension_id
        table.add_row(f"  {name}", f"{dimension.points:,}")
    for adjustment in standing.live.adjustments:
        table.add_row(f"  {adjustment.ceiling_id}", f"{adjustment.points:,}")
    say_table(table)


def tell_membership(name: str, membership: Membership, zone: ZoneInfo) -> None:
    """Print a membership and how much of its rebate is used."""
    state = MembershipState.Name(membership.state).removeprefix("MEMBERSHIP_STATE_").lower()
    say()
    say(
        f"[bold]{name}[/]  {state} from {day(membership.term.start_time, zone)} "
        f"until {day(membership.term.expire_time, zone)}, paid {yuan(membership.price)}"
    )
    if membership.HasField("rebate"):
        granted = f"{membership.rebate.granted_points:,}"
        cap = (
            f" of at most {membership.rebate.cap_points:,}" if membership.rebate.cap_points else ""
        )
        say(f"  rebate {granted}{cap}")


def day(instant: Timestamp, zone: ZoneInfo) -> str:
    """A date in the program's zone."""
    local: datetime = instant.ToDatetime(UTC).astimezone(zone)
    return f"{local:%Y-%m-%d}"


def yuan(money: Money) -> str:
    """An amount with its currency."""
    return f"{money.units:,}.{money.nanos // 10_000_000:02} {money.currency_code}"
