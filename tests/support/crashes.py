"""Processes that end between any two steps of what benefits does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from laurel_benefits.handlers.resources import Resources


class Crash(Exception):
    """The process ended here."""


@dataclass
class Tripwire:
    """Lets so many steps pass and ends the process at the next."""

    steps_left: int

    def step(self) -> None:
        if self.steps_left == 0:
            raise Crash
        self.steps_left -= 1

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A crash before the call, or after it, when it is done and nobody has heard of it."""

        async def called(*arguments: Any, **options: Any) -> Any:
            self.step()
            answer = await call(*arguments, **options)
            self.step()
            return answer

        return called


@dataclass
class Around:
    """Something whose calls may end the process."""

    inner: Any
    wire: Tripwire
    names: Sequence[str]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self.wire.around(found) if name in self.names else found


def tripping(resources: Resources, wire: Tripwire) -> Resources:
    """The same resources with a tripwire at every step that leaves something behind."""
    return replace(
        resources,
        database=Around(resources.database, wire, ["transact"]),
        ledger=Around(
            resources.ledger,
            wire,
            ["post_grant", "post_check_in", "take_step", "take_return_step", "make_posting"],
        ),
        scoring=Around(resources.scoring, wire, ["record_purchases", "record_return"]),
    )
