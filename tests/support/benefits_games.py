"""The program of games, as rules see it and as requests name it."""

from __future__ import annotations

from functools import cache
from typing import Any

from laurel.benefits.v1 import engagement_pb2, games_pb2, games_pb2_grpc
from laurel_benefits.domain.programs import BenefitsProgram
from laurel_benefits.wire.programs import BenefitsSectionCompiler
from laurel_kit.programs.loading import examine

from tests.support.benefits import MEMBER, PATIENCE, World, number
from tests.support.programs import shipped_text

GAMES = "pinduoduo"
COINS = (
    "apple, display_name: 苹果, grams: 2500}",
    "coins, display_name: 金币, points: 100, asset_id: bean, funding_account_id: platform}",
)
"""A change of the program by which a tree may give points instead of apples."""


def games_text(*changes: tuple[str, str]) -> str:
    """The program of games with some texts replaced, each of which it has."""
    text = shipped_text(GAMES)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@cache
def games() -> BenefitsProgram:
    """The benefits section of the program of games."""
    examination = examine(shipped_text(GAMES), BenefitsSectionCompiler())
    assert examination.model, examination.faults
    return examination.model


def of_player(kind: Any, **options: Any) -> Any:
    """A request about a member who plays; a write has a request id of its own."""
    content = {"program_id": GAMES, "member_id": MEMBER}
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        content["request_id"] = number("r")
    return kind(**(content | options))


async def play(world: World, rpc: str, **options: Any) -> Any:
    """Call an RPC of GameService about the player."""
    stub = games_pb2_grpc.GameServiceStub(world.served.channel)
    request = of_player(getattr(games_pb2, f"{rpc}Request"), **options)
    return await getattr(stub, rpc)(request, timeout=PATIENCE)


async def sign_in(world: World, **options: Any) -> engagement_pb2.CheckInResponse:
    """Check the player in."""
    request = of_player(engagement_pb2.CheckInRequest, **options)
    return await world.engagement.CheckIn(request, timeout=PATIENCE)
