"""Calling at a share of what a case can do, as the benches do it."""

from __future__ import annotations

import asyncio

import pytest
from laurel_cli.bench import measuring
from laurel_cli.bench.measuring import AtShare, Case
from laurel_cli.bench.stand import Sizes


class Idle:
    """A service that nobody looks into."""

    def processor(self) -> dict[str, float]:
        return {"client": 0.0, "service": 0.0, "postgres": 0.0}

    async def sizes(self) -> Sizes:
        return Sizes(wal=0, stored=0)


async def answered() -> int:
    await asyncio.sleep(0)
    return 1


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "WARM_UP", 0.0)
    monkeypatch.setattr(measuring, "MEASURED", 0.05)


async def test_a_case_at_half_of_its_load_has_figures() -> None:
    case = Case(name="alone", call=answered, in_flight=2)
    figures = await AtShare(name="half", case=case).measure(Idle())
    assert figures.per_second > 0
    assert 0 < figures.p50_ms <= figures.p99_ms


async def test_a_call_that_fails_at_half_of_the_load_is_no_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "MEASURED", 20.0)  # It ends with the first failure.

    async def failing() -> int:
        await asyncio.sleep(0)
        raise ConnectionError

    with pytest.raises(ExceptionGroup):
        await measuring.call_paced(failing, 1000)
