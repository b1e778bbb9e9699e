"""Short words for what the shop gives: coupons, rewards, games."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.support.benefits import MEMBER, PROGRAM, Standing, World, number, refusal_of
from tests.support.programs import program_text

OPEN_GATE = ("claim_gate: {score_min: 201}", "claim_gate: {}")
"""A change of the program by which everybody may claim coupons."""


def changed(*changes: tuple[str, str]) -> str:
    """The JD program with some texts replaced, each of which it has."""
    text = program_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def of_member(kind: Any, **options: Any) -> Any:
    """A request about the member; a write has a request id of its own."""
    content = {"program_id": PROGRAM, "member_id": MEMBER}
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        content["request_id"] = number("r")
    return kind(**(content | options))


def of_program(kind: Any, **options: Any) -> Any:
    """A write about the whole program."""
    return kind(**({"program_id": PROGRAM, "request_id": number("r")} | options))


def score(world: World, value: int, member_id: str = MEMBER) -> None:
    """Have scoring say a score of a member."""
    world.scoring.standings[member_id] = Standing(score=value)


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Code, reason and metadata of a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)
