"""All that the three services know of a member, gathered for one screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import grpc
from laurel.benefits.v1.memberships_pb2 import GetMembershipRequest, Membership
from laurel.benefits.v1.memberships_pb2_grpc import MembershipServiceStub
from laurel.ledger.v1.balances_pb2 import Balance, GetBalanceRequest
from laurel.ledger.v1.balances_pb2_grpc import BalanceServiceStub
from laurel.ledger.v1.lots_pb2 import ListLotsRequest, Lot
from laurel.ledger.v1.lots_pb2_grpc import LotServiceStub
from laurel.program.v1.program_pb2 import Program
from laurel.scoring.v1.scores_pb2 import (
    SCORE_BASIS_LIVE,
    SCORE_BASIS_PUBLISHED,
    ExplainScoreRequest,
    ExplainScoreResponse,
    GetScoreRequest,
    Score,
)
from laurel.scoring.v1.scores_pb2_grpc import ScoreServiceStub

from laurel_cli.connections import Connections
from laurel_cli.output import as_json
from laurel_cli.programs import read_program

READ_DEADLINE = 10.0
LOTS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the member has of one asset."""

    name: str
    balance: Balance
    lots: tuple[Lot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the member is worth by one model."""

    name: str
    live: ExplainScoreResponse
    published: Score | None
    """None before the first settlement that knew the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A member of a program as all three services see them."""

    program: Program
    member_id: str
    holdings: tuple[Holding, ...]
    standings: tuple[Standing, ...]
    memberships: tuple[tuple[str, Membership], ...]
    """The latest membership of each plan the member ever had, with the plan's name."""

    def as_json(self) -> dict[str, object]:
        """The view for programs: the services' own answers."""
        return {
            "program_id": self.program.program_id,
            "member_id": self.member_id,
            "holdings": [
                {"balance": as_json(each.balance), "lots": [as_json(lot) for lot in each.lots]}
                for each in self.holdings
            ],
            "standings": [
                {
                    "live": as_json(each.live),
                    "published": as_json(each.published) if each.published else None,
                }
                for each in self.standings
            ],
            "memberships": [as_json(membership) for _, membership in self.memberships],
        }


async def view_member(connections: Connections, program_id: str, member_id: str) -> MemberView:
    """Ask the three services about a member; the program says what there is to ask."""
    program = await read_program(connections, program_id)
    holdings = [
        view_holding(connections, program_id, member_id, asset.asset_id, asset.display_name)
        for asset in program.ledger.assets
    ]
    standings = [
        view_standing(connections, program_id, member_id, model.model_id, model.display_name)
        for model in program.scoring.models
    ]
    memberships = [
        find_membership(connections, program_id, member_id, plan.plan_id)
        for plan in program.benefits.membership_plans
    ]
    found = await asyncio.gather(*memberships)
    names = [plan.display_name for plan in program.benefits.membership_plans]
    return MemberView(
        program=program,
        member_id=member_id,
        holdings=tuple(await asyncio.gather(*holdings)),
        standings=tuple(await asyncio.gather(*standings)),
        memberships=tuple(
            (name, each) for name, each in zip(names, found, strict=True) if each is not None
        ),
    )


async def view_holding(
    connections: Connections, program_id: str, member_id: str, asset_id: str, name: str
) -> Holding:
    """The balance of an asset and the lots it lies in."""
    balance = await BalanceServiceStub(connections.ledger).GetBalance(
        GetBalanceRequest(program_id=program_id, member_id=member_id, asset_id=asset_id),
        timeout=READ_DEADLINE,
    )
    lots = await LotServiceStub(connections.ledger).ListLots(
        ListLotsRequest(
            program_id=program_id, member_id=member_id, asset_id=asset_id, page_size=LOTS_MAX
        ),
        timeout=READ_DEADLINE,
    )
    return Holding(name=name, balance=balance.balance, lots=tuple(lots.lots))


async def view_standing(
    connections: Connections, program_id: str, member_id: str, model_id: str, name: str
) -> Standing:
    """The live score with its dimensions, and the one published last."""
    scores = ScoreServiceStub(connections.scoring)
    live = await scores.ExplainScore(
        ExplainScoreRequest(
            program_id=program_id,
            member_id=member_id,
            model_id=model_id,
            basis=SCORE_BASIS_LIVE,
            page_size=1,
        ),
        timeout=READ_DEADLINE,
    )
    asked = GetScoreRequest(
        program_id=program_id, member_id=member_id, model_id=model_id, basis=SCORE_BASIS_PUBLISHED
    )
    try:
        published = (await scores.GetScore(asked, timeout=READ_DEADLINE)).score
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        published = None
    return Standing(name=name, live=live, published=published)


async def find_membership(
    connections: Connections, program_id: str, member_id: str, plan_id: str
) -> Membership | None:
    """The member's latest membership of a plan, if there ever was one."""
    request = GetMembershipRequest(program_id=program_id, member_id=member_id, plan_id=plan_id)
    try:
        answer = await MembershipServiceStub(connections.benefits).GetMembership(
            request, timeout=READ_DEADLINE
        )
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return None
    return answer.membership
